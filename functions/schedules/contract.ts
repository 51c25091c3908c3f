/** Names, shapes and their parsers that the schedules module and its functions share. No SDK, no I/O. */
import * as z from "zod";

import {
  nextInstant,
  rateMs,
  scheduleExpressionSchema,
  scheduleFault,
  shortestGapMs,
  type Instants,
} from "../shared/calendar/schedule-expression";
import { environmentSchema, text, type EnvironmentVariables } from "../shared/environment";
import { isTimeZone } from "../shared/calendar/is-time-zone";
import { parseInput, parseJson, SchemaError } from "../shared/input";
import { MAX_DATA_DEPTH } from "../shared/json-text";
import { SECOND_MS } from "../shared/time";
export { parameterNameSchema } from "../shared/aws/parameter-name";
export { presentation, SCHEDULE_MONITOR_KEYS } from "../shared/schedule-monitor";

/** Starts due runs, every minute. */
export const keepEnvironment = environmentSchema({
  RUNS_TABLE: text,
  /** Holds {@link CONFIGURATION_KEY}. */
  CONFIGURATION_BUCKET: text,
  /** Changes with the configuration: a new value restarts the function, which reads it once. */
  CONFIGURATION_VERSION: text,
  /** Begins the name of each schedule's function: {@link functionName}. */
  FUNCTION_PREFIX: text,
  /** The state table of heartbeats, for the schedules' monitors. Empty: the environment has no heartbeats. */
  HEARTBEATS_TABLE: text.optional(),
});
export type KeepEnvironment = EnvironmentVariables<typeof keepEnvironment>;

/** A schedule's own function. */
export const runEnvironment = environmentSchema({
  RUNS_TABLE: text,
  /** JSON: names of SSM parameters by the names of secrets. */
  SECRETS: z.string().transform(parseJson).pipe(z.record(z.string(), z.string())).optional(),
});
export type RunEnvironment = EnvironmentVariables<typeof runEnvironment>;

/** Whether a schedule's own variable may not have this name: Lambda refuses it, or Almanac sets it. */
export function isReservedVariable(name: string): boolean {
  return /^(ALMANAC|AWS|LAMBDA|POWERTOOLS)_|^NODE_OPTIONS$/.test(name) || Object.hasOwn(runEnvironment.variables, name);
}

/** Object in the configuration bucket: the JSON of {@link Schedules}. */
export const CONFIGURATION_KEY = "schedules.json";

/** Keys of the runs table: a schedule's runs by time, and the schedules' states in the partition {@link STATES}. */
export const RUN_KEYS = { partition: "schedule", sort: "run", timeToLive: "ttl" } as const;

/** No schedule has this name. */
export const STATES = "#states";

/** How long a run's row is kept. */
export const RUN_DAYS = 90;

/** Longer results and errors are cut. */
export const MAX_RESULT_BYTES = 10_240;

/** Lambda's limit of an asynchronous event is larger; a row's, with result and error, is 400 KB. */
const MAX_INPUT_BYTES = 65_536;

/** Lambda's limit. */
export const MAX_TIMEOUT_SECONDS = 900;

/** The handler's `signal` aborts this long before the function's timeout. */
export const ABORT_SECONDS = 5;

/** A run that starts later counts as late, and is caught up as the schedule's `catchUp` says. */
export const LATE_SECONDS = 300;

/** With the longest app and environment, a function's name has 64 characters. */
const MAX_NAME_CHARACTERS = 24;

const nameSchema = z
  .string()
  .regex(/^[a-z][A-Za-z0-9]*$/, "is not letters and digits, a lower case letter first")
  .refine(
    (name) => kebabCase(name).length <= MAX_NAME_CHARACTERS,
    `is longer than ${MAX_NAME_CHARACTERS} characters, a hyphen before each capital included`,
  );

/** `clean-up`: for physical names. */
export function kebabCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

/** The name of a schedule's function. */
export function functionName(prefix: string, schedule: string): string {
  return `${prefix}${kebabCase(schedule)}`;
}

const timeSchema = z.iso.datetime({ offset: true, error: 'is not a time such as "2026-11-21T17:00:00Z"' });

const wholeNumber = (least: number, most: number) => {
  const message = `is not a whole number of ${least} to ${most}`;
  return z.int(message).min(least, message).max(most, message);
};

const retriesSchema = z.strictObject({
  /** Attempts after the first one. */
  count: wholeNumber(0, 20),
  /** Before the first retry; twice as long before each further one, an hour at most. To the minute. @default 60 */
  backoffSeconds: wholeNumber(1, 3_600).default(60),
  /** No retry begins later than this after the scheduled time. @default 3600 */
  maxAgeSeconds: wholeNumber(60, 86_400).default(3_600),
});
export type Retries = z.output<typeof retriesSchema>;

