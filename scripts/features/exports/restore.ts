/** Loads an export into a table. */
import { createHash } from "node:crypto";
import { PassThrough, pipeline, type Readable } from "node:stream";
import { createGunzip } from "node:zlib";
import type { ExportedFile, Manifest } from "../../../functions/exports/contract";
import { parseDynamoLine, parsePlainItem, type Change } from "../../../functions/exports/format/plain-json";
import { documentSplitter, lineSplitter } from "./item-splitter";

/** Written at a time: eight batches of BatchWriteItem's most. */
const ITEMS_AT_A_TIME = 200;

/** How far a restore is: all items of the files before `file`, and `items` of that one. */
export interface Restored {
  readonly file: number;
  readonly items: number;
}

export interface RestorePorts {
  readonly read: (key: string) => Promise<Readable>;
  /** Makes all of these changes, or rejects. Again is as good as once. */
  readonly write: (changes: readonly Change[]) => Promise<void>;
  readonly save: (restored: Restored) => Promise<void>;
  readonly onProgress: (items: number) => void;
}

/** What was read is not what was exported. */
export class DamagedExportError extends Error {
  override readonly name = "DamagedExportError";
}

/**
 * Writes every item of an export, from where an earlier restore was stopped. Each file is held against its checksum and its number
 * of items.
 *
 * @returns the items written by this call
 * @throws {@link DamagedExportError}, and whatever the ports throw
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
  { format, compression }: Manifest,
  file: ExportedFile,
  skip: number,
  { read }: RestorePorts,
): AsyncGenerator<readonly Change[]> {
  const splitter = format === "json" ? documentSplitter() : lineSplitter();
  const parse = format === "dynamodb-json" ? parseDynamoLine : (line: string) => ({ put: parsePlainItem(line) });
  const hash = createHash(file.sha256 === undefined ? "md5" : "sha256");
  const stored = await read(file.key);
  stored.on("data", (bytes: Buffer) => hash.update(bytes));
  const content = compression === "gzip" ? createGunzip() : new PassThrough();
  pipeline(stored, content, () => undefined); // Whoever reads the content is told, and who stops reading stops it all.
  let seen = 0;
  let batch: Change[] = [];
  for await (const bytes of content as AsyncIterable<Buffer>)
    for (const text of splitter.feed(bytes)) {
      seen += 1;
      if (seen <= skip) continue;
      batch.push(parse(text));
      if (batch.length < ITEMS_AT_A_TIME) continue;
      yield batch;
      batch = [];
    }
  if (batch.length > 0) yield batch;
  const expected =
    file.sha256 ?? (file.md5 === undefined ? undefined : Buffer.from(file.md5, "base64").toString("hex"));
  if (!splitter.end() || seen !== file.items || (expected !== undefined && hash.digest("hex") !== expected))
    throw new DamagedExportError(`${file.key} is not what its manifest says: ${seen} of ${file.items} items`);
}
