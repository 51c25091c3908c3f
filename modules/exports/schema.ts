/** The `exports` of an environment in main.ts. */
import * as z from "zod";
import {
  columnsSchema,
  exportSchema,
  ITEM_COLUMN,
  jobRolesSchema,
  PARQUET_TYPES,
  parseParquetType,
  tableNameSchema,
  timeZoneSchema,
  type ExportConfig,
} from "../../functions/exports/contract";
import { scheduleExpressionSchema } from "../../functions/shared/calendar/schedule-expression";

/** Other systems depend on these keys and fields. */
export const PRESETS = {
  /** The whole table as one document every day: `usermetrics/simple_user_logs2026-11-21 17:00:00Z.json`. */
  "simple-user-logs": {
    name: "simple-user-logs",
    table: "webapp_user_logs",
    format: "json",
    compression: "none",
    layout: "flat",
    prefix: "usermetrics/simple_user_logs",
  },
  /** An application's items of the past day, requested by a job: `usermetrics/application=shop/year=2026/month=11/day=21/...`. */
  "user-logs": {
    name: "user-logs",
    format: "json",
    compression: "none",
    layout: "flat",
    mode: "incremental",
    watermark: { attribute: "access_timestamp", unit: "seconds", initialLookbackHours: 24, settleSeconds: 0 },
    prefix: "usermetrics/application={application}/year={year}/month={month}/day={day}/{application}_userlogs_",
  },
} as const;

export const exportFieldsSchema = exportSchema.extend({
  /** Defaults for the other fields. @default none */
  preset: z.literal("simple-user-logs").optional(),
  /** `cron(...)` or `rate(...)`. Runs more often than daily have a folder per hour, or per minute. @default "cron(0 17 * * ? *)" */
  schedule: scheduleExpressionSchema.default("cron(0 17 * * ? *)"),
  /** IANA time zone of a cron schedule, and of the days of its runs: `Europe/Berlin`. @default "UTC" */
  timeZone: timeZoneSchema.default("UTC"),
  /** A scheduled run that has not finished this long after it was due raises an alarm. @default half the time to the next one, from 15 minutes to 6 hours */
  lateAfterMinutes: z.int().min(1).max(44_640).optional(),
  /**
   * For Athena, and in Parquet files: attributes and their types, `{ user_id: "string", amount: "decimal(20,2)" }`. @default the whole item as
   * `item`; Parquet files also have columns inferred from the items
   */
  columns: columnsSchema.superRefine(rejectAmbiguousColumns).optional(),
});

const tableExportSchema = z
  .preprocess(
    (input) =>
      typeof input === "object" && input !== null && "preset" in input && input.preset === "simple-user-logs"
        ? { ...PRESETS["simple-user-logs"], ...input }
        : input,
    exportFieldsSchema,
  )
  .superRefine(rejectContradictions);

const jobsSchema = z.strictObject({
  /** Names of tables of this account and region that jobs may export. @default [] */
  tables: z.array(tableNameSchema).default([]),
  /** Roles that jobs may name to read tables of other accounts or regions. @default [] */
  roles: jobRolesSchema.default([]),
  /** Name of the bucket for files, of this account. @default the feature's own bucket */
  bucket: exportSchema.shape.bucket,
  /** Key that files are encrypted with. @default the S3 managed key */
  kmsKeyArn: exportSchema.shape.kmsKeyArn,
});

export const exportsSchema = z
  .strictObject({
    /** Scheduled exports. @default [] */
    tables: z.array(tableExportSchema).default([]),
    /** Creates a queue of jobs: `{ application, table_name, region, assume_role }`. @default none */
    jobs: jobsSchema.optional(),
  })
  .superRefine(rejectSharedKeys);

export type ExportsConfig = z.output<typeof exportsSchema>;
export type TableExport = ExportsConfig["tables"][number];

/** Configuration of exports for jobs; each job names its table. */
export function jobExport({ bucket, kmsKeyArn }: NonNullable<ExportsConfig["jobs"]>): ExportConfig {
  return exportSchema.parse({ ...PRESETS["user-logs"], table: "named-by-each-job", bucket, kmsKeyArn });
}

/** Two exports with one key would delete or replace each other's files. */
function rejectSharedKeys({ tables, jobs }: z.output<typeof exportsSchema>, context: z.RefinementCtx): void {
  const others: ExportConfig[] = jobs === undefined ? [] : [jobExport(jobs)];
  tables.forEach((table, index) => {
    const reject = (field: string, message: string, input: unknown) => {
      context.addIssue({ code: "custom", path: ["tables", index, field], message, input });
    };
    if (others.some(({ name }) => name === table.name)) reject("name", "is the name of another export", table.name);
    const overlapping = others.find((other) => other.bucket === table.bucket && keysOverlap(other, table));
    if (overlapping !== undefined)
      reject("prefix", `overlaps the keys of the export "${overlapping.name}"`, table.prefix);
    others.push(table);
  });
}

/** Whether both exports can write one key: up to its first `{`, one prefix begins with the other. */
function keysOverlap(one: KeyPrefix, other: KeyPrefix): boolean {
  const [a, b] = [literalPrefix(one), literalPrefix(other)];
  return a.startsWith(b) || b.startsWith(a);
}

type KeyPrefix = Pick<ExportConfig, "name" | "prefix">;

