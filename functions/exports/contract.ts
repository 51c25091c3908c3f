/** What the module and the functions of exports share: names, shapes and their parsers. No SDK, no I/O. */
import * as z from "zod";

import { environmentSchema, text, type EnvironmentVariables } from "../shared/environment";

/** Starts runs from queued jobs. */
export const startEnvironment = environmentSchema({
  CONFIGURATION_BUCKET: text,
  /** The state machine that runs exports, by its ARN. */
  MACHINE: text,
});
export type StartEnvironment = EnvironmentVariables<typeof startEnvironment>;

/** Starts runs for schedules and operators. */
export const runEnvironment = environmentSchema({
  ...startEnvironment.variables,
  /** What the ARNs of the machine's executions begin with. */
  EXECUTIONS: text,
});
export type RunEnvironment = EnvironmentVariables<typeof runEnvironment>;

/** Claims runs. */
export const claimEnvironment = environmentSchema({
  STATE_TABLE: text,
  /** What is exported: names of tables, separated by commas. */
  TABLES: text,
  CONFIGURATION_BUCKET: text,
  /** Where exports go that name no bucket of their own. */
  EXPORTS_BUCKET: text,
  /** What the ARNs of the machine's executions begin with. */
  EXECUTIONS: text,
});
export type ClaimEnvironment = EnvironmentVariables<typeof claimEnvironment>;

/** Reads tables, or has DynamoDB export them. */
export const readEnvironment = environmentSchema({
  STATE_TABLE: text,
  /** Where it may write: names of buckets, separated by commas. */
  BUCKETS: text,
  /** What it may read: names of tables, separated by commas. */
  TABLES: text,
  /** ARNs of roles that jobs may ask for, separated by commas. */
  JOB_ROLES: text.optional(),
  /** ARNs of keys that files are encrypted with, separated by commas. */
  KEYS: text.optional(),
});
export type ReadEnvironment = EnvironmentVariables<typeof readEnvironment>;

/** Finishes runs. */
export const finishEnvironment = environmentSchema({
  STATE_TABLE: text,
  BUCKETS: text,
  KEYS: text.optional(),
});
export type FinishEnvironment = EnvironmentVariables<typeof finishEnvironment>;

/** Records failed runs. */
export const failEnvironment = environmentSchema({ STATE_TABLE: text });
export type FailEnvironment = EnvironmentVariables<typeof failEnvironment>;

/** The key of the object that holds {@link configurationSchema} as JSON. */
export const CONFIGURATION_KEY = "exports.json";

/** The dimension of metrics that are kept for each export. */
export const EXPORT_DIMENSION = "export";

/** The state table's keys. */
export const STATE_KEYS = { partition: "subject", sort: "item", timeToLive: "ttl" } as const;

/** DynamoDB's rule for table names. */
export const tableNameSchema = z.string().regex(/^[\w.-]{3,255}$/, "is not the name of a DynamoDB table");

const bucketNameSchema = z.string().regex(/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/, "is not a bucket name");

const roleArnSchema = z
  .string()
  .regex(/^arn:aws[a-z-]*:iam::\d{12}:role\/[\w+=,.@/-]+$/, "is not the ARN of an IAM role");

/** Roles that jobs may ask for. */
export const jobRolesSchema = z.array(roleArnSchema);

/** How a watermark counts: epochs are numbers, ISO 8601 (UTC, with `Z` and milliseconds) is text. */
export const watermarkUnitSchema = z.enum(["seconds", "milliseconds", "iso8601"]);
export type WatermarkUnit = z.output<typeof watermarkUnitSchema>;

/** The attribute by which an incremental export knows what is new. */
export const watermarkSchema = z.strictObject({
  /** A top-level attribute that is set once, to the time at which the item is written. */
  attribute: z.string().min(1).max(255),
  /** Unit of the attribute: epoch seconds or milliseconds (numbers), or ISO 8601 in UTC (text). @default "seconds" */
  unit: watermarkUnitSchema.default("seconds"),
  /** How far the first run looks back, in hours. @default to the beginning */
  firstHours: z.number().positive().max(87_600).optional(),
});

