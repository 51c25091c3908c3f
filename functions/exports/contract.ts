/** What the module and the functions of exports share: names, shapes and their parsers. No SDK, no I/O. */
import * as z from "zod";
import { bucketNameSchema } from "../shared/aws/bucket-name";

import { THROTTLING_CODES } from "../shared/aws/error-codes";
import { rateMs, timesOf } from "../shared/calendar/schedule-expression";
import { environmentSchema, text, type EnvironmentVariables } from "../shared/environment";
import { isTimeZone } from "../shared/calendar/is-time-zone";
import { DAY_MS, HOUR_MS } from "../shared/time";

export const startJobsEnvironment = environmentSchema({ CONFIGURATION_BUCKET: text, STATE_MACHINE_ARN: text });
export type StartJobsEnvironment = EnvironmentVariables<typeof startJobsEnvironment>;

export const startExportEnvironment = environmentSchema({
  ...startJobsEnvironment.variables,
  EXECUTION_ARN_PREFIX: text,
});
export type StartExportEnvironment = EnvironmentVariables<typeof startExportEnvironment>;

export const claimRunEnvironment = environmentSchema({
  STATE_TABLE: text,
  /** Separated by commas. */
  TABLE_NAMES: text,
  CONFIGURATION_BUCKET: text,
  /** For exports without a bucket of their own. */
  EXPORTS_BUCKET: text,
  /** Buckets of flat layouts, whose keys are reserved there, separated by commas. */
  BUCKET_NAMES: text,
  /** Keys that objects are encrypted with, separated by commas. */
  KMS_KEY_ARNS: text.optional(),
  EXECUTION_ARN_PREFIX: text,
});
export type ClaimRunEnvironment = EnvironmentVariables<typeof claimRunEnvironment>;

export const finishRunEnvironment = environmentSchema({
  STATE_TABLE: text,
  /** Buckets that exports are written to, separated by commas. */
  BUCKET_NAMES: text,
  /** Keys that files are encrypted with, separated by commas. */
  KMS_KEY_ARNS: text.optional(),
});
export type FinishRunEnvironment = EnvironmentVariables<typeof finishRunEnvironment>;

export const nativeExportEnvironment = environmentSchema({ ...finishRunEnvironment.variables, TABLE_NAMES: text });
export type NativeExportEnvironment = EnvironmentVariables<typeof nativeExportEnvironment>;

export const readSegmentEnvironment = environmentSchema({
  ...nativeExportEnvironment.variables,
  /** Roles that jobs may name, separated by commas. */
  JOB_ROLE_ARNS: text.optional(),
});
export type ReadSegmentEnvironment = EnvironmentVariables<typeof readSegmentEnvironment>;

export const recordFailureEnvironment = environmentSchema({ STATE_TABLE: text });
export type RecordFailureEnvironment = EnvironmentVariables<typeof recordFailureEnvironment>;

export const reconcileEnvironment = environmentSchema({
  STATE_TABLE: text,
  CONFIGURATION_BUCKET: text,
  EXECUTION_ARN_PREFIX: text,
});
export type ReconcileEnvironment = EnvironmentVariables<typeof reconcileEnvironment>;

/** How often the records of runs are compared with their executions, and exports are checked for lateness. */
export const RECONCILE_MINUTES = 5;

/** S3 key of {@link configurationSchema} as JSON. */
export const CONFIGURATION_KEY = "exports.json";

/** Objects that reserve keys of flat layouts. */
export const RESERVATIONS = "_exports/reserved/";

/** For Athena: contains a folder a day, `dt=2026-11-21/` (and `hour=17/minute=15/`), with a list of the published run's files. */
export function symlinkFolder(deployment: string, exportName: string): string {
  return `_exports/${deployment}/${exportName}/athena/`;
}

/** The dimension of metrics by export. */
export const EXPORT_DIMENSION = "export";

/** Key attributes of the state table. */
export const STATE_TABLE_KEYS = { partition: "pk", sort: "sk", timeToLive: "ttl" } as const;

export const tableNameSchema = z.string().regex(/^[\w.-]{3,255}$/, "is not the name of a DynamoDB table");

/** By its name, it would escape the check for overlapping prefixes. */
const OWN_BUCKET = /-exports-(files|configuration)-\d{12}$/;

const roleArnSchema = z
  .string()
  .max(2_048)
  .regex(/^arn:aws[a-z-]*:iam::\d{12}:role\/[\w+=,.@/-]+$/, "is not the ARN of an IAM role");

/** Roles that jobs may name. */
export const jobRolesSchema = z.array(roleArnSchema);

