import { createHash } from "node:crypto";

import type { Json } from "@duckdb/node-api";
import { parquetMetadata, type FileMetaData } from "hyparquet";

import { ParquetSchema } from "../../../../functions/exports/format/parquet-schema";
import { parquetWriter, type ParquetOptions } from "../../../../functions/exports/format/parquet-writer";
import { parsePlainItem } from "../../../../functions/exports/format/plain-json";
import type { UploadedFile } from "../../../../functions/exports/format/chunked-upload";
import { parquetItems } from "../../../../scripts/features/exports/parquet-items";
import { queryFiles } from "../../../support/query-engine";
import { attributes, typedItem, type TypedItem } from "../../../support/items";
import { memoryObjects } from "../../../support/memory-objects";
import { sized } from "../../../support/sized";
import fc from "../../../support/fast-check";

type Page = readonly TypedItem[];

interface Written {
  readonly content: Buffer;
  readonly file: UploadedFile;
}

const bodyOf = (items: Page) => Buffer.from(JSON.stringify({ Items: items, Count: items.length }));

/** Writes pages to as many files as their schema needs. */
async function write(
  pages: readonly Page[],
  { columns, ...more }: Partial<ParquetOptions> & { readonly columns?: Readonly<Record<string, string>> } = {},
): Promise<readonly Written[]> {
  const schema = new ParquetSchema(columns);
  const store = memoryObjects();
  const written: Written[] = [];
  const open = () => parquetWriter({ key: `part-${written.length}`, schema, compressed: true, ...more }, store);
  let file = open();
  const finish = async (): Promise<void> => {
    const key = `part-${written.length}`;
    const finished = await file.finish();
    await store.completeUpload(key, finished.upload);
    written.push({ content: store.objects.get(key) ?? Buffer.alloc(0), file: finished });
  };
  for (const page of pages) {
    if (file.addPage(bodyOf(page)) === undefined) {
      await finish();
      file = open();
      expect(file.addPage(bodyOf(page))).toMatchObject({ items: page.length });
    }
    await file.flush();
  }
  await finish();
  return written;
}

const metadataOf = ({ content }: Written): FileMetaData => parquetMetadata(Uint8Array.from(content).buffer);

async function itemsOf(written: readonly Written[]): Promise<readonly string[]> {
  const items: string[] = [];
  for (const { content } of written) for await (const item of parquetItems(content)) items.push(item);
  return items;
}

const query = (written: readonly Written[], sql: string) =>
  queryFiles(
    written.map(({ content }) => content),
    (files) => sql.replace("FILES", `read_parquet(${files}, union_by_name = true)`),
  );

const typesOf = async (written: readonly Written[]): Promise<Readonly<Record<string, Json>>> =>
  Object.fromEntries(
    (await query(written, "DESCRIBE SELECT * FROM FILES")).map(({ column_name, column_type = null }) => [
      textOf(column_name),
      column_type,
    ]),
  );

const textOf = (value: Json | undefined): string => (typeof value === "string" ? value : JSON.stringify(value));

