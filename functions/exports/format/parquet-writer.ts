/** Writes one Parquet file: pages of a scan in, a multipart upload out, with one row group in memory. */
import { gzipSync } from "node:zlib";

import { ByteWriter, ParquetWriter } from "hyparquet-writer";

import { ITEM_COLUMN } from "../contract";
import type { ObjectStore } from "../storage/object-store";
import { ChunkedUpload } from "./chunked-upload";
import { GZIP_LEVEL, type FileWriter } from "./file-writer";
import { RowGroup, type ParquetSchema } from "./parquet-schema";
import { convertScanPage, type ConvertedItem, type Selection } from "./scan-page";

/** Of plain JSON. Readers read larger groups faster, and more of it is in memory. */
const ROW_GROUP_BYTES = 8 * 1_048_576;

/** Longer than most pages. */
const PAGE_BYTES = 2 * 1_048_576;

export interface ParquetOptions {
  readonly key: string;
  /** Columns of the segment's files. */
  readonly schema: ParquetSchema;
  readonly compressed: boolean;
  /** Undefined: all items. */
  readonly selection?: Selection | undefined;
  /** @default 8 MiB */
  readonly rowGroupBytes?: number;
}

export function parquetWriter(
  { key, schema, compressed, selection, rowGroupBytes = ROW_GROUP_BYTES }: ParquetOptions,
  store: ObjectStore,
): FileWriter {
  const chunks = new ChunkedUpload(key, store);
  const encoded = new ByteWriter();
  const rowGroup = new RowGroup(schema);
  let writer: ParquetWriter | undefined;
  /** The row group's items, and where each begins and ends. */
  let content = Buffer.allocUnsafe(0);
  let filled = 0;
  let spans: number[] = [];
  let items = 0;
  let bytes = 0;

  const reserve = (needed: number): void => {
    if (needed <= content.length) return;
    const larger = Buffer.allocUnsafe(Math.max(needed, rowGroupBytes + PAGE_BYTES));
    content.copy(larger, 0, 0, filled);
    content = larger;
  };

  const upload = async (): Promise<void> => {
    await chunks.write(Buffer.from(encoded.getBytes().buffer, 0, encoded.index));
    encoded.index = 0;
  };

  const writeRowGroup = async (): Promise<void> => {
    writer ??= new ParquetWriter({
      writer: encoded,
      schema: [
        { name: "root", num_children: rowGroup.elements.length + 1 },
        { name: ITEM_COLUMN, type: "BYTE_ARRAY", converted_type: "UTF8", repetition_type: "REQUIRED" },
        ...rowGroup.elements,
      ],
      codec: compressed ? "GZIP" : "UNCOMPRESSED",
      compressors: { GZIP: (page) => gzipSync(page, { level: GZIP_LEVEL }) },
      createdBy: "almanac",
    });
    const { rows } = rowGroup;
    const whole = Array.from({ length: rows }, (_, row) => content.subarray(spans[2 * row], spans[2 * row + 1]));
    void writer.write({
      columnData: [
        // Items differ: a dictionary and statistics of them are of no use.
        { name: ITEM_COLUMN, data: whole, encoding: "PLAIN", statistics: false },
        ...rowGroup.take(),
      ],
      rowGroupSize: rows,
    });
    [filled, spans] = [0, []];
    await upload();
  };

  return {
    get items() {
      return items;
    },
    get bytes() {
      return bytes;
    },
    addPage: (page) => {
      reserve(filled + page.length);
      const known = spans.length;
      const onItem = (item: ConvertedItem): void => {
        spans.push(item.from, item.to);
        rowGroup.addRow(content, item);
      };
      const converted = rowGroup.addAll(() =>
        convertScanPage(page, content, filled, { separator: "\n", selection, onItem }),
      );
      if (converted === undefined) {
        spans.length = known;
        return undefined;
      }
      items += converted.items;
      bytes += converted.bytes;
      filled += converted.bytes;
      return converted;
    },
    flush: async () => {
      if (filled >= rowGroupBytes) await writeRowGroup();
    },
    finish: async () => {
      if (rowGroup.rows > 0 || writer === undefined) await writeRowGroup();
      void writer?.finish();
      await upload();
      const { unfitValues } = rowGroup;
      return { ...(await chunks.finish()), ...(unfitValues > 0 && { unfitValues }) };
    },
    abort: () => chunks.abort(),
  };
}
