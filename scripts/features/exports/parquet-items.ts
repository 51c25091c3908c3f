/** The items of a Parquet file, as plain JSON. */
import { gunzipSync } from "node:zlib";
import { parquetMetadataAsync, parquetReadObjects, type AsyncBuffer } from "hyparquet";

/** The column of the whole item: functions/exports/format/parquet-writer.ts. */
const COLUMN = "item";

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
      columns: [COLUMN],
      rowStart,
      rowEnd,
      compressors: { GZIP: (page) => gunzipSync(page) },
    });
    for (const { [COLUMN]: item } of rows) yield String(item);
    rowStart = rowEnd;
  }
}