describe("Parquet files", () => {
  it("have every item whole, whatever it is, in as many files and row groups as it takes", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(typedItem, { minLength: 1, maxLength: 4 }), { minLength: 1, maxLength: 4 }),
        fc.boolean(),
        fc.constantFrom(1, 300, 1_000_000),
        fc.constantFrom(undefined, { a: "string", b: "bigint", id: "decimal(38,4)" }),
        async (pages, compressed, rowGroupBytes, columns) => {
          const written = await write(pages, { compressed, rowGroupBytes, ...(columns && { columns }) });
          const items = await itemsOf(written);
          expect(items.map((item) => parsePlainItem(item))).toEqual(pages.flat().map(attributes));
          for (const { content, file } of written) {
            expect(file.bytes).toBe(content.length);
            expect(file.sha256).toBe(createHash("sha256").update(content).digest("hex"));
          }
          if (columns !== undefined) expect(written).toHaveLength(1);
        },
      ),
      { numRuns: sized(25, 300) },
    );
  });

  it("have columns whose values equal the items', for a query engine", async () => {
    const value = fc.oneof(
      fc.record({ S: fc.string({ unit: "grapheme" }) }),
      fc.record({
        N: fc.oneof(
          fc.bigInt({ min: -(2n ** 70n), max: 2n ** 70n }).map(String),
          fc.integer().map((n) => String(n / 1_000)),
          fc.integer({ min: 1, max: 120 }).map((zeros) => `0.${"0".repeat(zeros)}25`),
          fc.integer({ min: 1, max: 120 }).map((zeros) => `-35${"0".repeat(zeros)}`),
        ),
      }),
      fc.record({ BOOL: fc.boolean() }),
    );
    const page = fc.array(fc.record({ a: value, b: value, c: value }, { requiredKeys: ["a"] }), {
      minLength: 1,
      maxLength: 9,
    });
    await fc.assert(
      fc.asyncProperty(fc.array(page, { minLength: 1, maxLength: 3 }), async (pages) => {
        const written = await write(pages, { rowGroupBytes: 1 });
        for (const file of written) {
          const rows = await query([file], "SELECT * FROM FILES");
          for (const { item, ...columns } of rows) {
            const whole = parsePlainItem(textOf(item));
            for (const name of ["a", "b", "c"] as const) {
              const { S, N, BOOL } = whole[name] ?? {};
              const expected = S ?? N ?? BOOL;
              const cell = columns[name] ?? undefined;
              if (expected === undefined) expect(cell).toBeUndefined();
              else if (N !== undefined && typeof cell === "number") expect(String(cell)).toBe(String(Number(N)));
              else expect(textOf(cell)).toBe(String(expected));
            }
          }
        }
      }),
      { numRuns: 40 },
    );
  });

  it("infer the narrowest types that hold the first row group exactly", async () => {
    const item = (more: TypedItem): TypedItem => ({ id: { S: "a" }, ...more });
    const written = await write([
      [
        item({ count: { N: "1" }, price: { N: "1" }, digits: { N: "12345678901234567890" }, mixed: { N: "1" } }),
        item({ count: { N: "-9223372036854775808" }, price: { N: "19.9" }, mixed: { S: "x" }, yes: { BOOL: true } }),
        item({ list: { L: [{ N: "1.50" }] }, nothing: { NULL: true }, long: { N: "9007199254740993" } }),
        item({
          long: { N: "0.5" },
          userId: { S: "ü" },
          USERID: { S: "other" },
          item: { S: "x" },
          "no name": { S: "x" },
        }),
      ],
    ]);
    expect(await typesOf(written)).toEqual({
      item: "VARCHAR",
      id: "VARCHAR",
      count: "BIGINT",
      price: "DOUBLE",
      digits: "VARCHAR",
      mixed: "VARCHAR",
      yes: "BOOLEAN",
      list: "VARCHAR",
      long: "VARCHAR",
      userid: "VARCHAR",
    });
    expect(await query(written, "SELECT mixed, list, long, digits, userid FROM FILES")).toEqual([
      { mixed: "1", list: null, long: null, digits: "12345678901234567890", userid: null },
      { mixed: "x", list: null, long: null, digits: null, userid: null },
      { mixed: null, list: "[1.50]", long: "9007199254740993", digits: null, userid: null },
      { mixed: null, list: null, long: "0.5", digits: null, userid: "ü" },
    ]);
  });

  it("have all digits of what an inferred column cannot hold as a double, in any order", async () => {
    const numbers = ["0.5", "9007199254740993", "0.00000000012", "123456789012345000000000"];
    for (const [index] of numbers.entries()) {
      const values = [...numbers.slice(index), ...numbers.slice(0, index)];
      const written = await write([values.map((N) => ({ n: { N } }))]);
      expect(written).toHaveLength(1);
      expect(written[0]?.file.unfitValues).toBeUndefined();
      expect(await query(written, "SELECT n FROM FILES")).toEqual(values.map((n) => ({ n })));
    }
  });

  it("end where a page needs wider columns than their row groups have, and the next one has these", async () => {
    const pages: Page[] = [
      [{ n: { N: "1" } }],
      [{ n: { N: "2" } }],
      [{ n: { N: "2" } }, { n: { N: "0.5" } }],
      [{ n: { N: "3" }, more: { S: "x" } }],
      [{ n: { N: "4" } }],
    ];
    const written = await write(pages, { rowGroupBytes: 1 });
    expect(written.map((file) => metadataOf(file).row_groups.map(({ num_rows }) => Number(num_rows)))).toEqual([
      [1, 1],
      [2],
      [1, 1],
    ]);
    expect(await typesOf(written)).toEqual({ item: "VARCHAR", n: "DOUBLE", more: "VARCHAR" });
    // What one file has inferred, the next ones know.
    const types = await Promise.all(written.map((file) => typesOf([file])));
    expect(types.map(({ n }) => n)).toEqual(["BIGINT", "DOUBLE", "DOUBLE"]);
    expect(await query(written, "SELECT sum(n) AS n FROM FILES")).toEqual([{ n: 12.5 }]);
  });

  it("keep the rows before a page that they refuse, and nothing of it", async () => {
    const pages: Page[] = [
      [{ n: { N: "1" } }, { n: { N: "2" } }, { n: { N: "3" } }],
      [{ n: { N: "4" } }],
      [{ n: { N: "5" } }, { n: { N: "6" }, more: { S: "x" } }],
    ];
    const written = await write(pages, { rowGroupBytes: 20 });
    expect(await itemsOf(written.slice(0, 1))).toEqual(['{"n":1}', '{"n":2}', '{"n":3}', '{"n":4}']);
    expect(await itemsOf(written.slice(1))).toEqual(['{"n":5}', '{"n":6,"more":"x"}']);
    expect(await query(written, "SELECT sum(n) AS n FROM FILES")).toEqual([{ n: "21" }]);
  });

  it("tell attributes apart whose names begin alike, and find texts in every row group", async () => {
    const pages: Page[] = [[{ a: { S: "aaaa" } }, { a: { S: "a" } }, { ab: { S: "bbbb" } }], [{ a: { S: "zzzz" } }]];
    const written = await write(
      pages.map((page) => [...page, { a: { S: "m" }, ab: { S: "m" } }]),
      { rowGroupBytes: 1 },
    );
    expect(await query(written, "SELECT a, ab FROM FILES")).toEqual([
      { a: "aaaa", ab: null },
      { a: "a", ab: null },
      { a: null, ab: "bbbb" },
      { a: "m", ab: "m" },
      { a: "zzzz", ab: null },
      { a: "m", ab: "m" },
    ]);
    expect(await query(written, "SELECT a FROM FILES WHERE a = 'aaaa'")).toEqual([{ a: "aaaa" }]);
  });

  it("have every escaped text and missing one, in each row group", async () => {
    const pages = ["a", "b", "c"].map((name): Page => [
      { text: { S: `"${name}1"` } },
      { other: { S: "x" } },
      { text: { S: `plain ${name}` }, other: { S: `\n${name}\u0001` } },
      { text: { S: `\\${name} longer` } },
    ]);
    const written = await write(pages, { rowGroupBytes: 1 });
    expect(await query(written, "SELECT text, other FROM FILES")).toEqual(
      pages.flat().map(({ text, other }) => ({ text: text?.["S"] ?? null, other: other?.["S"] ?? null })),
    );
  });

  it("have at most a hundred inferred columns", async () => {
    const wide = Object.fromEntries(Array.from({ length: 150 }, (_, index) => [`a${index}`, { N: "1" }]));
    const written = await write([[wide], [{ ...wide, z: { S: "x" } }]], { rowGroupBytes: 1 });
    expect(written).toHaveLength(1);
    expect(Object.keys(await typesOf(written))).toHaveLength(101);
  });

  it("have configured columns, NULL where a value does not fit, and count these", async () => {
    const columns = {
      amount: "decimal(20,2)",
      Small: "decimal(5, 1)",
      at: "timestamp",
      day: "date",
      count: "int",
      rate: "double",
      ok: "boolean",
      name: "string",
      never: "bigint",
    };
    const fitting: TypedItem = {
      amount: { N: "-123456789012345678.9" },
      Small: { N: "1000" },
      at: { S: "2026-11-21T17:00:00.123+01:00" },
      day: { S: "1969-12-31" },
      count: { N: "-2147483648" },
      rate: { N: "12345678901234567890" },
      ok: { BOOL: false },
      name: { S: 'größe "x" \\ 😀' },
      other: { S: "only in the item" },
    };
    const unfit: TypedItem = {
      amount: { N: "1.005" },
      Small: { N: "10000" },
      at: { S: "2026-02-30T00:00:00Z" },
      day: { S: "yesterday" },
      count: { N: "2147483648" },
      rate: { S: "1" },
      ok: { S: "true" },
      name: { SS: ["a"] },
      never: { NULL: true },
    };
    const written = await write([[fitting], [unfit]], { columns, rowGroupBytes: 1 });
    expect(written).toMatchObject([{ file: { unfitValues: 7 } }]);
    expect(await typesOf(written)).toEqual({
      item: "VARCHAR",
      amount: "DECIMAL(20,2)",
      small: "DECIMAL(5,1)",
      at: expect.stringContaining("TIMESTAMP") as unknown,
      day: "DATE",
      count: "INTEGER",
      rate: "DOUBLE",
      ok: "BOOLEAN",
      name: "VARCHAR",
      never: "BIGINT",
    });
    const rows = await query(written, 'SELECT * EXCLUDE (item, "at"), epoch_ms("at") AS "at" FROM FILES');
    expect(rows).toEqual([
      {
        amount: "-123456789012345678.90",
        small: "1000.0",
        at: String(Date.parse("2026-11-21T16:00:00.123Z")),
        day: "1969-12-31",
        count: -2_147_483_648,
        rate: 12_345_678_901_234_567_000,
        ok: false,
        name: 'größe "x" \\ 😀',
        never: null,
      },
      {
        amount: null,
        small: null,
        at: null,
        day: null,
        count: null,
        rate: null,
        ok: null,
        name: '{"SS":["a"]}',
        never: null,
      },
    ]);
    expect(
      await query(written, "SELECT count(*) AS n FROM FILES WHERE amount < 0 AND day < DATE '1970-01-01'"),
    ).toEqual([{ n: "1" }]);
  });
});