/** When and how a schedule's function runs. */
export const scheduleFields = {
  /** `"rate(1 hour)"`, or EventBridge's cron: `"cron(0 6 1 * ? *)"`. A rate counts from `startAt`, else from 1970: `rate(1 hour)` is due on the hour. */
  schedule: scheduleExpressionSchema,
  /** IANA time zone of a cron, whose summer time counts: `"Europe/Berlin"`. @default "UTC" */
  timeZone: z.string().refine(isTimeZone, 'is not an IANA time zone such as "Europe/Berlin"').default("UTC"),
  /** No run is due earlier. @default none */
  startAt: timeSchema.optional(),
  /** No run is due later. @default none */
  endAt: timeSchema.optional(),
  /** Each run is delayed by 0 to this many seconds, the same for the same run. At most the time between two runs. @default 0 */
  jitterSeconds: wholeNumber(0, 3_600).default(0),
  /** False: no run is due. `almanac schedules run` still runs it. @default true */
  enabled: z.boolean().default(true),
  /** Any JSON, for the handler. At most 64 KB. @default none */
  input: z
    .unknown()
    .superRefine((input, context) => {
      const fault = input === undefined ? undefined : inputFault(input);
      if (fault !== undefined) context.addIssue({ code: "custom", message: fault, input });
    })
    .optional(),
  /** A run that is due while another one runs starts as well, is skipped, or waits. @default "skip" */
  overlap: z.enum(["allow", "skip", "queue"]).default("skip"),
  /** Which runs that are more than five minutes late are started, after an outage for example. @default "latest" */
  catchUp: z.enum(["all", "latest", "none"]).default("latest"),
  /** Of a run that fails. @default none: the function need not be idempotent */
  retries: retriesSchema.prefault({ count: 0 }),
} as const;

const scheduleConfigSchema = z.strictObject(scheduleFields);
/** A schedule, as the keeper reads it. */
export type ScheduleConfig = z.output<typeof scheduleConfigSchema>;

/** Schedules by name. */
export const schedulesSchema = z.record(nameSchema, scheduleConfigSchema);
export type Schedules = z.output<typeof schedulesSchema>;

/** One that cannot be read is an error in its place: the others go on. */
export type ReadSchedules = Readonly<Record<string, ScheduleConfig | SchemaError>>;

/**
 * The schedules of {@link CONFIGURATION_KEY}. With plain Terraform, their fields have been checked in part.
 *
 * @throws JsonSyntaxError, and SchemaError for a text that is no object
 */
export function readSchedules(text: string): ReadSchedules {
  const found = parseInput(z.record(z.string(), z.unknown()), parseJson(text));
  return Object.fromEntries(
    Object.entries(found).map(([name, value]): [string, ScheduleConfig | SchemaError] => {
      try {
        return [parseInput(nameSchema, name), parseInput(scheduleConfigSchema, value)];
      } catch (error) {
        if (error instanceof SchemaError) return [name, error];
        throw error;
      }
    }),
  );
}

/**
 * Why a schedule's fields contradict each other; undefined when they do not.
 *
 * @param now epoch milliseconds
 */
export function instantsFault(
  instants: Instants & Pick<ScheduleConfig, "jitterSeconds">,
  now: number,
): { readonly path: string[]; readonly message: string; readonly input: unknown } | undefined {
  const { schedule, timeZone, startAt, endAt, jitterSeconds } = instants;
  // These have their own faults.
  const times = [startAt, endAt].flatMap((time) => (time === undefined ? [] : [Date.parse(time)]));
  if (scheduleFault(schedule) !== undefined || !isTimeZone(timeZone) || times.some(Number.isNaN)) return undefined;
  if (timeZone !== "UTC" && rateMs(schedule) !== undefined)
    return { path: ["timeZone"], message: "has no effect on a rate: use a cron", input: timeZone };
  if (startAt !== undefined && endAt !== undefined && Date.parse(endAt) < Date.parse(startAt))
    return { path: ["endAt"], message: "is before startAt", input: endAt };
  const gapSeconds = shortestGapMs(schedule) / SECOND_MS;
  if (jitterSeconds > gapSeconds) {
    const message = `is longer than the ${gapSeconds} s between two runs`;
    return { path: ["jitterSeconds"], message, input: jitterSeconds };
  }
  // A schedule that has come to its end stays valid.
  const from = endAt === undefined ? now : Math.min(now, Date.parse(startAt ?? "1970-01-01T00:00:00Z") - 1);
  if (nextInstant(instants, from) !== undefined) return undefined;
  return { path: ["schedule"], message: "has no instant that is yet to come", input: schedule };
}

/** For a record of schedules by name. */
export const scheduleNameSchema = nameSchema;

