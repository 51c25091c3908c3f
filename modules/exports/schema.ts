/** The exports of an environment, as people write them in main.ts. */
import { z } from "zod";
import { exportSchema, jobRolesSchema, tableNameSchema, type ExportConfig } from "../../functions/exports/contract";
import { scheduleSchema } from "../constructs/schedule-expression";

/** What other systems' clients and files rely on, to the letter. */
export const PRESETS = {
  /** A table, whole, every day, as one document: `usermetrics/simple_user_logs2026-11-21 17:00:00Z.json`. */
  "simple-user-logs": {
    name: "simple-user-logs",
    table: "webapp_user_logs",
    format: "json",
    compression: "none",
    layout: "flat",
    prefix: "usermetrics/simple_user_logs",
  },
  /** An application's items of the past day, as jobs ask for them: `usermetrics/application=shop/year=2026/month=11/day=21/...`. */
  "user-logs": {
    name: "user-logs",
    format: "json",
    compression: "none",
    layout: "flat",
    mode: "incremental",
    watermark: { attribute: "access_timestamp", unit: "seconds", initialLookbackHours: 24 },
    prefix: "usermetrics/application={application}/year={year}/month={month}/day={day}/{application}_userlogs_",
  },
} as const;

export const exportFieldsSchema = exportSchema.extend({
  /** Fills in fields that are left out. @default none */
  preset: z.literal("simple-user-logs").optional(),
  /** When it runs, in UTC: `cron(...)` or `rate(...)`. A day has one export, however often it is due. @default "cron(0 17 * * ? *)" */
  schedule: scheduleSchema.default("cron(0 17 * * ? *)"),
  /** For Athena: attributes and their types, `{ user_id: "string" }`. @default the whole line as `item` */
  columns: z.record(z.string().regex(/^[a-z][a-z0-9_]*$/, "is not a column's name"), z.string().min(1)).optional(),
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

export const jobsSchema = z.strictObject({
  /** The tables that jobs may ask for, by name: those of this account and region. @default [] */
  tables: z.array(tableNameSchema).default([]),
  /** ARNs of the roles that jobs may have assumed to read tables elsewhere. @default [] */
  roles: jobRolesSchema.default([]),
  /** Where they go. @default the feature's own bucket */
  bucket: exportSchema.shape.bucket,
  /** ARN of the KMS key that files are encrypted with. @default S3's own */
  kmsKeyArn: exportSchema.shape.kmsKeyArn,
});

export const exportsSchema = z.strictObject({
  /** What is exported on a schedule. @default [] */
  tables: z
    .array(tableExportSchema)
    .default([])
    .superRefine((tables, context) => {
      const names = tables.map(({ name }) => name);
      names.forEach((name, index) => {
        if (names.indexOf(name) !== index)
          context.addIssue({ code: "custom", path: [index, "name"], message: "is another export's, too", input: name });
      });
    }),
  /** A queue that takes jobs: `{ application, table_name, region, assume_role }`. @default none */
  jobs: jobsSchema.optional(),
});

export type ExportsInput = z.input<typeof exportsSchema>;
export type ExportsConfig = z.output<typeof exportsSchema>;
export type TableExport = ExportsConfig["tables"][number];

/** What jobs are exported as; the table is each job's own. */
export function jobExport({ bucket, kmsKeyArn }: NonNullable<ExportsConfig["jobs"]>): ExportConfig {
  return exportSchema.parse({ ...PRESETS["user-logs"], table: "named-by-each-job", bucket, kmsKeyArn });
}

function rejectContradictions(
  { mode, watermark, engine, format, layout, columns }: z.output<typeof exportFieldsSchema>,
  context: z.RefinementCtx,
): void {
  const reject = (path: string, message: string, input: unknown) => {
    context.addIssue({ code: "custom", path: [path], message, input });
  };
  const native = engine === "dynamodb-export";
  if (mode === "incremental" && !native && watermark === undefined)
    reject("watermark", "is missing: an incremental export has to know what is new", watermark);
  if (watermark !== undefined && (mode === "full" || native))
    reject("watermark", "has no use but in an incremental scan", watermark);
  if (native && (format !== "ndjson" || layout !== "partitioned"))
    reject("engine", 'writes lines in a folder a day: it goes with format "ndjson" and layout "partitioned"', engine);
  if (columns !== undefined && (native || format !== "ndjson" || layout !== "partitioned"))
    reject("columns", "are for lines in a folder a day, written by a scan", columns);
}