function literalPrefix({ name, prefix = `${name}/` }: KeyPrefix): string {
  return prefix.replace(/\{.*/, "");
}

/** Glue's column names have no case, nor have fields of structs for Athena. `dt`, `hour` and `minute` are partitions. */
function rejectAmbiguousColumns(columns: Readonly<Record<string, string>>, context: z.RefinementCtx): void {
  const spellings = new Map<string, string>();
  for (const [column, type] of Object.entries(columns)) {
    const ambiguous = attributesOf({ [column]: type }).filter((attribute) => {
      const name = attribute.toLowerCase();
      if (!spellings.has(name)) spellings.set(name, attribute);
      return spellings.get(name) !== attribute;
    });
    if (ambiguous.length > 0 || ["dt", "hour", "minute"].includes(column.toLowerCase()))
      context.addIssue({
        code: "custom",
        path: [column],
        message: "differs from another column or field, or from the partitions dt, hour and minute, only in case",
        input: ambiguous.some((attribute) => attribute !== column) ? type : column,
      });
  }
}

/** The attributes that columns are read from: their own, and those of their structs. */
export function attributesOf(columns: Readonly<Record<string, string>>): readonly string[] {
  return Object.entries(columns).flatMap(([column, type]) => [
    column,
    ...[...type.matchAll(/(\w+)\s*:/g)].map(([, field = ""]) => field),
  ]);
}

const UNKNOWN_PLACEHOLDER = /\{(?!(application|year|month|day|hour|minute)\})/;

function rejectContradictions(
  { mode, watermark, engine, format, layout, columns, prefix, schedule, timeZone }: z.output<typeof exportFieldsSchema>,
  context: z.RefinementCtx,
): void {
  const reject = (path: string, message: string, input: unknown) => {
    context.addIssue({ code: "custom", path: [path], message, input });
  };
  if (timeZone !== "UTC" && schedule.startsWith("rate")) reject("timeZone", "is only for cron schedules", timeZone);
  const native = engine === "dynamodb-export";
  if (mode === "incremental" && !native && watermark === undefined)
    reject("watermark", "is required for an incremental scan", watermark);
  if (watermark !== undefined && (mode === "full" || native))
    reject("watermark", "is only for incremental scans", watermark);
  if (native && (format !== "ndjson" || layout !== "partitioned"))
    reject("engine", 'requires format "ndjson" and layout "partitioned"', engine);
  if (UNKNOWN_PLACEHOLDER.test(prefix ?? ""))
    reject("prefix", "has another placeholder than {application}, {year}, {month}, {day}, {hour} and {minute}", prefix);
  if (prefix?.startsWith("_exports/")) reject("prefix", "is where manifests are", prefix);
  if (columns !== undefined && (native || format === "json" || (format === "ndjson" && layout !== "partitioned")))
    reject(
      "columns",
      'require engine "scan", and format "parquet" or format "ndjson" and layout "partitioned"',
      columns,
    );
  if (columns !== undefined && format === "ndjson" && Object.keys(columns).length === 0)
    reject("columns", "names no column: leave it out for the whole item", columns);
  if (format === "parquet") rejectWrongTypes(columns ?? {}, context);
  else
    for (const [column, type] of Object.entries(columns ?? {}))
      if (!isAthenaType(type))
        context.addIssue({
          code: "custom",
          path: ["columns", column],
          message: "is not a type of Athena such as string, decimal(20,2), array<string> or struct<id:int>",
          input: type,
        });
}

const SIMPLE =
  "(?:boolean|tinyint|smallint|int|bigint|float|double|string|binary|date|timestamp|decimal(?:\\(\\d{1,2},\\d{1,2}\\))?|(?:var)?char\\(\\d{1,5}\\))";
const SIMPLE_TYPE = new RegExp(`^${SIMPLE}$`, "i");
const NESTED_TYPE = new RegExp(
  `array<${SIMPLE}>|map<${SIMPLE},${SIMPLE}>|struct<\\w+:${SIMPLE}(?:,\\w+:${SIMPLE})*>`,
  "gi",
);

/** Glue takes any text for a type, and Athena then refuses each query of the table. */
function isAthenaType(type: string): boolean {
  let reduced = type.replaceAll(/\s/g, "");
  // From the inside out: what is nested in a simple type is a simple one.
  for (let before = ""; before !== reduced;) {
    before = reduced;
    reduced = before.replaceAll(NESTED_TYPE, "string");
  }
  return SIMPLE_TYPE.test(reduced) && [...type.matchAll(SIZED_TYPE)].every(hasSize);
}

const SIZED_TYPE = /(decimal|varchar|char)\s*\(\s*(\d+)\s*(?:,\s*(\d+)\s*)?\)/gi;

/** Digits, and those after the point; or characters. */
function hasSize([, name = "", size, scale]: RegExpExecArray): boolean {
  const [most, length] = [{ decimal: 38, char: 255 }[name.toLowerCase()] ?? 65_535, Number(size)];
  return length >= 1 && length <= most && Number(scale ?? 0) <= length;
}

function rejectWrongTypes(columns: Readonly<Record<string, string>>, context: z.RefinementCtx): void {
  for (const [column, type] of Object.entries(columns)) {
    const reject = (message: string) => {
      context.addIssue({ code: "custom", path: ["columns", column], message, input: type });
    };
    if (column.toLowerCase() === ITEM_COLUMN) reject("is the column of the whole item");
    if (parseParquetType(type) === undefined)
      reject(`is not the type of a Parquet column: ${PARQUET_TYPES.join(", ")}(20,2)`);
  }
}
