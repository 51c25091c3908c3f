/** Loads an export into a table. */
import { createHash } from "node:crypto";
import { PassThrough, pipeline, type Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { createGunzip } from "node:zlib";
import type { ExportedFile, Manifest } from "../../../functions/exports/contract";
import { parseDynamoLine, parsePlainItem, type Change } from "../../../functions/exports/format/plain-json";
import { errorCode, errorMessage } from "../../../functions/shared/errors";
import { documentSplitter, NoItemError, lineSplitter, type Splitter } from "./item-splitter";
import { parquetItems } from "./parquet-items";

/** Eight batches of BatchWriteItem's maximum. */
const ITEMS_AT_A_TIME = 200;

/** Progress: all items of the files before `file`, and `items` of that one. */
export interface Restored {
  readonly file: number;
  readonly items: number;
}

export interface RestorePorts {
  readonly read: (key: string) => Promise<Readable>;
  /** Applies all changes or rejects. Idempotent. */
  readonly write: (changes: readonly Change[]) => Promise<void>;
  readonly save: (restored: Restored) => Promise<void>;
  readonly onProgress: (items: number) => void;
}

/** A file differs from its manifest. The message names the file and the place, never its content. */
export class DamagedExportError extends Error {
  override readonly name = "DamagedExportError";
  constructor(fault: string, options?: ErrorOptions) {
    super(`${fault}. Restore another run, or export again.`, options);
  }
}

/**
 * Reads every file from `from` on, and checks it against its checksum and its number of items, before anything is written.
 *
 * @returns the items of the files
 * @throws {@link DamagedExportError}, and errors of the ports
 */
export async function verify(
  manifest: Manifest,
  from: number,
  ports: Pick<RestorePorts, "read" | "onProgress">,
): Promise<number> {
  let items = 0;
  for (const file of manifest.files.slice(from))
    for await (const batch of batchesOf(manifest, file, 0, ports)) {
      items += batch.length;
      ports.onProgress(items);
    }
  return items;
}

/**
 * Writes every item of an export, resuming an earlier restore. Each file is checked against its checksum and its number of items.
 *
 * @returns the items written by this call
 * @throws {@link DamagedExportError}, and errors of the ports
 */
export async function restore(manifest: Manifest, from: Restored, ports: RestorePorts): Promise<number> {
  const before = manifest.files.slice(0, from.file).reduce((sum, { items }) => sum + items, 0) + from.items;
  let written = 0;
  for (const [index, file] of manifest.files.entries()) {
    if (index < from.file) continue;
    const skip = index === from.file ? from.items : 0;
    let done = skip;
    for await (const items of batchesOf(manifest, file, skip, ports)) {
      await ports.write(items);
      done += items.length;
      written += items.length;
      await ports.save({ file: index, items: done });
      ports.onProgress(before + written);
    }
    await ports.save({ file: index + 1, items: 0 });
  }
  return written;
}

async function* batchesOf(
  manifest: Manifest,
  file: ExportedFile,
  skip: number,
  { read }: Pick<RestorePorts, "read">,
): AsyncGenerator<readonly Change[]> {
  // An earlier run of the day may have written the file.
  const { format = manifest.format, compression = manifest.compression } = file;
  const parse = format === "dynamodb-json" ? parseDynamoLine : (line: string) => ({ put: parsePlainItem(line) });
  const hash = createHash(file.sha256 === undefined ? "md5" : "sha256");
  const stored = await read(file.key);
  let unread = file.bytes;
  stored.on("data", (bytes: Buffer) => {
    hash.update(bytes);
    unread -= bytes.length;
    if (unread < 0) stored.destroy(new UnreadableError("it is longer"));
  });
  const expected =
    file.sha256 ?? (file.md5 === undefined ? undefined : Buffer.from(file.md5, "base64").toString("hex"));
  let seen = 0;
  let digest: string | undefined;
  const assertIntact = (isWhole: boolean): void => {
    digest ??= hash.digest("hex");
    const isSame = expected === undefined || digest === expected;
    if (!isWhole || !isSame)
      throw new DamagedExportError(
        `${file.key} differs from its manifest: ${seen} of ${file.items} items${isSame ? "" : ", another checksum"}`,
      );
  };
  const splitter = format === "json" ? documentSplitter() : lineSplitter();
  const texts =
    format === "parquet"
      ? parquetTexts(stored, () => {
          assertIntact(true);
        })
      : splitTexts(stored, compression, splitter);
  const damaged = (cause: unknown): DamagedExportError =>
    new DamagedExportError(
      `${file.key} differs from its manifest: after ${seen} of ${file.items} items, ${errorMessage(cause)}`,
      { cause },
    );
  let batch: Change[] = [];
  for await (const text of readable(texts, damaged)) {
    if (seen === file.items) throw damaged(new UnreadableError("it has more"));
    if (seen >= skip)
      try {
        batch.push(parse(text));
      } catch (cause) {
        throw damaged(cause);
      }
    seen += 1;
    if (batch.length < ITEMS_AT_A_TIME) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
  assertIntact(splitter.end() && seen === file.items);
}

/** Bytes that cannot be unpacked or decoded, or are more than the manifest says: a small file may unpack to any number of items. */
class UnreadableError extends Error {
  override readonly name = "UnreadableError";
}

/** Maps {@link UnreadableError}; errors of the ports stay as they are. */
async function* readable(
  texts: AsyncGenerator<string>,
  damaged: (cause: unknown) => DamagedExportError,
): AsyncGenerator<string> {
  try {
    yield* texts;
  } catch (error) {
    throw error instanceof UnreadableError ? damaged(error) : error;
  }
}

async function* splitTexts(
  stored: Readable,
  compression: Manifest["compression"],
  splitter: Splitter,
): AsyncGenerator<string> {
  const content = compression === "gzip" ? createGunzip() : new PassThrough();
  pipeline(stored, content, () => undefined); // errors reach the reader of `content`; closing it closes `stored`
  try {
    for await (const bytes of content as AsyncIterable<Buffer>) yield* splitter.feed(bytes);
  } catch (cause) {
    if (cause instanceof UnreadableError) throw cause;
    if (cause instanceof NoItemError) throw new UnreadableError(cause.message, { cause });
    if (!errorCode(cause)?.startsWith("Z_")) throw cause;
    throw new UnreadableError(`it cannot be unpacked (${errorMessage(cause)})`, { cause });
  }
}

/** Its directory is at its end: a file is read as a whole, and has about `partMegabytes`. */
async function* parquetTexts(stored: Readable, assertIntact: () => void): AsyncGenerator<string> {
  const content = await buffer(stored);
  assertIntact();
  try {
    yield* parquetItems(content);
  } catch (cause) {
    throw new UnreadableError(`it is not Parquet (${errorMessage(cause)})`, { cause });
  }
}
