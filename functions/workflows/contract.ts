/** What the workflow's module and its functions share: names, shapes and their parsers. */
import * as z from "zod";

import { environmentSchema, positiveInteger, text, type EnvironmentVariables } from "../shared/environment";

const wholeNumber = text.regex(/^\d{1,9}$/, "is not a whole number").transform(Number);

/** Starts tasks. */
export const startEnvironment = environmentSchema({
  /** The state machine's ARN. */
  TASK_MACHINE: text,
  /** What its executions' ARNs begin with, up to the colon before their name. */
  TASK_EXECUTIONS: text,
});
export type StartEnvironment = EnvironmentVariables<typeof startEnvironment>;

/** The REST API. */
export const tasksEnvironment = environmentSchema({
  ...startEnvironment.variables,
  TASKS_TABLE: text,
  KEEP_DAYS: positiveInteger,
});
export type TasksEnvironment = EnvironmentVariables<typeof tasksEnvironment>;

/** Handles ended executions. */
export const reconcileEnvironment = environmentSchema({
  TASKS_TABLE: text,
  TASK_EXECUTIONS: text,
  KEEP_DAYS: positiveInteger,
});
export type ReconcileEnvironment = EnvironmentVariables<typeof reconcileEnvironment>;

/** Finds tasks whose end went unseen. */
export const sweepEnvironment = environmentSchema({
  ...tasksEnvironment.variables,
  /** A task younger than this is left to itself. */
  GRACE_SECONDS: wholeNumber,
  /** No execution is older: the machine ends it. */
  TIME_LIMIT_SECONDS: positiveInteger,
});
export type SweepEnvironment = EnvironmentVariables<typeof sweepEnvironment>;

/** The table of tasks. */
export const TASK_KEYS = { partition: "taskId", sort: "timestamp", timeToLive: "ttl", status: "status" } as const;

/** Its index of tasks by status and time. */
export const STATUS_INDEX = "byStatus";

/** `STARTED` is followed by one of the others. */
export const TASK_STATUSES = ["STARTED", "DONE", "FAILED", "TIMED_OUT", "ABORTED"] as const;
export type TaskStatus = (typeof TASK_STATUSES)[number];

/** The error that the machine ends with when the work took too long. Any other is a failure. */
export const TOO_LONG = "TaskTimedOut";

/** How often the sweep looks for tasks whose end went unseen. */
export const SWEEP_MINUTES = 5;

/** A reason's longest: an error's cause may have 32 kB, an item 400. */
export const REASON_LENGTH = 1_000;

/** Chosen by the client, and the key by which a start is known again. */
export const taskIdSchema = z
  .string()
  .min(1, "is empty")
  .max(256, "is longer than 256 characters")
  // eslint-disable-next-line no-control-regex -- they are what is refused
  .regex(/^[^\u0000-\u001f\u007f\ud800-\udfff]*$/u, "has control characters in it, or half a character");

/** Step Functions takes 256 KiB; the rest is for what else is in an execution's input. */
const INPUT_BYTES = 250_000;

/** What a task is started by. */
export const taskRequestSchema = z.strictObject({
  taskId: taskIdSchema,
  /** For the work; any JSON. @default nothing */
  input: z
    .json()
    .optional()
    .refine(
      (input) => Buffer.byteLength(JSON.stringify(input ?? null)) <= INPUT_BYTES,
      `is longer than ${INPUT_BYTES} bytes`,
    ),
});
export type TaskRequest = z.output<typeof taskRequestSchema>;

/** An execution's input. `timestamp` is epoch milliseconds: when the task was first asked for. */
export const taskInputSchema = z.object({
  taskId: z.string(),
  timestamp: z.int(),
  input: z.json().optional(),
});
export type TaskInput = z.output<typeof taskInputSchema>;

const momentSchema = z.object({ status: z.enum(TASK_STATUSES), at: z.string(), reason: z.string().optional() });

/** A task as it is stored, and shown. Its history begins with STARTED; `at` are ISO 8601. */
export const taskSchema = z.object({
  taskId: z.string(),
  timestamp: z.number(),
  status: z.enum(TASK_STATUSES),
  /** Of what is not done: why. */
  reason: z.string().optional(),
  executionArn: z.string(),
  history: z.array(momentSchema),
});
export type Task = z.output<typeof taskSchema>;