/** Why a value cannot be a run's input; undefined when it can. Iterates, because recursion ends where the stack does. */
export function inputFault(input: unknown): string | undefined {
  const pending: (readonly [value: unknown, depth: number])[] = [[input, 1]];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const [value, depth] = next;
    if (depth > MAX_DATA_DEPTH) return `is nested deeper than ${MAX_DATA_DEPTH} levels, or contains itself`;
    if (typeof value === "string" && !value.isWellFormed()) return "has half of a surrogate pair";
    const isPlain = value === null || typeof value === "string" || typeof value === "boolean" || Number.isFinite(value);
    if (isPlain) continue;
    if (!isArrayOrRecord(value)) return "is not JSON";
    // An array's holes have no entries.
    const children: readonly unknown[] = Array.isArray(value) ? Array.from(value) : Object.entries(value).flat();
    pending.push(...children.map((child) => [child, depth + 1] as const));
  }
  return Buffer.byteLength(JSON.stringify(input)) > MAX_INPUT_BYTES
    ? `is longer than ${MAX_INPUT_BYTES} bytes of JSON`
    : undefined;
}

/** JSON drops functions, and turns dates and maps into something else. */
function isArrayOrRecord(value: unknown): value is object {
  if (typeof value !== "object" || value === null || "toJSON" in value) return false;
  return Array.isArray(value) || Object.prototype.toString.call(value) === "[object Object]";
}

/** The event of a schedule's function: one attempt of one run. */
export const attemptSchema = z.object({
  schedule: z.string(),
  /** The sort key of its row. */
  run: z.string(),
  /** From 1. */
  attempt: z.int().min(1),
  retries: retriesSchema,
});
export type Attempt = z.output<typeof attemptSchema>;

/** A run's status. `queued`, `running` and `retrying` are not final. */
export const OUTCOMES = ["queued", "running", "retrying", "succeeded", "failed", "missed", "skipped"] as const;
export type Outcome = (typeof OUTCOMES)[number];

const textOrNothing = z.string().optional();

/** A run's row. Times are epoch milliseconds. */
export const runSchema = z.object({
  schedule: z.string(),
  /** {@link runKey} */
  run: z.string(),
  outcome: z.enum(OUTCOMES),
  /** The instant of the schedule; of a run by hand: when it was asked for. */
  scheduledAt: z.number(),
  /** `scheduledAt` with jitter. */
  dueAt: z.number(),
  /** Asked for by `almanac schedules run`. */
  manual: z.boolean().default(false),
  /** The attempt that runs, or is next. */
  attempt: z.int(),
  /** Of the first attempt. */
  startedAt: z.number().optional(),
  endedAt: z.number().optional(),
  attemptStartedAt: z.number().optional(),
  /** Of the last attempt. */
  durationMs: z.number().optional(),
  /** The next attempt is due. */
  nextAttemptAt: z.number().optional(),
  /** When the function was last invoked for the next attempt. */
  invokedAt: z.number().optional(),
  /** For the next attempt. */
  invocations: z.number().default(0),
  /** The invocation that runs it, and its deadline. */
  owner: textOrNothing,
  deadline: z.number().optional(),
  /** JSON. */
  input: textOrNothing,
  /** JSON of what the handler returned. */
  result: textOrNothing,
  /** Why the result is cut or missing. */
  resultNote: textOrNothing,
  /** Why it failed, was missed or skipped. */
  reason: textOrNothing,
  /** Where the log of the last attempt is. */
  log: z.object({ group: z.string(), stream: z.string(), requestId: z.string() }).optional(),
});
export type Run = z.output<typeof runSchema>;

/** A schedule's row. Times are epoch milliseconds. */
export const stateSchema = z.object({
  /** Every instant up to here has its row. */
  cursor: z.number(),
  /** Of the fields that determine the instants: a change begins a new cursor. */
  fingerprint: z.string(),
  pausedAt: z.number().optional(),
  /** By when the monitor expects the next run, as it was last reported. */
  expectedBefore: z.number().optional(),
  /** Sort keys of runs that have not ended, or whose end is not reported to the monitor. */
  open: z.set(z.string()).default(new Set()),
});
export type ScheduleState = z.output<typeof stateSchema>;

/** Sort key of a run: `2026-11-21T17:00:00.000Z`; of one by hand with an id. */
export function runKey(scheduledAt: number, id?: string): string {
  return `${new Date(scheduledAt).toISOString()}${id === undefined ? "" : `#${id}`}`;
}

/** Identifies a run in logs and for the handler, the same in each attempt: `invoices/2026-11-21T17:00:00.000Z`. */
export function runIdOf({ schedule, run }: Pick<Run, "schedule" | "run">): string {
  return `${schedule}/${run}`;
}
