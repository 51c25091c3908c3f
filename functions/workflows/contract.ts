/** Names, shapes and their parsers that the workflows module and its functions share. */
import * as z from "zod";

import { environmentSchema, positiveInteger, text, type EnvironmentVariables } from "../shared/environment";

const wholeNumber = text.regex(/^\d{1,9}$/, "is not a whole number").transform(Number);

/** Starts tasks. */
export const startEnvironment = environmentSchema({
  STATE_MACHINE_ARN: text,
  /** Of the machine's executions, without the colon before their name. */
  EXECUTION_ARN_PREFIX: text,
});
export type StartEnvironment = EnvironmentVariables<typeof startEnvironment>;

/** The REST API. */
export const tasksEnvironment = environmentSchema({
  ...startEnvironment.variables,
  TASKS_TABLE: text,
  KEEP_DAYS: positiveInteger,
});
export type TasksEnvironment = EnvironmentVariables<typeof tasksEnvironment>;

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
  /** Younger tasks are skipped. */
  GRACE_SECONDS: wholeNumber,
  /** The machine's timeout: no execution runs longer. */
  TIME_LIMIT_SECONDS: positiveInteger,
});
export type SweepEnvironment = EnvironmentVariables<typeof sweepEnvironment>;

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
  // eslint-disable-next-line no-control-regex -- rejects control characters
  .regex(/^[^\u0000-\u001f\u007f\ud800-\udfff]*$/u, "has control characters or unpaired surrogates")
  // In a path it could not be told from an encoded character.
  .regex(/^(?!.*%[\dA-Fa-f]{2})/s, "has a percent sign before two hexadecimal digits");

/** Step Functions' limit is 256 KiB, including the task's ID and timestamp. */
const MAX_INPUT_BYTES = 250_000;

export const taskRequestSchema = z.strictObject({
  taskId: taskIdSchema,
  /** Any JSON, for the work. @default none */
  input: z
    .json()
    .optional()
    .refine(
      (input) => Buffer.byteLength(JSON.stringify(input ?? null)) <= MAX_INPUT_BYTES,
      `is longer than ${MAX_INPUT_BYTES} bytes`,
    ),
});
export type TaskRequest = z.output<typeof taskRequestSchema>;

/** An execution's input. `timestamp` is the time of the first request, epoch milliseconds. */
export const taskInputSchema = z.object({
  taskId: z.string(),
  timestamp: z.int(),
  input: z.json().optional(),
});
export type TaskInput = z.output<typeof taskInputSchema>;

/** `at` is ISO 8601. */
const historyEntrySchema = z.object({ status: z.enum(TASK_STATUSES), at: z.string(), reason: z.string().optional() });

/** A task's row and its representation in the API. The first entry of its history is STARTED. */
export const taskSchema = z.object({
  taskId: z.string(),
  timestamp: z.number(),
  status: z.enum(TASK_STATUSES),
  /** Why the task is not DONE. */
  reason: z.string().optional(),
  executionArn: z.string(),
  history: z.array(historyEntrySchema),
});
export type Task = z.output<typeof taskSchema>;
