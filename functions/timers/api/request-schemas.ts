/** What clients ask for, and the timer that it makes. Pure. */
import * as z from "zod";

import { fnv1a } from "../../shared/hash";
import { DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS } from "../../shared/time";
import { cronProblem } from "../schedule/cron";
import { nextDue, type Schedule } from "../schedule/schedule";
import { isTimeZone } from "../schedule/time-zone";
import type { Timer } from "../schedule/timer";

/** An hourly timer that does not say when fires so many minutes past the time it was put. */
const DEFAULT_MINUTES_AHEAD = 40;

const LONGEST_PERIOD_MS = 365 * DAY_MS;
const LONGEST_DELAY_SECONDS = (10 * LONGEST_PERIOD_MS) / SECOND_MS;
const MOST_JITTER_SECONDS = 300;
const MOST_FIRES_AHEAD = 100;
const MOST_DATA_BYTES = 64 * 1024;
const UNITS_MS: Readonly<Record<string, number>> = { second: SECOND_MS, minute: MINUTE_MS, hour: HOUR_MS, day: DAY_MS };

export const idSchema = z
  .string("is missing")
  .transform((id, context) => {
    // API Gateway hands a path's parameters over decoded; other servers may not.
    try {
      return decodeURIComponent(id);
    } catch {
      context.addIssue("is not percent-encoded text");
      return z.NEVER;
    }
  })
  .refine((id) => /^[A-Za-z0-9._:-]{1,256}$/.test(id), "is not 1 to 256 characters of A-Z a-z 0-9 . _ : -");

const wholeNumber = (min: number, max: number) => {
  const message = `is not a whole number of ${min} to ${max}`;
  return z.int(message).min(min, message).max(max, message);
};

/** A number, or a string of digits. */
const minuteSchema = z
  .custom<number | string>((minute) => {
    const value = typeof minute === "string" && /^\d+$/.test(minute) ? Number(minute) : minute;
    return typeof value === "number" && Number.isInteger(value) && value >= 0 && value <= 59;
  }, "is not a minute of 0 to 59")
  .transform(Number);

const TIME_MESSAGE = 'is not a time such as "2026-11-21T17:00:00Z"';
const timeSchema = z.iso
  .datetime({ offset: true, error: TIME_MESSAGE })
  .transform(Date.parse)
  .refine(Number.isFinite, TIME_MESSAGE);

/** `15 minutes` -> milliseconds. */
const everySchema = z
  .string('is not a period such as "15 minutes"')
  .regex(
    /^\d{1,9} (second|minute|hour|day)s?$/,
    'is not a period such as "90 seconds", "15 minutes", "2 hours" or "7 days"',
  )
  .transform((text) => {
    const [count = "", unit = ""] = text.replace(/s$/, "").split(" ");
    return Number(count) * (UNITS_MS[unit] ?? NaN);
  })
  .refine((period) => period >= MINUTE_MS && period <= LONGEST_PERIOD_MS, "is not 1 minute to 365 days");

/** With or without `cron( )` around it -> without. */
const cronSchema = z.string("is not a cron expression").transform((text, context) => {
  const expression = text.trim().replace(/^cron\((.*)\)$/, "$1");
  const problem = cronProblem(expression);
  if (problem === undefined) return expression;
  context.addIssue(problem);
  return z.NEVER;
});

const timeZoneSchema = z
  .string("is not a time zone")
  .refine(isTimeZone, 'is not an IANA time zone such as "Europe/Berlin"');

/** Any JSON -> its text. */
const dataSchema = z
  .unknown()
  .transform((data, context) => {
    // SQS refuses messages with these two characters, and JSON may write any character so.
    const text = JSON.stringify(data).replace(/[\ufffe\uffff]/g, (at) => `\\u${at.charCodeAt(0).toString(16)}`);
    if (Buffer.byteLength(text) <= MOST_DATA_BYTES) return text;
    context.addIssue(`is longer than ${MOST_DATA_BYTES} bytes of JSON`);
    return z.NEVER;
  })
  .optional();