/** Epochs are numbers; ISO 8601 (UTC, with `T` and `Z`, of any precision) is a string. */
export const watermarkUnitSchema = z.enum(["seconds", "milliseconds", "iso8601"]);
export type WatermarkUnit = z.output<typeof watermarkUnitSchema>;

/** The attribute by which an incremental export selects new items. */
const watermarkSchema = z.strictObject({
  /** A top-level attribute, set once to the time at which the item is written. */
  attribute: z.string().min(1).max(255),
  /** Unit of the attribute: epoch seconds or milliseconds (numbers), or ISO 8601 in UTC (text). @default "seconds" */
  unit: watermarkUnitSchema.default("seconds"),
  /** How far the first run looks back. @default without limit */
  initialLookbackHours: z.number().positive().max(87_600).optional(),
  /**
   * A window ends this long before its run starts. Items that arrive later than that after their watermark are in no window: allow for
   * the slowest writer and for clocks that are behind. @default 300
   */
  settleSeconds: z.int().min(0).max(86_400).default(300),
});

/** Step Functions runs 40 at a time and its history is limited to 25,000 events: more segments would only wait. */
const SEGMENT_LIMIT = 256;

const columnNameSchema = z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/, "is not a column name");

/** Attributes and the types of their columns. */
export const columnsSchema = z.record(columnNameSchema, z.string().min(1));

/** The column of the whole item, in plain JSON. */
export const ITEM_COLUMN = "item";

/** Names of no attribute's column: the whole item's, and partitions. */
export const RESERVED_COLUMNS: ReadonlySet<string> = new Set([ITEM_COLUMN, "dt", "hour", "minute"]);

/** Types of Parquet columns, as Athena names them. Other types than decimals have no parameters. */
export const PARQUET_TYPES = ["string", "boolean", "int", "bigint", "double", "date", "timestamp", "decimal"] as const;

/** `decimal(20,2)`: 20 digits, two of them after the point. Undefined: not the type of a Parquet column. */
export function parseParquetType(
  type: string,
): { readonly name: (typeof PARQUET_TYPES)[number]; readonly precision: number; readonly scale: number } | undefined {
  const [, word, precision, scale] = /^([a-z]+)(?:\((\d{1,2}),\s*(\d{1,2})\))?$/.exec(type) ?? [];
  const name = PARQUET_TYPES.find((each) => each === word);
  if (name === undefined || (name === "decimal") !== (precision !== undefined)) return undefined;
  const parsed = { name, precision: Number(precision ?? 0), scale: Number(scale ?? 0) };
  const isDecimal = parsed.precision >= 1 && parsed.precision <= 38 && parsed.scale <= parsed.precision;
  return name !== "decimal" || isDecimal ? parsed : undefined;
}

