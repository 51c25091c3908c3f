/** Schemas of request bodies, and the timers made from them. Pure. */
import * as z from "zod";

import { fnv1a } from "../../shared/hash";
import { DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS } from "../../shared/time";
import { invalidCronReason } from "../schedule/cron";
import { nextDue, type Schedule } from "../schedule/schedule";
import { isTimeZone } from "../schedule/time-zone";
import type { Timer } from "../schedule/timer";

/** Default `minuteOfHour`: this many minutes after the PUT. */
const DEFAULT_MINUTES_AHEAD = 40;

const MAX_PERIOD_MS = 365 * DAY_MS;
const MAX_DELAY_SECONDS = (10 * MAX_PERIOD_MS) / SECOND_MS;
const MAX_JITTER_SECONDS = 300;
const MAX_FIRES_AHEAD = 100;
/** Versions are UUIDs. */
const MAX_VERSION_CHARACTERS = 100;
const MAX_DATA_BYTES = 64 * 1024;
const UNITS_MS: Readonly<Record<string, number>> = { second: SECOND_MS, minute: MINUTE_MS, hour: HOUR_MS, day: DAY_MS };

export const idSchema = z
  .string("is missing")
  .refine((id) => /^[A-Za-z0-9._:-]{1,256}$/.test(id), "is not 1 to 256 characters of A-Z a-z 0-9 . _ : -");

const wholeNumber = (min: number, max: number) => {
  const message = `is not a whole number of ${min} to ${max}`;
  return z.int(message).min(min, message).max(max, message);
};

/** A number or a string of digits. */
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
  .refine((period) => period >= MINUTE_MS && period <= MAX_PERIOD_MS, "is not 1 minute to 365 days");

/** Removes the optional `cron( )`. */
const cronSchema = z.string("is not a cron expression").transform((text, context) => {
  const expression = text.trim().replace(/^cron\((.*)\)$/, "$1");
  const problem = invalidCronReason(expression);
  if (problem === undefined) return expression;
  context.addIssue(problem);
  return z.NEVER;
});

const timeZoneSchema = z
  .string("is not a time zone")
  .refine(isTimeZone, 'is not an IANA time zone such as "Europe/Berlin"');

/** Any JSON -> JSON text. */
const dataSchema = z
  .unknown()
  .transform((data, context) => {
    // SQS rejects messages with these two characters; JSON can escape them.
    const text = JSON.stringify(data).replace(
      /[\ufffe\uffff]/g,
      (character) => `\\u${character.charCodeAt(0).toString(16)}`,
    );
    if (Buffer.byteLength(text) <= MAX_DATA_BYTES) return text;
    context.addIssue(`is longer than ${MAX_DATA_BYTES} bytes of JSON`);
    return z.NEVER;
  })
  .optional();

const common = {
  timerCallbackData: dataSchema,
  shardId: z.string("is not a string").optional(),
  jitterSeconds: wholeNumber(0, MAX_JITTER_SECONDS).optional(),
  ifVersion: z.string("is not a string or null").max(MAX_VERSION_CHARACTERS, "is not a version").nullish(),
};

const UNKNOWN = { error: bodyMessage };
const periodicFields = z.strictObject(
  {
    ...common,
    minuteOfHour: minuteSchema.optional(),
    secondOfMinute: wholeNumber(0, 59).optional(),
    every: everySchema.optional(),
    cron: cronSchema.optional(),
    timeZone: timeZoneSchema.optional(),
    startAt: timeSchema.optional(),
    endAt: timeSchema.optional(),
    maxFires: wholeNumber(1, 1_000_000_000).optional(),
    enabled: z.boolean("is not true or false").optional(),
  },
  UNKNOWN,
);
export type PeriodicBody = z.output<typeof periodicFields>;
export const periodicBodySchema = periodicFields.superRefine(rejectContradictions);
const oneshotFields = z.strictObject(
  {
    ...common,
    at: timeSchema.optional(),
    delaySeconds: wholeNumber(0, MAX_DELAY_SECONDS).optional(),
  },
  UNKNOWN,
);
export type OneshotBody = z.output<typeof oneshotFields>;
export const oneshotBodySchema = oneshotFields.refine(
  ({ at, delaySeconds }) => (at === undefined) !== (delaySeconds === undefined),
  { error: "needs either at or delaySeconds", when: ({ issues }) => issues.length === 0 },
);