/** What all bodies may have. */
const common = {
  /** Any JSON of at most 64 KB: the body of the message. @default {id, type} */
  timerCallbackData: dataSchema,
  /** `shard0`. @default by the id */
  shardId: z.string("is not a string").optional(),
  /** Puts off each fire by 0 to so many seconds, at most 300. @default 0 */
  jitterSeconds: wholeNumber(0, MOST_JITTER_SECONDS).optional(),
  /** Replaces that version only, or nothing (null); else 409. @default replaces whatever is there */
  ifVersion: z.string("is not a string or null").nullish(),
};

const UNKNOWN = { error: bodyMessage };

/** Of `PUT /periodic/{id}`. */
const periodicFields = z.strictObject(
  {
    ...common,
    /** Each hour at this minute: 0 to 59, a number or digits. @default 40 minutes from now */
    minuteOfHour: minuteSchema.optional(),
    /** 0 to 59: of an hourly timer, or of a period of whole minutes. @default 0; of a period, that of its first fire */
    secondOfMinute: wholeNumber(0, 59).optional(),
    /** `15 minutes`, from startAt on, or from now on: 1 minute to 365 days. @default each hour */
    every: everySchema.optional(),
    /** As EventBridge writes it: `0 17 * * ? *`, or `cron(0 17 * * ? *)`. */
    cron: cronSchema.optional(),
    /** Of cron: `Europe/Berlin`. @default "UTC" */
    timeZone: timeZoneSchema.optional(),
    /** No fire before it. @default now */
    startAt: timeSchema.optional(),
    /** No fire after it. @default never */
    endAt: timeSchema.optional(),
    /** So many fires, and no more. @default no limit */
    maxFires: wholeNumber(1, 1_000_000_000).optional(),
    /** False: kept, but it does not fire. @default true */
    enabled: z.boolean("is not true or false").optional(),
  },
  UNKNOWN,
);
export type PeriodicBody = z.output<typeof periodicFields>;
export const periodicBodySchema = periodicFields.superRefine(rejectContradictions);

/** Of `PUT /oneshot/{id}`. */
const oneshotFields = z.strictObject(
  {
    ...common,
    /** When; a time in the past is now. */
    at: timeSchema.optional(),
    /** In so many seconds: 0 to ten years. */
    delaySeconds: wholeNumber(0, LONGEST_DELAY_SECONDS).optional(),
  },
  UNKNOWN,
);
export type OneshotBody = z.output<typeof oneshotFields>;
export const oneshotBodySchema = oneshotFields.refine(
  ({ at, delaySeconds }) => (at === undefined) !== (delaySeconds === undefined),
  { error: "needs at or delaySeconds, one of the two", when: ({ issues }) => issues.length === 0 },
);

function bodyMessage(issue: z.core.$ZodRawIssue): string {
  if (issue.code === "unrecognized_keys") return `has no field ${issue.keys.map((key) => `"${key}"`).join(", ")}`;
  return "is not a JSON object";
}

function rejectContradictions(body: PeriodicBody, context: z.RefinementCtx): void {
  const reject = (field: keyof PeriodicBody, message: string) => {
    context.addIssue({ code: "custom", path: [field], message });
  };
  const { every, cron, minuteOfHour, secondOfMinute, timeZone, startAt, endAt } = body;
  if (cron !== undefined && every !== undefined) reject("cron", "can't go with every");
  if (minuteOfHour !== undefined && every !== undefined)
    reject("minuteOfHour", "can't go with every: startAt says when its first fire is");
  if (minuteOfHour !== undefined && cron !== undefined) reject("minuteOfHour", "can't go with cron, which has its own");
  if (secondOfMinute !== undefined && cron !== undefined)
    reject("secondOfMinute", "can't go with cron, which counts in minutes");
  if (secondOfMinute !== undefined && every !== undefined && every % MINUTE_MS !== 0)
    reject("secondOfMinute", "can't go with a period that is not whole minutes");
  if (timeZone !== undefined && cron === undefined) reject("timeZone", "is for cron only");
  if (startAt !== undefined && endAt !== undefined && endAt < startAt) reject("endAt", "is before startAt");
}

