/** The configuration of workflows. */
import { existsSync } from "node:fs";
import * as z from "zod";
import { DAY_SECONDS, HOUR_SECONDS } from "../../functions/shared/time";
import { scopesSchema } from "../../functions/workflows/contract";
import { exportsHandler } from "../constructs/bundling/entry";
import { secondsNeeded } from "./definition";

/** Step Functions' own limit: a year. */
const MAX_SECONDS = 365 * DAY_SECONDS;

/** The function outlives the task's timeout, so that Step Functions reports the timeout first. Lambda's limit is 900 s. */
export const WORK_GRACE_SECONDS = 5;
const MAX_WORK_SECONDS = 900 - WORK_GRACE_SECONDS;

const DEFAULT_WAIT_SECONDS = 30;

/** The workflow whose resources have no workflow's name. */
export const UNPREFIXED_WORKFLOW = "task";

/** Ids of the feature's own constructs, which a workflow's name would repeat. A test compares them with those that there are. */
const RESERVED_NAMES = [
  "account",
  "api",
  "dlq",
  "executions",
  "partition",
  "provider",
  "reconcile",
  "region",
  "results",
  "start",
  "sweep",
  "table",
];

const path = (example: string) =>
  z
    .string()
    .regex(/^[\w./-]+\.ts$/, { error: `is not the path of a TypeScript file such as "${example}"`, abort: true });
const handlerFile = (example: string) => path(example).superRefine(exportsHandler());

export const functionSchema = z.strictObject({
  /** The file of a Lambda handler, relative to the project. */
  entry: handlerFile("workflows/refund/pay.ts"),
  /** Per invocation. @default 60 */
  timeoutSeconds: z.int().min(1).max(MAX_WORK_SECONDS).default(60),
  /** Lambda allocates CPU in proportion. @default 512 */
  memoryMb: z.int().min(128).max(10_240).default(512),
});

export const workSchema = z.strictObject({
  /** The file of a Lambda handler, relative to the project. Its event is the task. */
  entry: handlerFile("functions/workflows/my-work.ts"),
  /** Per attempt. A task whose work takes longer ends as TIMED_OUT. @default 60 */
  timeoutSeconds: functionSchema.shape.timeoutSeconds,
  /** Retries of work that fails. @default 2 */
  retries: z.int().min(0).max(10).default(2),
  /** Lambda allocates CPU in proportion. @default 512 */
  memoryMb: functionSchema.shape.memoryMb,
});

const waitSchema = z.int().min(0).max(MAX_SECONDS);
export const waitSecondsSchema = waitSchema.default(DEFAULT_WAIT_SECONDS);

export const workflowSchema = z
  .strictObject({
    /** A file of your own, relative to the project, that exports `workflow`: a state machine. @default a wait, then the work */
    definition: path("workflows/refund.ts").refine(existsSync, "is not a file").optional(),
    /** Between STARTED and the work. @default 30 */
    waitSeconds: waitSchema.optional(),
    /** A Lambda function of your own, invoked after the wait. @default none */
    work: workSchema.optional(),
    /** Per task. A task that takes longer ends as TIMED_OUT. @default 3600 */
    timeLimitSeconds: z.int().min(1).max(MAX_SECONDS).default(HOUR_SECONDS),
    /** A task's row expires this long after its end. At least `timeLimitSeconds`. @default 90 */
    keepDays: z.int().min(1).max(3_650).default(90),
    /**
     * Which ids each caller of the API may start, read, list and change: prefixes by the ARN of its IAM role or user. The empty prefix allows
     * every id; a caller that is not listed may name none. @default every caller may name every id
     */
    scopes: scopesSchema.optional(),
  })
  .superRefine(({ definition, waitSeconds, work, timeLimitSeconds, keepDays }, context) => {
    const refuse = (field: string, message: string, input: unknown) => {
      context.addIssue({ code: "custom", path: [field], message, input });
    };
    if (definition !== undefined)
      for (const [field, value] of Object.entries({ waitSeconds, work }))
        if (value !== undefined) refuse(field, "is for workflows without a definition of their own", value);
    const needed = definition === undefined ? secondsNeeded(waitSeconds ?? DEFAULT_WAIT_SECONDS, work) : 0;
    if (timeLimitSeconds < needed)
      refuse("timeLimitSeconds", `is less than the ${needed} s that the wait and the work can take`, timeLimitSeconds);
    if (keepDays * DAY_SECONDS < timeLimitSeconds)
      refuse("keepDays", `is less than the time limit of ${timeLimitSeconds} s`, keepDays);
  });
export type WorkflowConfig = z.output<typeof workflowSchema>;

/** Names in physical names of at most 64 characters, and in Terraform's addresses. */
const workflowNameSchema = z
  .string()
  .regex(/^[a-z][a-z0-9]{0,11}$/, "is not 1 to 12 lower case letters and digits, a letter first")
  .refine((name) => !RESERVED_NAMES.includes(name), "is the name of a part of all workflows");

/** `task: { waitSeconds: 10 }`: workflows by name. */
export const workflowsSchema = z
  .record(workflowNameSchema, workflowSchema)
  .refine((workflows) => Object.keys(workflows).length > 0, "has no workflow");
export type WorkflowsConfig = z.output<typeof workflowsSchema>;