const exportFields = {
  /** Names the export in keys, metrics and commands. */
  name: z
    .string()
    .regex(
      /^[a-z]([a-z0-9-]{0,30}[a-z0-9])?$/,
      "is not 1 to 32 lower case letters, digits and hyphens, a letter first",
    ),
  /** Name of a table of this account and region. */
  table: tableNameSchema,
  /** `scan` reads the table; `dynamodb-export` uses DynamoDB's own export from point-in-time recovery. @default "scan" */
  engine: z.enum(["scan", "dynamodb-export"]).default("scan"),
  /** `json`: one document. `ndjson`: parts with one item a line. `parquet`: parts with columns, and the whole item in one. @default "ndjson" */
  format: z.enum(["json", "ndjson", "parquet"]).default("ndjson"),
  /** Of Parquet files. @default inferred from the items */
  columns: columnsSchema.optional(),
  /** Compression of files. @default "gzip" */
  compression: z.enum(["none", "gzip"]).default("gzip"),
  /** `partitioned`: a folder per day, `dt=2026-11-21/`. `flat`: one folder, with the time in each name. @default "partitioned" */
  layout: z.enum(["flat", "partitioned"]).default("partitioned"),
  /** `full`: the whole table. `incremental`: items added since the last run. @default "full" */
  mode: z.enum(["full", "incremental"]).default("full"),
  /** Required for incremental scans, not allowed otherwise. */
  watermark: watermarkSchema.optional(),
  /** Segments of a parallel scan. A document always has one. @default 8 */
  segments: z.int().min(1).max(SEGMENT_LIMIT).default(8),
  /** A part ends at this size before compression, in megabytes (2^20 bytes). Athena reads files of the default size efficiently. @default 128 */
  partMegabytes: z.int().min(1).max(1_024).default(128),
  /** Read units a second for all exports of the table together. @default half of a provisioned table's, else no limit */
  maxReadUnitsPerSecond: z.number().positive().optional(),
  /** Name of the bucket for files, of this account. @default the feature's own bucket */
  bucket: bucketNameSchema
    .refine(
      (name) => !OWN_BUCKET.test(name),
      "is the own bucket of an environment's exports, the default: leave it out",
    )
    .optional(),
  /** Prefix of every key; `{application}`, `{year}`, `{month}`, `{day}`, `{hour}` and `{minute}` are replaced. @default "<name>/" */
  prefix: z
    .string()
    .max(512)
    .regex(/^(?!\/)[\w/=.{}!*'() -]*$/, "is not a key prefix")
    .refine((prefix) => !/(^|\/)\.{1,2}\//.test(prefix), "has a folder . or .., which S3 refuses")
    .optional(),
  /** Key that files are encrypted with. @default the S3 managed key */
  kmsKeyArn: z
    .string()
    .regex(/^arn:aws[a-z-]*:kms:[a-z0-9-]+:\d{12}:key\/[\w-]+$/, "is not the ARN of a KMS key")
    .optional(),
};

/** One export. */
export const exportSchema = z.strictObject(exportFields);
export type ExportConfig = z.output<typeof exportSchema>;
export type Format = ExportConfig["format"];

/** Name of the list in a JSON document. */
export const DOCUMENT_FIELD = "user_metrics";

/** When an export is due, and when it is late. No part of a run: a change of it does not make an unfinished run start over. */
export const exportScheduleSchema = z.strictObject({
  /** `cron(...)` or `rate(...)` */
  expression: z.string(),
  /** IANA time zone of a cron expression. */
  timeZone: z.string(),
  /** A run that is not finished this long after it was due is late. Undefined: half the time to the next one, 15 minutes to 6 hours. */
  lateAfterMinutes: z.number().optional(),
});
export type ExportSchedule = z.output<typeof exportScheduleSchema>;

const scheduledExportSchema = exportSchema.extend({ schedule: exportScheduleSchema.optional() });
export type ScheduledExport = z.output<typeof scheduledExportSchema>;

/** `exports.json` */
export const configurationSchema = z.object({
  tables: z.array(scheduledExportSchema),
  /** Configuration of exports for jobs; each job names its table. */
  jobs: exportSchema.optional(),
});
export type Configuration = z.output<typeof configurationSchema>;

/**
 * A message of the jobs queue: export a table for an application. Its other fields are ignored: the job is a part of the input of each step,
 * which is limited, and of keys of the state table.
 */
export const jobSchema = z.object({
  application: z.string().regex(/^[\w.-]{1,64}$/, "is not 1 to 64 letters, digits, '_', '.' and '-'"),
  table_name: tableNameSchema,
  region: z
    .string()
    .max(32)
    .regex(/^[a-z]{2}(-[a-z]+)+-\d$/, "is not an AWS region"),
  /** Role to read the table with. Empty or absent: the function's own. */
  assume_role: z.union([z.literal(""), roleArnSchema]).nullish(),
});
export type Job = z.output<typeof jobSchema>;

/** Epoch milliseconds, of a time that JavaScript's dates have. */
const epochMsSchema = z.number().min(-8.64e15).max(8.64e15);

/** The scheduled run of a day, a manual one, and backfills of other ranges are different runs. */
const triggerSchema = z.enum(["schedule", "manual", "backfill"]);

/** Of exports that run more often than daily, UTC: the hour, `17`, or the minute, `17:15`. */
export const timeSchema = z
  .string()
  .regex(/^([01]\d|2[0-3])(:[0-5]\d)?$/, 'is not an hour such as "17" or a minute such as "17:15"');

export const timeZoneSchema = z.string().refine(isTimeZone, "is not an IANA time zone");

/** The first day that Athena's partitions have. */
export const FIRST_DAY = "2020-01-01";

/** What the files of one run of a schedule are filed under: `dt=`, and `hour=` and `minute=` for exports that run more often than daily. */
export type Granularity = "day" | "hour" | "minute";

/** By a schedule's expression: the coarsest in which no two runs coincide. */
export function granularityOf(expression: string): Granularity {
  const interval = rateMs(expression);
  if (interval !== undefined) return interval >= DAY_MS ? "day" : interval % HOUR_MS === 0 ? "hour" : "minute";
  const times = timesOf(expression);
  if (times === undefined) return "day";
  return times.minutes.size > 1 ? "minute" : times.hours.size > 1 ? "hour" : "day";
}

/** A backfill's range of watermarks, epoch milliseconds: [since, until). */
export const rangeSchema = z.strictObject({ since: epochMsSchema, until: epochMsSchema });
export type Range = z.output<typeof rangeSchema>;

/** More unfinished runs than any export has: a chain that is longer has a fault. */
const MAX_CONTINUATIONS = 1_000;

/** Input of the state machine. */
export const runRequestSchema = z.strictObject({
  export: z.string(),
  /** One scheduled and one manual run per day, or per `time` of exports that run more often. @default now */
  day: z.iso.date().optional(),
  time: timeSchema.optional(),
  /** Run even if the day is finished: a full export again, an incremental one on from its cursor. @default false */
  again: z.boolean().default(false),
  /** Start over an unfinished run, and repeat a finished one with its own window. @default false */
  force: z.boolean().default(false),
  trigger: triggerSchema.default("manual"),
  /** When a scheduled run was due. */
  due: epochMsSchema.optional(),
  /** Of a backfill. */
  range: rangeSchema.optional(),
  job: jobSchema.optional(),
  /** The first of a chain of executions that each finish one run, and how many came before this one. */
  continues: z.strictObject({ name: z.string(), number: z.int().max(MAX_CONTINUATIONS) }).optional(),
});
export type RunRequest = z.output<typeof runRequestSchema>;
/** Without the fields that have defaults. */
export type NewRunRequest = z.input<typeof runRequestSchema>;

/** [from, to) in the watermark's unit. Without `from`: everything before `to`. */
export const windowSchema = z.strictObject({ from: z.string().optional(), to: z.string() });
export type Window = z.output<typeof windowSchema>;

/** A claimed run: the input of all later steps. */
export const runSchema = z.strictObject({
  /** `<account>/<region>/<state machine>`: other applications, environments and accounts may share the bucket. */
  deployment: z.string(),
  /** The export's name; for a job `<export>/<application>/<account>/<region>/<table>`. */
  exportId: z.string(),
  /** Start time, unique per export: `2026-11-21T17:00:00.123Z`. */
  id: z.string(),
  day: z.iso.date(),
  time: timeSchema.optional(),
  trigger: triggerSchema,
  /** When a scheduled run was due. */
  due: epochMsSchema.optional(),
  range: rangeSchema.optional(),
  startedAt: epochMsSchema,
  /** When another execution has resumed it. */
  resumedAt: epochMsSchema.optional(),
  /** The time in the keys of a flat layout: `startedAt`, or the next second in which no other run has the same key. */
  keyTime: epochMsSchema,
  config: exportSchema,
  application: z.string(),
  /** The table's account and region. */
  account: z.string(),
  region: z.string(),
  /** A table that was deleted and created again has another one. Undefined: not known, of a table in another account or region. */
  tableId: z.string().optional(),
  role: z.string().optional(),
  bucket: z.string(),
  window: windowSchema.optional(),
  /** The cursor does not move: of a backfill, and of a window that was already exported. */
  keepsCursor: z.boolean(),
  /** The last run that began without a cursor, this one included: it has the items of all runs before it. */
  follows: z.string().optional(),
  segments: z.int().min(1),
  /** For all readers of the table together. @default no limit */
  maxReadUnitsPerSecond: z.number().positive().optional(),
  /** An earlier run of this day and trigger, whose files this run replaces. */
  replaces: z.string().optional(),
  /** Unfinished runs that this run has superseded: their uploads are aborted. */
  superseded: z.array(z.strictObject({ id: z.string(), prefix: z.string() })).default([]),
  /** Incremented when another execution resumes the run. */
  attempt: z.int().min(1),
  /** By DynamoDB's last count, up to six hours old. */
  tableSize: z.strictObject({ items: z.number(), bytes: z.number() }).optional(),
});
export type Run = z.output<typeof runSchema>;

const formatSchema = z.enum(["json", "ndjson", "parquet", "dynamodb-json"]);
const compressionSchema = z.enum(["none", "gzip"]);

export const exportedFileSchema = z.strictObject({
  key: z.string(),
  items: z.int().nonnegative(),
  bytes: z.int().nonnegative(),
  /** In hexadecimal. Files written by DynamoDB have `md5` (base64) instead. */
  sha256: z.string().optional(),
  md5: z.string().optional(),
  /** Of Parquet with configured columns: values that the type of their column cannot hold. They are NULL there; the whole item has them. */
  unfitValues: z.int().nonnegative().optional(),
  /** If they differ from the manifest's: an earlier run of the day has written the file. */
  run: z.string().optional(),
  format: formatSchema.optional(),
  compression: compressionSchema.optional(),
});
export type ExportedFile = z.output<typeof exportedFileSchema>;

/** `_manifest.json` */
export const manifestSchema = z.looseObject({
  version: z.literal(1),
  /** `<account>/<region>/<state machine>` */
  deployment: z.string().optional(),
  export: z.string(),
  table: z.string(),
  /** The table's account. */
  account: z.string().optional(),
  region: z.string(),
  run: z.string(),
  day: z.iso.date(),
  time: timeSchema.optional(),
  startedAt: z.iso.datetime(),
  finishedAt: z.iso.datetime(),
  mode: z.enum(["full", "incremental"]),
  window: windowSchema.extend({ attribute: z.string(), unit: watermarkUnitSchema }).optional(),
  /** Windows of backfills, whose items are in addition. */
  backfills: z.array(windowSchema.extend({ run: z.string() })).optional(),
  format: formatSchema,
  compression: compressionSchema,
  bucket: z.string(),
  /** Items that no window can hold: their watermark is missing, has another type, is more than a day ahead or before 1973, or no time. Incremental scans only. */
  unusableItems: z.int().nonnegative().optional(),
  items: z.int().nonnegative(),
  bytes: z.int().nonnegative(),
  files: z.array(exportedFileSchema),
  /** The last run that began without a cursor. Incremental exports only. */
  follows: z.string().optional(),
  /** Keys of earlier files that the run deletes. Only of flat layouts, whose folders have files of other days. */
  replaced: z.array(z.string()).optional(),
});
export type Manifest = z.output<typeof manifestSchema>;

/** Result of the claim step. */
export type Claim =
  | {
      readonly outcome: "run";
      readonly run: Run;
      readonly segments: readonly number[];
      /** An older day is finished first; the requested one has to be claimed afterwards. */
      readonly claimAgain: boolean;
    }
  | { readonly outcome: "exists" | "running"; readonly message: string };

/** Result of a step with an error that a retry cannot fix. */
export interface StepFailure {
  readonly failure: { readonly error: string; readonly cause: string };
}

/** Inputs of the state machine's functions. */
export const claimRunInputSchema = z.object({ request: runRequestSchema, execution: z.string() });
export type ClaimRunInput = z.output<typeof claimRunInputSchema>;
export const readSegmentInputSchema = z.object({ run: runSchema, segment: z.int().nonnegative() });
export type ReadSegmentInput = z.output<typeof readSegmentInputSchema>;
/** How an execution ended without success. */
export const failedStatusSchema = z.enum(["FAILED", "TIMED_OUT", "ABORTED"]);

/** Why a run has failed. */
export interface Failure {
  readonly status: z.output<typeof failedStatusSchema>;
  readonly error: string;
  readonly cause: string;
  /** The run's files are lost, so the next run starts over. */
  readonly abandoned: boolean;
}

export const nativeExportInputSchema = z.object({ run: runSchema, exportArn: z.string().optional() });
export const finishStepSchema = z.enum(["abort-uploads", "publish", "finish"]);
export type FinishStep = z.output<typeof finishStepSchema>;
export const finishRunInputSchema = z.object({ run: runSchema, step: finishStepSchema });
export type FinishRunInput = z.output<typeof finishRunInputSchema>;
export const recordFailureInputSchema = z.object({
  request: runRequestSchema,
  execution: z.string(),
  error: z.string(),
  cause: z.string(),
});
export type RecordFailureInput = z.output<typeof recordFailureInputSchema>;

/** Errors that a step throws when AWS throttles it. */
export const THROTTLING_ERRORS = [...THROTTLING_CODES, "ServiceUnavailable", "TransactionThrottledError"] as const;

/** Of the event at the end of a run; its `detail` is {@link FinishedRun}. Delivered at least once. */
export const EVENT_SOURCE = "almanac.exports";
export const EVENT_TYPE = "Export Finished";

/** What a run has exported, and where. */
export const finishedRunSchema = z.object({
  export: z.string(),
  /** The run's id. */
  run: z.string(),
  day: z.iso.date(),
  time: timeSchema.optional(),
  trigger: triggerSchema,
  /** Of a job; else empty. */
  application: z.string(),
  table: z.string(),
  items: z.int().nonnegative(),
  bytes: z.int().nonnegative(),
  /** URIs. */
  location: z.string(),
  manifest: z.string(),
});
export type FinishedRun = z.output<typeof finishedRunSchema>;

/** Output of a successful execution. */
export const executionOutputSchema = z.object({
  /** `continued`: it has finished an older run, and the execution `next` has what was requested. */
  outcome: z.enum(["exported", "exists", "running", "nothing-new", "continued"]),
  message: z.string(),
  run: finishedRunSchema.optional(),
  next: z.string().optional(),
});
export type ExecutionOutput = z.output<typeof executionOutputSchema>;
