/** Writes one file: pages of a scan in, a multipart upload out, with a few megabytes in memory. */
import { createHash } from "node:crypto";
import { once } from "node:events";
import { createGzip, type Gzip } from "node:zlib";

import { DOCUMENT_FIELD, type Format } from "../contract";
import type { ObjectStore, PendingUpload } from "../storage/object-store";
import { convertScanPage, type ConvertedPage, type Selection } from "./scan-page";

/** S3's minimum is 5 MiB, and its maximum 10,000 chunks: 80 GB a file. */
const CHUNK_BYTES = 8 * 1_048_576;

/** One is filled while others are uploaded. */
const CONCURRENT_UPLOADS = 2;

/** The fastest: compresses to about a sixth. The best level takes five times as long and saves a quarter of that. */
const GZIP_LEVEL = 1;

const DOCUMENT_START = Buffer.from(`{"${DOCUMENT_FIELD}": [`);
const DOCUMENT_END = Buffer.from("]}");

export interface FileOptions {
  readonly key: string;
  readonly format: Format;
  readonly compressed: boolean;
  /** Undefined: all items. */
  readonly selection?: Selection | undefined;
}

/** A file whose chunks are all uploaded. It is no object until the upload is completed. */
export interface UploadedFile {
  readonly upload: PendingUpload;
  readonly bytes: number;
  /** In hexadecimal. */
  readonly sha256: string;
}

export interface FileWriter {
  readonly items: number;
  /** Before compression. */
  readonly bytes: number;
  /** Converts a page; its buffer may be reused afterwards. Call `flush` before the next page. */
  addPage(page: Buffer): ConvertedPage;
  /** Writes the added page. Resolves when another page can be added. */
  flush(): Promise<void>;
  /** Uploads the remaining bytes. */
  finish(): Promise<UploadedFile>;
  /** Aborts the upload. */
  abort(): Promise<void>;
}

export function fileWriter({ key, format, compressed, selection }: FileOptions, store: ObjectStore): FileWriter {
  const chunks = new ChunkedUpload(key, store);
  const compressor = compressed ? new Compressor(chunks) : undefined;
  const write = (content: Buffer): Promise<void> => compressor?.write(content) ?? chunks.write(content);
  const document = format === "json";
  // One page is compressed while the next one is converted.
  const buffers: [Buffer, Buffer] = [Buffer.allocUnsafe(0), Buffer.allocUnsafe(0)];
  let added: Buffer | undefined;
  let writing: Promise<void> = Promise.resolve();
  let items = 0;
  let bytes = 0;

  /** Starts to write once the previous write has ended. */
  const startWriting = async (content: Buffer): Promise<void> => {
    await writing;
    writing = write(content);
    writing.catch(() => undefined); // Avoids an unhandled rejection; awaited by the next write.
  };

  return {
    get items() {
      return items;
    },
    get bytes() {
      return bytes;
    },
    addPage: (page) => {
      buffers.reverse();
      const reserved = DOCUMENT_START.length;
      if (buffers[0].length < reserved + page.length)
        buffers[0] = Buffer.allocUnsafe(reserved + page.length + page.length / 4);
      const [buffer] = buffers;
      const converted = convertScanPage(page, buffer, reserved, document ? "," : "\n", selection);
      if (converted.items === 0) return converted;
      let from = reserved;
      // A document has commas only between items: the one after a page's last item is written before the next page.
      const to = from + converted.bytes - (document ? 1 : 0);
      if (document && items === 0) from -= DOCUMENT_START.copy(buffer);
      else if (document) buffer.write(",", --from);
      items += converted.items;
      bytes += to - from;
      added = buffer.subarray(from, to);
      return converted;
    },
    flush: async () => {
      if (added !== undefined) await startWriting(added);
      added = undefined;
    },
    finish: async () => {
      if (document) await startWriting(items === 0 ? Buffer.concat([DOCUMENT_START, DOCUMENT_END]) : DOCUMENT_END);
      await writing;
      await compressor?.end();
      return chunks.finish();
    },
    abort: async () => {
      await writing.catch(() => undefined);
      compressor?.destroy();
      await chunks.abort();
    },
  };
}

class Compressor {
  private readonly gzip: Gzip = createGzip({ level: GZIP_LEVEL, chunkSize: 256 * 1_024 });
  private compressed: Buffer[] = [];

  constructor(private readonly chunks: ChunkedUpload) {
    this.gzip.on("data", (bytes: Buffer) => this.compressed.push(bytes));
    this.gzip.on("error", () => undefined); // write() rejects.
  }

  /** Resolves when the bytes are compressed; their buffer may be reused then. */
  async write(bytes: Buffer): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.gzip.write(bytes, (error) => {
        if (error) reject(error);
        else resolve();
      });
    });
    await this.upload();
  }

  async end(): Promise<void> {
    const ended = once(this.gzip, "end");
    this.gzip.end();
    await ended;
    await this.upload();
  }

  destroy(): void {
    this.gzip.destroy();
  }

  private async upload(): Promise<void> {
    const { compressed } = this;
    this.compressed = [];
    for (const bytes of compressed) await this.chunks.write(bytes);
  }
}

/** Splits bytes into chunks of a multipart upload. */
class ChunkedUpload {
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