/** What a timer gets besides what its body says. */
export interface TimerGiven {
  readonly id: string;
  /** Epoch milliseconds. */
  readonly now: number;
  /** New. */
  readonly version: string;
  readonly shard: string;
}

export function periodicTimer(body: PeriodicBody, { id, now, version, shard }: TimerGiven): Timer {
  const { startAt, jitterSeconds, enabled = true, maxFires } = body;
  const schedule = scheduleOf(body, now);
  const endAt = lastOf(maxFires, schedule, Math.max(now, (startAt ?? 0) - 1), body.endAt);
  return {
    kind: "periodic",
    id,
    shard,
    version,
    schedule,
    data: dataOf(body, { id, type: "hourlyPeriodic" }),
    ...(startAt !== undefined && { startAt }),
    ...(endAt !== undefined && { endAt }),
    ...(maxFires !== undefined && mustCount(maxFires, schedule) && { firesLeft: maxFires }),
    ...(jitterSeconds !== undefined && { jitterSeconds }),
    enabled,
    putAt: now,
  };
}

export function oneshotTimer(body: OneshotBody, { id, now, version, shard }: TimerGiven): Timer {
  const { at = now + (body.delaySeconds ?? 0) * SECOND_MS, jitterSeconds } = body;
  return {
    kind: "oneshot",
    id,
    shard,
    version,
    schedule: { kind: "once", at },
    data: dataOf(body, { id, type: "oneshot" }),
    ...(jitterSeconds !== undefined && { jitterSeconds }),
    enabled: true,
    putAt: now,
  };
}

/** Whether a body asks for no more than the service that timers replace could do: its answer is to be that one's, too. */
export function isPlainHourly({
  timerCallbackData: _,
  minuteOfHour: __,
  shardId: ___,
  ...others
}: PeriodicBody): boolean {
  return Object.values(others).every((value) => value === undefined);
}

function dataOf({ timerCallbackData }: { readonly timerCallbackData?: string | undefined }, otherwise: object): string {
  return timerCallbackData ?? JSON.stringify(otherwise);
}

function scheduleOf(
  { cron, timeZone = "UTC", every, minuteOfHour, secondOfMinute, startAt }: PeriodicBody,
  now: number,
): Schedule {
  if (cron !== undefined) return { kind: "cron", expression: cron, timeZone };
  if (every === undefined) {
    const minute = minuteOfHour ?? new Date(now + DEFAULT_MINUTES_AHEAD * MINUTE_MS).getUTCMinutes();
    return { kind: "every", periodMs: HOUR_MS, phaseMs: minute * MINUTE_MS + (secondOfMinute ?? 0) * SECOND_MS };
  }
  const first = startAt ?? Math.floor((now + every) / SECOND_MS) * SECOND_MS;
  const anchor =
    secondOfMinute === undefined ? first : Math.floor(first / MINUTE_MS) * MINUTE_MS + secondOfMinute * SECOND_MS;
  return { kind: "every", periodMs: every, phaseMs: anchor % every };
}

/** When a timer fires so often, or ends before. Undefined: never, or who hands its fires over has to count them. */
function lastOf(
  maxFires: number | undefined,
  schedule: Schedule,
  after: number,
  endAt: number | undefined,
): number | undefined {
  if (maxFires === undefined || mustCount(maxFires, schedule)) return endAt;
  let last = nextDue(schedule, after);
  if (schedule.kind === "every" && last !== undefined) last += (maxFires - 1) * schedule.periodMs;
  else for (let fires = 1; fires < maxFires && last !== undefined; fires++) last = nextDue(schedule, last);
  return last === undefined ? endAt : Math.min(last, endAt ?? Infinity);
}

/** Walking through the calendar takes too long to look at the end of a long series. */
function mustCount(maxFires: number, { kind }: Schedule): boolean {
  return kind === "cron" && maxFires > MOST_FIRES_AHEAD;
}

/** Which shard a timer gets that asks for none: always the same by its id. */
export function shardOf(id: string, shards: number): string {
  return `shard${fnv1a(id) % shards}`;
}
