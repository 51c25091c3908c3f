/** Names, shapes and their parsers that the workflows module and its functions share. */
import * as z from "zod";

import { keyTextSchema } from "../shared/aws/dynamodb-limits";
import { parameters } from "../shared/handlers/parameters";
import { environmentSchema, positiveInteger, text, type EnvironmentVariables } from "../shared/environment";
import { scopesVariable } from "../shared/handlers/scopes";
import { jsonFaultOf, type Json } from "./task/json";

export { scopesSchema } from "../shared/handlers/scopes";

/** Starts tasks. */
export const tasksEnvironment = environmentSchema({
  STATE_MACHINE_ARN: text,
  /** Of the machine's executions, without the colon before their name. */
  EXECUTION_ARN_PREFIX: text,
  TASKS_TABLE: text,
  /** A row expires this long after its task's end. */
  KEEP_DAYS: positiveInteger,
});
export type TasksEnvironment = EnvironmentVariables<typeof tasksEnvironment>;

/** The REST API. */
export const apiEnvironment = environmentSchema({
  ...tasksEnvironment.variables,
  SCOPES: scopesVariable.optional(),
});
export type ApiEnvironment = EnvironmentVariables<typeof apiEnvironment>;

/** Handles end events of executions. */
export const reconcileEnvironment = environmentSchema({
  EXECUTION_ARN_PREFIX: text,
  TASKS_TABLE: text,
  KEEP_DAYS: positiveInteger,
});
export type ReconcileEnvironment = EnvironmentVariables<typeof reconcileEnvironment>;

/** Reconciles tasks whose end event was lost. */
export const sweepEnvironment = environmentSchema({
  ...tasksEnvironment.variables,
  /** The machine's timeout: no execution runs longer. */
  TIME_LIMIT_SECONDS: positiveInteger,
});
export type SweepEnvironment = EnvironmentVariables<typeof sweepEnvironment>;

/** Wraps the user's own function. */
export const workEnvironment = environmentSchema({
  /** For results that are too large for a row. */
  RESULTS_BUCKET: text,
});
export type WorkEnvironment = EnvironmentVariables<typeof workEnvironment>;

export const TASK_KEYS = { partition: "taskId", sort: "timestamp", timeToLive: "ttl", status: "status" } as const;

/** The index of tasks by status and time. */
export const STATUS_INDEX = "byStatus";

/** `STARTED`, then one of the others. */
export const TASK_STATUSES = ["STARTED", "DONE", "FAILED", "TIMED_OUT", "ABORTED"] as const;
export type TaskStatus = (typeof TASK_STATUSES)[number];

/** The machine's error for work that exceeds its timeout. Every other error means FAILED. */
export const WORK_TIMED_OUT = "TaskTimedOut";

export const SWEEP_MINUTES = 5;

/** Step Functions allows 32 KB for an error's cause, DynamoDB 400 KB for an item. */
export const MAX_REASON_CHARACTERS = 1_000;

/** Chosen by the client. Makes starting a task idempotent. */
export const taskIdSchema = z
  .string()
  .min(1, "is empty")
  .max(256, "is longer than 256 characters")
  // oxlint-disable-next-line no-control-regex -- rejects control characters
  .regex(/^[^\u0000-\u001f\u007f\ud800-\udfff]*$/u, "has control characters or unpaired surrogates")
  // In a path it would be ambiguous with an encoded character.
  .regex(/^(?!.*%[\dA-Fa-f]{2})/s, "has a percent sign before two hexadecimal digits")
  .regex(/^(?!\.\.?$)/, "is . or .., which clients take out of a path");

/** Step Functions' limit is 256 KiB, including the task's ID, timestamp and hash. */
const MAX_INPUT_BYTES = 250_000;

export const taskRequestSchema = z.strictObject({
  taskId: taskIdSchema,
  /** Any JSON that Step Functions and Lambda pass on unchanged, for the work. @default none */
  input: z
    .custom<Json>()
    .optional()
    .superRefine((input, context) => {
      const fault = input === undefined ? undefined : jsonFaultOf(input, MAX_INPUT_BYTES);
      if (fault !== undefined) context.addIssue(fault);
    }),
});
export type TaskRequest = z.output<typeof taskRequestSchema>;

/** DynamoDB's least number above 0. */
const MIN_NUMBER = 1e-130;

/** As the machine writes it: JSONata's `$string` has 15 digits of a fraction. */
const timestampSchema = z
  .number()
  .refine((time) => time === 0 || (Math.abs(time) >= MIN_NUMBER && Math.abs(time) <= Number.MAX_SAFE_INTEGER))
  .transform((time) => (Number.isInteger(time) ? time : Number(time.toPrecision(15))));

/**
 * An execution's input, also of one that is started by hand: what the machine writes into a row, the reconciler accepts, and nothing else.
 * `timestamp` is the time of the first request, epoch seconds.
 */
