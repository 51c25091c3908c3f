/** Athena's tables over the files of a run: what Glue's definition says, done by another query engine. */
import { gunzipSync } from "node:zlib";
import * as z from "zod";
import { parsePlainItem } from "../../functions/exports/format/plain-json";
import { attributes, type TypedItem } from "../support/items";
import { aws, BUCKET, configure, DAY, DEPLOYMENT, run, setupExports, succeeded } from "../support/exports-system";
import { queryFiles } from "../support/query-engine";
import { synthesize } from "../support/synthesized";

setupExports();

type Form = Pick<Parameters<typeof configure>[0], "format" | "compression" | "columns" | "prefix">;

const ITEMS: readonly TypedItem[] = Array.from({ length: 10 }, (_, index) => ({
  id: { S: `item-${index}` },
  userId: { S: index % 3 === 0 ? "ö \\ \n \u0001 😀" : `user "${index}"` },
  amount: { N: `${index}.25` },
  digits: { N: `${index + 1}2345678901234567890` },
  words: { SS: ["a", "b"] },
  nested: { M: { item: { BOOL: index % 2 === 0 } } },
}));

const columnSchema = z.object({ name: z.string(), type: z.string() });
const tableSchema = z.object({
  parameters: z.record(z.string(), z.string()),
  storage_descriptor: z.object({
    input_format: z.string(),
    columns: z.array(columnSchema),
    ser_de_info: z.object({
      serialization_library: z.string(),
      parameters: z.record(z.string(), z.string()),
    }),
  }),
});

function glueTable(form: Form) {
  const tables = [{ name: "orders", table: "orders", bucket: BUCKET, ...form }];
  const module = synthesize({ exports: { tables } }).modules["exports"];
  return tableSchema.parse(module?.resource["aws_glue_catalog_table"]?.["athena_orders"]);
}

/** The day's partition, as the table's input format finds it: the files that the listed one names. */
function filesOf({ parameters, storage_descriptor: { input_format } }: z.output<typeof tableSchema>): Buffer[] {
  expect(input_format).toBe("org.apache.hadoop.hive.ql.io.SymlinkTextInputFormat");
  const folder = parameters["storage.location.template"]
    ?.replace(/_exports\/.*-exports-run\//, `_exports/${DEPLOYMENT}/`)
    .replace("$${dt}", DAY)
    .replace("s3://", "");
  return [...aws.objects]
    .filter(([key]) => folder !== undefined && key.startsWith(folder))
    .flatMap(([, list]) => list.toString().trimEnd().split("\n"))
    .map((uri) => aws.objects.get(uri.replace("s3://", "")) ?? Buffer.alloc(0));
}

const quoted = (text: string) => `'${text.replaceAll("'", "''")}'`;

/** Reads as the table's SerDe does. */
const READERS: Readonly<Record<string, (table: z.output<typeof tableSchema>, files: string) => string>> = {
  "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe": ({ storage_descriptor: { columns } }, files) =>
    `SELECT ${columns.map(({ name }) => `"${name}"`).join(", ")} FROM read_parquet(${files})`,
  "org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe": ({ storage_descriptor: { ser_de_info } }, files) =>
    `SELECT * FROM read_csv(${files}, columns = {item: 'VARCHAR'}, header = false, quote = '', escape = '',
      delim = ${quoted(ser_de_info.parameters["field.delim"] ?? "")})`,
  "org.openx.data.jsonserde.JsonSerDe": ({ storage_descriptor: { columns, ser_de_info } }, files) => {
    const attributeOf = (column: string) => ser_de_info.parameters[`mapping.${column}`] ?? column;
    expect(ser_de_info.parameters["case.insensitive"]).toBe("false");
    const types = columns.map(({ name, type }) => `${quoted(attributeOf(name))}: ${quoted(type)}`).join(", ");
    const names = columns.map(({ name }) => `"${attributeOf(name)}" AS "${name}"`).join(", ");
    return `SELECT ${names} FROM read_json(${files}, format = 'newline_delimited', columns = {${types}})`;
  },
};

async function queried(table: z.output<typeof tableSchema>) {
  const contents = filesOf(table).map((content) => (content.readUInt16BE() === 0x1f8b ? gunzipSync(content) : content));
  expect(contents.length).toBeGreaterThan(1);
  const reader = READERS[table.storage_descriptor.ser_de_info.serialization_library];
  return queryFiles(contents, (files) => reader?.(table, files) ?? "");
}

async function exported(form: Form): Promise<void> {
  configure({ name: "orders", table: "orders", segments: 2, ...form });
  const items = ITEMS.map(attributes);
  aws.tables.set("orders", [items.slice(0, 5), items.slice(5)]);
  expect(await run()).toEqual(succeeded("exported"));
}

const columns = { userId: "string", id: "string", amount: "decimal(20,2)", digits: "decimal(38,0)" };
const COLUMNS = ITEMS.map(({ id, userId, amount, digits }) => ({
  userid: userId?.["S"],
  id: id?.["S"],
  amount: amount?.["N"],
  digits: digits?.["N"],
}));

describe("Athena's table of an export", () => {
  it.each<Form>([
    { format: "ndjson" },
    { format: "ndjson", compression: "none", prefix: "shop/{year}/" },
    { format: "parquet" },
    { format: "parquet", compression: "none", prefix: "shop/{year}/" },
  ])("has the whole items of the published run: %j", async (form) => {
    await exported(form);
    const rows = await queried(glueTable(form));
    const items = rows.map(({ item, ...others }) => {
      expect(others).toEqual({});
      return parsePlainItem(z.string().parse(item));
    });
    expect(items).toEqual(expect.arrayContaining(ITEMS.map(attributes)));
    expect(items).toHaveLength(ITEMS.length);
  });

  it("maps fields of structs as well, whose names have no case either, and has types as Hive reads them", () => {
    const nested = {
      lines: "array<struct<unitPrice: DECIMAL(20, 2), by : map<string, struct<userId:string>>>>",
      userId: "string",
    };
    const { columns: types, ser_de_info } = glueTable({ format: "ndjson", columns: nested }).storage_descriptor;
    expect(types).toEqual([
      { name: "lines", type: "array<struct<unitprice:decimal(20,2),by:map<string,struct<userid:string>>>>" },
      { name: "userid", type: "string" },
    ]);
    expect(ser_de_info.parameters).toEqual({
      "case.insensitive": "false",
      "mapping.unitprice": "unitPrice",
      "mapping.userid": "userId",
    });
  });

  it.each<Form>([
    { format: "ndjson", columns },
    { format: "ndjson", compression: "none", columns },
    { format: "parquet", columns },
    { format: "parquet", compression: "none", columns },
  ])("has the configured columns, whatever their case: %j", async (form) => {
    await exported({ ...form, ...(form.format === "ndjson" && { columns: undefined }) });
    const rows = (await queried(glueTable(form))).map(({ item: _, ...others }) => others);
    expect(rows).toEqual(expect.arrayContaining(COLUMNS));
    expect(rows).toHaveLength(COLUMNS.length);
  });
});
