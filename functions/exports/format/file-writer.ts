/** One file on its way to S3: from pages of a scan to bytes of a multipart upload, with a few megabytes in memory. */
import { createHash } from "node:crypto";
import { once } from "node:events";
import { createGzip, type Gzip } from "node:zlib";

import { DOCUMENT_FIELD, type Format } from "../contract";
import type { ObjectStore, PendingUpload } from "./object-store";
import { convertScanPage, type ConvertedPage } from "./scan-page";

/** S3 wants 5 MiB at least, and 10,000 at most: a document can have 80 GB. */
const CHUNK_BYTES = 8 * 1_048_576;

/** One is filled while others are sent. */
const CHUNKS_UNDER_WAY = 2;

/** The fastest: it packs a table to a sixth or so, and the best would take five times as long to save a quarter of that. */
const GZIP_LEVEL = 1;

/** Around a document's items. */
const HEAD = Buffer.from(`{"${DOCUMENT_FIELD}": [`);
const TAIL = Buffer.from("]}");

export interface FileOptions {
  readonly key: string;
  readonly format: Format;
  readonly compressed: boolean;
}

/** A file of which every byte is in S3, though it is not an object yet. */
export interface SealedFile {
  readonly upload: PendingUpload;
  readonly bytes: number;
  /** In hexadecimal. */
  readonly sha256: string;
}

export interface FileWriter {
  /** Items so far. */
  readonly items: number;
  /** Bytes so far, before compression. */
  readonly bytes: number;
  /** Takes the items of a page, whose bytes may be overwritten then. Before the next page: `drain`. */
  take(page: Buffer): ConvertedPage;
  /** Sends what was taken on its way. Resolves when there is room for another page. */
  drain(): Promise<void>;
  /** Sends the rest. Nothing can be appended after it. */
  seal(): Promise<SealedFile>;
  /** Gives up; nothing stays. */
  discard(): Promise<void>;
}

export function fileWriter({ key, format, compressed }: FileOptions, store: ObjectStore): FileWriter {
  const chunks = new ChunkedUpload(key, store);
  const packing = compressed ? new Packing(chunks) : undefined;
  const write = (content: Buffer): Promise<void> => packing?.write(content) ?? chunks.write(content);
  const document = format === "json";
  // One page is compressed while the next one is converted: each needs a place of its own.
  const scratches: [Buffer, Buffer] = [Buffer.allocUnsafe(0), Buffer.allocUnsafe(0)];
  let taken: Buffer | undefined;
  let writing: Promise<void> = Promise.resolve();
  let items = 0;
  let bytes = 0;

  /** Begins to write, once what was written before is done with. */
  const hand = async (handed: Buffer): Promise<void> => {
    await writing;
    writing = write(handed);
    writing.catch(() => undefined); // Whoever waits for it next is told.
  };

  return {
    get items() {
      return items;
    },
    get bytes() {
      return bytes;
    },
    take: (page) => {
      scratches.reverse();
      if (scratches[0].length < HEAD.length + page.length)
        scratches[0] = Buffer.allocUnsafe(HEAD.length + page.length + page.length / 4);
      const [scratch] = scratches;
      const converted = convertScanPage(page, scratch, HEAD.length, document ? "," : "\n");
      if (converted.items === 0) return converted;
      let from = HEAD.length;
      // In a document a comma belongs between two items: the last one's is written before the next page.
      const to = from + converted.bytes - (document ? 1 : 0);
      if (document && items === 0) from -= HEAD.copy(scratch);
      else if (document) scratch.write(",", --from);
      items += converted.items;
      bytes += to - from;
      taken = scratch.subarray(from, to);
      return converted;
    },
    drain: async () => {
      if (taken !== undefined) await hand(taken);
      taken = undefined;
    },
    seal: async () => {
      if (document) await hand(items === 0 ? Buffer.concat([HEAD, TAIL]) : TAIL);
      await writing;
      await packing?.end();
      return chunks.seal();
    },
    discard: async () => {
      await writing.catch(() => undefined);
      packing?.destroy();
      await chunks.discard();
    },
  };
}

/** Compresses what is written to it. */
class Packing {
  private readonly gzip: Gzip = createGzip({ level: GZIP_LEVEL, chunkSize: 256 * 1_024 });
  private packed: Buffer[] = [];

  constructor(private readonly chunks: ChunkedUpload) {
    this.gzip.on("data", (packed: Buffer) => this.packed.push(packed));
    this.gzip.on("error", () => undefined); // Whoever writes is told.
  }

  /** Resolves once the bytes have been compressed: they may be overwritten then. */
  async write(bytes: Buffer): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.gzip.write(bytes, (error) => {
        if (error) reject(error);
        else resolve();
      });
    });
    await this.handOn();
  }

  async end(): Promise<void> {
    const ended = once(this.gzip, "end");
    this.gzip.end();
    await ended;
    await this.handOn();
  }

  destroy(): void {
    this.gzip.destroy();
  }

  private async handOn(): Promise<void> {
    const { packed } = this;
    this.packed = [];
    for (const bytes of packed) await this.chunks.write(bytes);
  }
}

/** A multipart upload that is fed any number of bytes at a time. */
class ChunkedUpload {
  private readonly hash = createHash("sha256");
  private readonly tags: Promise<string>[] = [];
  private readonly free: Buffer[] = [];
  private upload: Promise<string> | undefined;
  private chunk: Buffer = Buffer.allocUnsafe(CHUNK_BYTES);
  private filled = 0;
  private bytes = 0;

  constructor(
    private readonly key: string,
    private readonly store: ObjectStore,
  ) {}

  /** Copies the bytes. Waits while too much is under way. */
  async write(bytes: Buffer): Promise<void> {
    for (let from = 0; from < bytes.length;) {
      const copied = bytes.copy(this.chunk, this.filled, from);
      this.filled += copied;
      from += copied;
      if (this.filled === CHUNK_BYTES) {
        this.send();
        // The one that makes room: what was sent before it has arrived by then, or has failed.
        await this.tags.at(-CHUNKS_UNDER_WAY);
        this.chunk = this.free.pop() ?? Buffer.allocUnsafe(CHUNK_BYTES);
      }
    }
  }

  async seal(): Promise<SealedFile> {
    if (this.filled > 0 || this.tags.length === 0) this.send();
    const tags = await Promise.all(this.tags);
    const id = await this.begun();
    return { upload: { id, tags }, bytes: this.bytes, sha256: this.hash.digest("hex") };
  }

  async discard(): Promise<void> {
    if (this.upload === undefined) return;
    await Promise.allSettled(this.tags);
    await this.store.abort(this.key, await this.upload);
  }

  private send(): void {
    const { chunk, filled } = this;
    const number = this.tags.length + 1;
    const bytes = chunk.subarray(0, filled);
    this.hash.update(bytes);
    this.bytes += filled;
    this.filled = 0;
    const tag = this.begun()
      .then((upload) => this.store.send(this.key, upload, number, bytes))
      .finally(() => this.free.push(chunk));
    tag.catch(() => undefined); // Whoever waits for it next is told.
    this.tags.push(tag);
  }

  private begun(): Promise<string> {
    return (this.upload ??= this.store.begin(this.key));
  }
}