/** Step Functions runs at most 40 at a time, and its history holds 25,000 events: more segments would only wait. */
export const SEGMENT_LIMIT = 256;

const exportFields = {
  /** What it is called in keys, metrics and commands. */
  name: z
    .string()
    .regex(
      /^[a-z]([a-z0-9-]{0,30}[a-z0-9])?$/,
      "is not 1 to 32 lower case letters, digits and hyphens, a letter first",
    ),
  /** Any table of this account and region, by name. */
  table: tableNameSchema,
  /** `scan` reads the table; `dynamodb-export` has DynamoDB do it, from point-in-time recovery. @default "scan" */
  engine: z.enum(["scan", "dynamodb-export"]).default("scan"),
  /** `json`: one document for it all. `ndjson`: parts with an item a line. @default "ndjson" */
  format: z.enum(["json", "ndjson"]).default("ndjson"),
  /** Compression of files. @default "gzip" */
  compression: z.enum(["none", "gzip"]).default("gzip"),
  /** `partitioned`: a folder a day, `dt=2026-11-21/`. `flat`: all side by side, the time in the name. @default "partitioned" */
  layout: z.enum(["flat", "partitioned"]).default("partitioned"),
  /** `full`: the whole table. `incremental`: what is new since the last run. @default "full" */
  mode: z.enum(["full", "incremental"]).default("full"),
  /** Only with `incremental`, and there it must be, unless the engine is `dynamodb-export`. */
  watermark: watermarkSchema.optional(),
  /** Parts of the table that are read at the same time. A document is read in one. @default 8 */
  segments: z.int().min(1).max(SEGMENT_LIMIT).default(8),
  /** Read units a second that it may take of the table, all segments together. @default as many as it can */
  maxReadUnitsPerSecond: z.number().positive().optional(),
  /** Name of the bucket for files. @default the feature's own */
  bucket: bucketNameSchema.optional(),
  /** Begins every key; `{application}`, `{year}`, `{month}`, `{day}` are filled in. @default "<name>/" */
  prefix: z
    .string()
    .max(512)
    .regex(/^(?!\/)[\w/=.{}!*'() -]*$/, "is not the beginning of a key")
    .optional(),
  /** ARN of the KMS key that files are encrypted with. @default S3's own */
  kmsKeyArn: z
    .string()
    .regex(/^arn:aws[a-z-]*:kms:[a-z0-9-]+:\d{12}:key\/[\w-]+$/, "is not the ARN of a KMS key")
    .optional(),
};

/** One export, with its defaults filled in. */
export const exportSchema = z.strictObject(exportFields);
export type ExportConfig = z.output<typeof exportSchema>;
export type Format = ExportConfig["format"];
export type Layout = ExportConfig["layout"];

/** The name of the list in a JSON document. */
export const DOCUMENT_FIELD = "user_metrics";

/** What the functions read: `exports.json`. */
export const configurationSchema = z.object({
  tables: z.array(exportSchema),
  /** How jobs from the queue are exported; the table is each job's. */
  jobs: exportSchema.optional(),
});
export type Configuration = z.output<typeof configurationSchema>;

/** A job as the queue brings it: an export of some table, for an application. */
export const jobSchema = z.looseObject({
  application: z.string().regex(/^[\w.-]{1,64}$/, "is not 1 to 64 letters, digits, '_', '.' and '-'"),
  table_name: tableNameSchema,
  region: z.string().regex(/^[a-z]{2}(-[a-z]+)+-\d$/, "is not an AWS region"),
  /** The role to read the table with. Empty or absent: the function's own. */
  assume_role: z.union([z.literal(""), roleArnSchema]).nullish(),
});
export type Job = z.output<typeof jobSchema>;

/** What a run of the state machine begins with. */
export const runRequestSchema = z.strictObject({
  export: z.string(),
  /** What the run is for; a day has one run. @default the day it starts */
  day: z.iso.date().optional(),
  /** Runs again what is finished already. @default false */
  force: z.boolean().default(false),
  job: jobSchema.optional(),
});
export type RunRequest = z.output<typeof runRequestSchema>;

/** Where the attributes of a window lie; see window.ts. */
const windowSchema = z.strictObject({ from: z.string().optional(), to: z.string() });

/** One run, from its claim on: all that its steps need to know. Times in epoch milliseconds. */
export const runSchema = z.strictObject({
  /** Whose state: the export's name, with application, region and table for a job. */
  subject: z.string(),
  /** Unique for its subject: when it started, `2026-11-21T17:00:00.123Z`. */
  id: z.string(),
  day: z.iso.date(),
  startedAt: z.number(),
  config: exportSchema,
  application: z.string(),
  /** Where the table is. */
  region: z.string(),
  role: z.string().optional(),
  bucket: z.string(),
  window: windowSchema.optional(),
  /** True: again what was finished already, so where the next window begins stays as it is. */
  repeats: z.boolean(),
  segments: z.int().min(1),
  /** Grows each time that a run is taken over. */
  attempt: z.int().min(1),
  /** The table's, as DynamoDB last counted, some hours ago at most. */
  expected: z.strictObject({ items: z.number(), bytes: z.number() }).optional(),
});
export type Run = z.output<typeof runSchema>;

/** One file, as the manifest tells of it. */
export const exportedFileSchema = z.strictObject({
  key: z.string(),
  items: z.int().nonnegative(),
  bytes: z.int().nonnegative(),
  /** In hexadecimal. Absent of files that DynamoDB has written, which come with an MD5. */
  sha256: z.string().optional(),
  md5: z.string().optional(),
});
export type ExportedFile = z.output<typeof exportedFileSchema>;

/** What an export's manifest holds. Times are ISO 8601. */
export const manifestSchema = z.looseObject({
  version: z.literal(1),
  export: z.string(),
  table: z.string(),
  region: z.string(),
  run: z.string(),
  day: z.iso.date(),
  startedAt: z.iso.datetime(),
  finishedAt: z.iso.datetime(),
  mode: z.enum(["full", "incremental"]),
  window: windowSchema.extend({ attribute: z.string(), unit: watermarkUnitSchema }).optional(),
  format: z.enum(["json", "ndjson", "dynamodb-json"]),
  compression: z.enum(["none", "gzip"]),
  bucket: z.string(),
  items: z.int().nonnegative(),
  bytes: z.int().nonnegative(),
  files: z.array(exportedFileSchema),
});
export type Manifest = z.output<typeof manifestSchema>;

/** What a claim comes to, and what the state machine goes by. */
export type Claim =
  | { readonly outcome: "run"; readonly run: Run; readonly segments: readonly number[]; readonly again: boolean }
  | { readonly outcome: "exists" | "running"; readonly message: string };

/** What a step answers, in place of its own answer, when it fails and would fail again. */
export interface Failed {
  readonly failure: { readonly error: string; readonly cause: string };
}

/** What the state machine calls its functions with. */
export const claimCallSchema = z.object({ request: runRequestSchema, execution: z.string() });
export const segmentCallSchema = z.object({ run: runSchema, segment: z.int().nonnegative() });
export const nativeCallSchema = z.object({ run: runSchema, exportArn: z.string().optional() });
export const finishCallSchema = z.object({
  run: runSchema,
  step: z.enum(["unmark", "manifest", "success", "release"]),
});
export const failCallSchema = z.object({
  request: runRequestSchema,
  execution: z.string(),
  error: z.string(),
  cause: z.string(),
});

/** What an execution answers, whatever came of it but failure. */
export const answerSchema = z.object({
  outcome: z.enum(["exported", "exists", "running", "nothing-new"]),
  message: z.string(),
});
export type Answer = z.output<typeof answerSchema>;
