/** Writes one file of JSON: pages of a scan in, a multipart upload out, with a few megabytes in memory. */
import { once } from "node:events";
import { createGzip, type Gzip } from "node:zlib";

import { DOCUMENT_FIELD, type Format } from "../contract";
import type { ObjectStore } from "../storage/object-store";
import { ChunkedUpload, type UploadedFile } from "./chunked-upload";
import { convertScanPage, type ConvertedPage, type Selection } from "./scan-page";

/** The fastest: compresses to about a sixth. The best level takes five times as long and saves a quarter of that. */
export const GZIP_LEVEL = 1;

const DOCUMENT_START = Buffer.from(`{"${DOCUMENT_FIELD}": [`);
const DOCUMENT_END = Buffer.from("]}");

export interface FileOptions {
  readonly key: string;
  readonly format: Exclude<Format, "parquet">;
  readonly compressed: boolean;
  /** Undefined: all items. */
  readonly selection?: Selection | undefined;
}

export interface FileWriter {
  readonly items: number;
  /** Before compression. */
  readonly bytes: number;
  /**
   * Converts a page; its buffer may be reused afterwards. Call `flush` before the next page.
   *
   * @returns undefined if the file cannot hold it: it belongs into the next one
   */
  addPage(page: Buffer): ConvertedPage | undefined;
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
      const converted = convertScanPage(page, buffer, reserved, {
        separator: document ? "," : "\n",
        selection,
      });
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
