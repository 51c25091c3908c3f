/** The items of a Parquet file, as plain JSON. */
import { gunzipSync } from "node:zlib";
import { parquetMetadataAsync, parquetReadObjects, type AsyncBuffer } from "hyparquet";
import { ITEM_COLUMN } from "../../../functions/exports/contract";

/** Reads one row group after the other. */
export async function* parquetItems(content: Buffer): AsyncGenerator<string> {
  const file: AsyncBuffer = {
    byteLength: content.length,
    slice: (start, end) => Uint8Array.from(content.subarray(start, end)).buffer,
  };
  const metadata = await parquetMetadataAsync(file);
  let rowStart = 0;
  for (const { num_rows } of metadata.row_groups) {
    const rowEnd = rowStart + Number(num_rows);
    const rows = await parquetReadObjects({
      file,
      metadata,
      columns: [ITEM_COLUMN],
      rowStart,
      rowEnd,
      compressors: { GZIP: (page) => gunzipSync(page) },
    });
    for (const { [ITEM_COLUMN]: item } of rows) yield String(item);
    rowStart = rowEnd;
  }
}