export const taskInputSchema = z.object({
  taskId: keyTextSchema("partition"),
  timestamp: timestampSchema,
  input: z.unknown().optional(),
  /** Distinguishes inputs. @default no input */
  inputHash: z.string().optional(),
});
export type TaskInput = z.output<typeof taskInputSchema>;

/** `inputHash` of a row without one. */
export const NO_INPUT = "none";

/** The routes of each workflow's API. */
export const API_ROUTES = [
  { method: "POST", path: "/tasks" },
  { method: "GET", path: "/tasks" },
  { method: "GET", path: "/tasks/{id}" },
  { method: "DELETE", path: "/tasks/{id}" },
] as const;

/** Further routes of workflows with a definition of their own: its states can wait for a person, and its execution fails in the state that failed. */
export const OWN_ROUTES = [
  { method: "POST", path: "/tasks/{id}/approve" },
  { method: "POST", path: "/tasks/{id}/reject" },
  { method: "POST", path: "/tasks/{id}/redrive" },
] as const;

const DEFAULT_LIMIT = 50;
const MAX_LIMIT = 100;

/** The query of `GET /tasks`. */
export const taskListSchema = parameters({
  status: z.enum(TASK_STATUSES, `is not one of ${TASK_STATUSES.join(", ")}`),
  limit: z
    .string()
    .regex(/^[1-9]\d{0,2}$/, "is not a whole number from 1")
    .transform(Number)
    .refine((limit) => limit <= MAX_LIMIT, `is more than ${MAX_LIMIT}`)
    .default(DEFAULT_LIMIT)
    .meta({ description: `At most ${MAX_LIMIT}. Default: ${DEFAULT_LIMIT}` }),
  next: z.string().optional(),
});

/** `at` is ISO 8601. */
const historyEntrySchema = z.object({
  status: z.enum(TASK_STATUSES),
  at: z.string().refine((time) => !Number.isNaN(Date.parse(time)), "is not a time"),
  reason: z.string().optional(),
});

/** The machine's error for a rejected approval. */
export const REJECTED = "Rejected";

export const DECISIONS = ["approved", "rejected"] as const;
export type Decision = (typeof DECISIONS)[number];

const MAX_COMMENT_CHARACTERS = 500;
export const commentSchema = z
  .string()
  .max(MAX_COMMENT_CHARACTERS, `is longer than ${MAX_COMMENT_CHARACTERS} characters`)
  // Step Functions would have the decision, and its row not.
  .refine((text) => text.isWellFormed(), "has half of a surrogate pair");

export const decisionSchema = z.strictObject({
  comment: commentSchema.optional(),
  /** Only an approval of this state. Required where several states have asked for one. */
  state: z.string().optional(),
  /** Only the approval that was requested then, as `approvals` has it. */
  requestedAt: z.string().optional(),
});

/** A state that waits for a person. Times are ISO 8601. */
export const approvalSchema = z.object({
  state: z.string(),
  requestedAt: z.string(),
  /** Undefined while it waits, and when it expired. */
  decision: z.enum(DECISIONS).optional(),
  decidedAt: z.string().optional(),
  /** The ARN of the caller. */
  decidedBy: z.string().optional(),
  comment: z.string().optional(),
});
export type Approval = z.output<typeof approvalSchema>;

/** A task's representation in the API. The first entry of its history is STARTED. */
export const taskSchema = z.object({
  taskId: z.string(),
  /** Epoch seconds. */
  timestamp: z.number(),
  status: z.enum(TASK_STATUSES),
  /** Why the task is not DONE. */
  reason: z.string().optional(),
  executionArn: z.string(),
  history: z.array(historyEntrySchema).min(1),
  /** What the work, or the workflow's own machine, returned. */
  result: z.unknown().optional(),
  /** `s3://bucket/key` of a result that is too large for the row, or the ARN of the execution whose output it is. */
  resultLocation: z.string().optional(),
  /** Oldest first. */
  approvals: z.array(approvalSchema).optional(),
});
export type Task = z.output<typeof taskSchema>;

/** An attribute that the machine writes always; empty when there is no value. */
const textOrNothing = z
  .string()
  .optional()
  .transform((value) => (value === "" ? undefined : value));

/** A task's row. */
export const taskRowSchema = taskSchema.extend({
  /** When the execution started, ISO 8601. */
  startDate: z.string(),
  inputHash: z.string().optional(),
  /** JSON. */
  result: textOrNothing,
  resultLocation: textOrNothing,
  /** With the tokens that end the states. */
  approvals: z.array(approvalSchema.extend({ token: z.string() })).optional(),
  /** Of a task that was redriven: its earlier end, epoch milliseconds. Ends that are not later are of the earlier run. */
  redrivenAfter: z.number().optional(),
});
export type TaskRow = z.output<typeof taskRowSchema>;

/** What the wrapped work returns to the machine. One of the two is empty, or both: no result. */
export interface WorkResult {
  /** JSON. */
  readonly json: string;
  /** `s3://bucket/key` */
  readonly location: string;
}
