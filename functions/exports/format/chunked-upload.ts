/** A multipart upload of bytes as they come. */
import { createHash } from "node:crypto";

import type { ObjectStore, PendingUpload } from "../storage/object-store";

/** S3's minimum is 5 MiB, and its maximum 10,000 chunks: 80 GB a file. */
const CHUNK_BYTES = 8 * 1_048_576;

/** One is filled while others are uploaded. */
const CONCURRENT_UPLOADS = 2;

/** A file whose chunks are all uploaded. It is no object until the upload is completed. */
export interface UploadedFile {
  readonly upload: PendingUpload;
  readonly bytes: number;
  /** In hexadecimal. */
  readonly sha256: string;
  /** Values that the type of their column cannot hold. @default 0 */
  readonly unfitValues?: number;
}

/** Splits bytes into chunks of a multipart upload. */
export class ChunkedUpload {
  private readonly hash = createHash("sha256");
  private readonly etags: Promise<string>[] = [];
  private readonly freeChunks: Buffer[] = [];
  private uploadId: Promise<string> | undefined;
  /** Grows with a small file. */
  private chunk: Buffer = Buffer.allocUnsafe(0);
  private filled = 0;
  private bytes = 0;

  constructor(
    private readonly key: string,
    private readonly store: ObjectStore,
  ) {}

  /** Copies the bytes. Waits while too many chunks are being uploaded. */
  async write(bytes: Buffer): Promise<void> {
    for (let from = 0; from < bytes.length;) {
      this.reserve(bytes.length - from);
      const copied = bytes.copy(this.chunk, this.filled, from);
      this.filled += copied;
      from += copied;
      if (this.filled === CHUNK_BYTES) {
        this.send();
        await this.etags.at(-CONCURRENT_UPLOADS);
        this.chunk = this.freeChunks.pop() ?? Buffer.allocUnsafe(CHUNK_BYTES);
      }
    }
  }

  private reserve(bytes: number): void {
    const needed = Math.min(CHUNK_BYTES, this.filled + bytes);
    if (needed <= this.chunk.length) return;
    const larger = Buffer.allocUnsafe(Math.min(CHUNK_BYTES, 2 * needed));
    this.chunk.copy(larger, 0, 0, this.filled);
    this.chunk = larger;
  }

  async finish(): Promise<UploadedFile> {
    if (this.filled > 0 || this.etags.length === 0) this.send();
    const etags = await Promise.all(this.etags);
    const id = await this.createUpload();
    return { upload: { id, etags }, bytes: this.bytes, sha256: this.hash.digest("hex") };
  }

  async abort(): Promise<void> {
    if (this.uploadId === undefined) return;
    await Promise.allSettled(this.etags);
    await this.store.abortUpload(this.key, await this.uploadId);
  }

  private send(): void {
    const { chunk, filled } = this;
    const number = this.etags.length + 1;
    const bytes = chunk.subarray(0, filled);
    this.hash.update(bytes);
    this.bytes += filled;
    this.filled = 0;
    const etag = this.createUpload()
      .then((uploadId) => this.store.uploadChunk(this.key, uploadId, number, bytes))
      .finally(() => this.freeChunks.push(chunk));
    etag.catch(() => undefined); // Avoids an unhandled rejection; awaited by write() or finish().
    this.etags.push(etag);
  }

  private createUpload(): Promise<string> {
    return (this.uploadId ??= this.store.createUpload(this.key));
  }
}
