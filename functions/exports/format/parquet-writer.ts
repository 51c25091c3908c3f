/** Writes one Parquet file: pages of a scan in, a multipart upload out, with one row group in memory. */
import { gzipSync } from "node:zlib";

import type { ColumnChunk, RowGroup as ParquetRowGroup } from "hyparquet";
import { ByteWriter, ParquetWriter } from "hyparquet-writer";
import { writePageHeader } from "hyparquet-writer/src/datapage.js";

import { ITEM_COLUMN } from "../contract";
import type { ObjectStore } from "../storage/object-store";
import { ChunkedUpload } from "./chunked-upload";
import { GZIP_LEVEL, type FileWriter } from "./file-writer";
import { RowGroup, type ParquetSchema } from "./parquet-schema";
import { convertScanPage, type ConvertedItem, type Selection } from "./scan-page";

/** Of plain JSON. Readers read larger groups faster, and more of it is in memory. */
const ROW_GROUP_BYTES = 1_048_576;

/** The library's page size for one page a row group. */
const ONE_PAGE = 0;

/** Of the length before each value. */
const LENGTH_BYTES = 4;

/** Zlib's output buffer: most pages compress to less, and Node joins the pieces of others. */
const SMALLEST_OUTPUT_BYTES = 1_024;

/** Longer than most pages. */
const PAGE_BYTES = 2 * 1_048_576;

export interface ParquetOptions {
  readonly key: string;
  /** Columns of the segment's files. */
  readonly schema: ParquetSchema;
  readonly compressed: boolean;
  /** Undefined: all items. */
  readonly selection?: Selection | undefined;
  /** @default 1 MiB */
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
  let page = Buffer.allocUnsafe(0);
  /** Columns whose values differ, so that a dictionary is of no use: it is not tried again. */
  const unique = new Set<string>();
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

  /** The row group's whole items, as the column's page. */
  const itemPage = (rows: number): Buffer => {
    const length = filled + LENGTH_BYTES * rows;
    if (page.length < length) page = Buffer.allocUnsafe(length + length / 8);
    let to = 0;
    for (let row = 0; row < rows; row++) {
      const [from = 0, end = 0] = [spans[2 * row], spans[2 * row + 1]];
      to = page.writeUInt32LE(end - from, to);
      to += content.copy(page, to, from, end);
    }
    return page.subarray(0, to);
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
      compressors: { GZIP: compress },
      createdBy: "almanac",
    });
    const { rows } = rowGroup;
    if (rows > 0) {
      const item = writeItemColumn(encoded, itemPage(rows), { rows, compressed });
      const columnData = rowGroup
        .take()
        .map((column) => ({ ...column, ...(unique.has(column.name) && { encoding: "PLAIN" as const }) }));
      void writer.write({ columnData, rowGroupSize: rows, pageSize: ONE_PAGE });
      const group = lastGroup(writer, rows, columnData.length);
      for (const {
        meta_data: { type, path_in_schema: [name = ""] = [], dictionary_page_offset: dictionary } = {},
      } of group.columns)
        if (type !== "BOOLEAN" && dictionary === undefined) unique.add(name);
      group.columns.unshift(item);
      group.total_byte_size += item.meta_data?.total_uncompressed_size ?? 0n;
      group.total_compressed_size = (group.total_compressed_size ?? 0n) + (item.meta_data?.total_compressed_size ?? 0n);
    }
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

function compress(page: Uint8Array): Uint8Array {
  return gzipSync(page, { level: GZIP_LEVEL, chunkSize: Math.max(SMALLEST_OUTPUT_BYTES, page.length >> 1) });
}

/** Writes the column of whole items. The library would create an object for each, and copy it several times. */
function writeItemColumn(
  encoded: ByteWriter,
  page: Buffer,
  { rows, compressed }: { readonly rows: number; readonly compressed: boolean },
): ColumnChunk {
  const stored = compressed ? compress(page) : page;
  const from = encoded.offset;
  writePageHeader(encoded, {
    type: "DATA_PAGE_V2",
    uncompressed_page_size: page.length,
    compressed_page_size: stored.length,
    data_page_header_v2: {
      num_values: rows,
      num_nulls: 0,
      num_rows: rows,
      encoding: "PLAIN",
      definition_levels_byte_length: 0,
      repetition_levels_byte_length: 0,
      is_compressed: compressed,
    },
  });
  const headerBytes = encoded.offset - from;
  encoded.appendBytes(stored);
  return {
    file_offset: BigInt(from),
    meta_data: {
      type: "BYTE_ARRAY",
      encodings: ["PLAIN"],
      path_in_schema: [ITEM_COLUMN],
      codec: compressed ? "GZIP" : "UNCOMPRESSED",
      num_values: BigInt(rows),
      total_uncompressed_size: BigInt(headerBytes + page.length),
      total_compressed_size: BigInt(headerBytes + stored.length),
      data_page_offset: BigInt(from),
    },
  };
}

/** That of the columns; the library writes none where there are none. */
function lastGroup(writer: ParquetWriter, rows: number, columns: number): ParquetRowGroup {
  const last = writer.row_groups.at(-1);
  if (last !== undefined && columns > 0) return last;
  const group: ParquetRowGroup = { columns: [], total_byte_size: 0n, num_rows: BigInt(rows) };
  writer.row_groups.push(group);
  writer.num_rows += BigInt(rows);
  return group;
}