function bodyMessage(issue: z.core.$ZodRawIssue): string | undefined {
  if (issue.code === "unrecognized_keys") return undefined; // input.ts says it without the names
  return "is not a JSON object";
}

function rejectContradictions(body: PeriodicBody, context: z.RefinementCtx): void {
  const reject = (field: keyof PeriodicBody, message: string) => {
    context.addIssue({ code: "custom", path: [field], message });
  };
  const { every, cron, minuteOfHour, secondOfMinute, timeZone, startAt, endAt } = body;
  if (cron !== undefined && every !== undefined) reject("cron", "cannot be combined with every");
  if (minuteOfHour !== undefined && every !== undefined)
    reject("minuteOfHour", "cannot be combined with every: use startAt for the first fire");
  if (minuteOfHour !== undefined && cron !== undefined) reject("minuteOfHour", "cannot be combined with cron");
  if (secondOfMinute !== undefined && cron !== undefined) reject("secondOfMinute", "cannot be combined with cron");
  if (secondOfMinute !== undefined && every !== undefined && every % MINUTE_MS !== 0)
    reject("secondOfMinute", "cannot be combined with a period that is not whole minutes");
  if (timeZone !== undefined && cron === undefined) reject("timeZone", "requires cron");
  if (startAt !== undefined && endAt !== undefined && endAt < startAt) reject("endAt", "is before startAt");
}

/** The properties of a timer that are not in the body. */
export interface TimerContext {
  readonly id: string;
  /** Epoch milliseconds. */
  readonly now: number;
  /** Unique. */
  readonly version: string;
  readonly shard: string;
}

export function periodicTimer(body: PeriodicBody, { id, now, version, shard }: TimerContext): Timer {
  const { startAt, jitterSeconds, enabled = true, maxFires } = body;
  const schedule = scheduleOf(body, now);
  const endAt = endAtOf(maxFires, schedule, Math.max(now, (startAt ?? 0) - 1), body.endAt);
  return {
    kind: "periodic",
    id,
    shard,
    version,
    schedule,
    data: dataOf(body, { id, type: "hourlyPeriodic" }),
    ...(startAt !== undefined && { startAt }),
    ...(endAt !== undefined && { endAt }),
    ...(maxFires !== undefined && mustCountFires(maxFires, schedule) && { firesLeft: maxFires }),
    ...(jitterSeconds !== undefined && { jitterSeconds }),
    enabled,
    putAt: now,
  };
}

export function oneshotTimer(body: OneshotBody, { id, now, version, shard }: TimerContext): Timer {
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

/** Whether a body has only fields of the legacy timer service, whose clients expect its response. */
export function isLegacyRequest({
  timerCallbackData: _,
  minuteOfHour: __,
  shardId: ___,
  ...newFields
}: PeriodicBody): boolean {
  return Object.values(newFields).every((value) => value === undefined);
}

function dataOf({ timerCallbackData }: { readonly timerCallbackData?: string | undefined }, fallback: object): string {
  return timerCallbackData ?? JSON.stringify(fallback);
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

/** The earlier of `endAt` and the last of `maxFires`. Ignores `maxFires` when the dispatcher counts the fires. */
function endAtOf(
  maxFires: number | undefined,
  schedule: Schedule,
  after: number,
  endAt: number | undefined,
): number | undefined {
  if (maxFires === undefined || mustCountFires(maxFires, schedule)) return endAt;
  let last = nextDue(schedule, after);
  if (schedule.kind === "every" && last !== undefined) last += (maxFires - 1) * schedule.periodMs;
  else for (let fires = 1; fires < maxFires && last !== undefined; fires++) last = nextDue(schedule, last);
  return last === undefined ? endAt : Math.min(last, endAt ?? Infinity);
}

/** Computing the end of a long cron series takes too long: the dispatcher counts its fires. */
function mustCountFires(maxFires: number, { kind }: Schedule): boolean {
  return kind === "cron" && maxFires > MAX_FIRES_AHEAD;
}

/** The default shard of a timer: a hash of its id. */
export function shardOf(id: string, shards: number): string {
  return `shard${fnv1a(id) % shards}`;
}
