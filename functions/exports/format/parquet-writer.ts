/** Writes one Parquet file: pages of a scan in, a multipart upload out, with one row group in memory. */
import { gzipSync } from "node:zlib";

import type { ColumnChunk, ColumnMetaData, RowGroup as ParquetRowGroup } from "hyparquet";
import { ByteWriter, ParquetWriter, type ColumnSource } from "hyparquet-writer";
import { writePageHeader } from "hyparquet-writer/src/datapage.js";
import { writeRleBitPackedHybrid } from "hyparquet-writer/src/encoding.js";

import { ITEM_COLUMN } from "../contract";
import type { ObjectStore } from "../storage/object-store";
import { ChunkedUpload } from "./chunked-upload";
import { GZIP_LEVEL, type FileWriter } from "./file-writer";
import { RowGroup, type ParquetSchema } from "./parquet-schema";
import { Texts } from "./parquet-texts";
import { convertScanPage, type ConvertedItem, type Selection } from "./scan-page";

/** Of plain JSON. Readers read larger groups faster, and more of it is in memory. */
const ROW_GROUP_BYTES = 1_048_576;

/** The library's page size for one page a row group. */
const ONE_PAGE = 0;

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
  /** The row group's items. */
  let content = Buffer.allocUnsafe(0);
  let filled = 0;
  const wholeItems = new Texts();
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

  /** A page with one of these: it is written, or copied, before the next. */
  const pageOf = (texts: Texts): Buffer => {
    const { pageBytes } = texts;
    if (page.length < pageBytes) page = Buffer.allocUnsafe(pageBytes + (pageBytes >> 3));
    texts.writePage(page, content);
    return page.subarray(0, pageBytes);
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
      const item = writeTexts(encoded, pageOf(wholeItems), { name: ITEM_COLUMN, rows, compressed });
      const own = new Map<string, ColumnChunk>();
      const columnData: ColumnSource[] = [];
      const columns = rowGroup.values();
      for (const column of columns) {
        const { name } = column;
        if (!("texts" in column))
          columnData.push({ name, data: column.cells, ...(unique.has(name) && { encoding: "PLAIN" }) });
        else if (unique.has(name)) {
          const levels = column.texts.definitionLevels();
          own.set(name, writeTexts(encoded, pageOf(column.texts), { name, rows, compressed, levels }));
        }
        // A scan's order is that of hashes, so minima and maxima of texts exclude nothing; and they would keep the content in memory.
        else columnData.push({ name, data: column.texts.values(content), statistics: false });
      }
      void writer.write({ columnData, rowGroupSize: rows, pageSize: ONE_PAGE });
      const group = lastGroup(writer, rows, columnData.length);
      for (const chunk of group.columns) {
        const { type, path_in_schema: [name = ""] = [], dictionary_page_offset: dictionary } = chunk.meta_data ?? {};
        if (type !== "BOOLEAN" && dictionary === undefined) unique.add(name);
        own.set(name, chunk);
      }
      group.columns = [item, ...columns.flatMap(({ name }) => own.get(name) ?? [])];
      const sum = (bytesOf: (chunk: ColumnMetaData) => bigint): bigint =>
        group.columns.reduce((total, { meta_data: chunk }) => total + (chunk === undefined ? 0n : bytesOf(chunk)), 0n);
      group.total_byte_size = sum((chunk) => chunk.total_uncompressed_size);
      group.total_compressed_size = sum((chunk) => chunk.total_compressed_size);
    }
    filled = 0;
    wholeItems.truncate(0);
    rowGroup.clear();
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
      const known = wholeItems.length;
      const onItem = (item: ConvertedItem): void => {
        wholeItems.addSpan(item.from, item.to);
        rowGroup.addRow(content, item);
      };
      const converted = rowGroup.addAll(() =>
        convertScanPage(page, content, filled, { separator: "\n", selection, onItem }),
      );
      if (converted === undefined) {
        wholeItems.truncate(known);
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

interface TextColumn {
  readonly name: string;
  readonly rows: number;
  readonly compressed: boolean;
  /** 1 for each value, 0 for NULL. Undefined: the column has no NULL. */
  readonly levels?: Uint8Array;
}

/** Writes a column of texts without a dictionary. The library would need an object for each, and copy it several times. */
function writeTexts(encoded: ByteWriter, page: Buffer, { name, rows, compressed, levels }: TextColumn): ColumnChunk {
  const stored = compressed ? compress(page) : page;
  const encodedLevels = new ByteWriter();
  if (levels !== undefined) writeRleBitPackedHybrid(encodedLevels, levels, 1);
  const levelBytes = encodedLevels.offset;
  const from = encoded.offset;
  writePageHeader(encoded, {
    type: "DATA_PAGE_V2",
    uncompressed_page_size: levelBytes + page.length,
    compressed_page_size: levelBytes + stored.length,
    data_page_header_v2: {
      num_values: rows,
      num_nulls: levels?.reduce((nulls, level) => nulls + 1 - level, 0) ?? 0,
      num_rows: rows,
      encoding: "PLAIN",
      definition_levels_byte_length: levelBytes,
      repetition_levels_byte_length: 0,
      is_compressed: compressed,
    },
  });
  const headerBytes = encoded.offset - from;
  encoded.appendBytes(encodedLevels.getBytes());
  encoded.appendBytes(stored);
  return {
    file_offset: BigInt(from),
    meta_data: {
      type: "BYTE_ARRAY",
      encodings: ["PLAIN"],
      path_in_schema: [name],
      codec: compressed ? "GZIP" : "UNCOMPRESSED",
      num_values: BigInt(rows),
      total_uncompressed_size: BigInt(headerBytes + levelBytes + page.length),
      total_compressed_size: BigInt(headerBytes + levelBytes + stored.length),
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
