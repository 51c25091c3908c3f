/** Schemas of request bodies, and the timers made from them. Pure. */
import * as z from "zod";

import { fnv1a } from "../../shared/hash";
import { canonicalJson, isDeeperThan, MAX_DATA_DEPTH, RawJson } from "../../shared/json-text";
import { DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS } from "../../shared/time";
import { invalidCronReason, MAX_CRON_CHARACTERS } from "../../shared/calendar/cron";
import { nextDue, type Schedule } from "../schedule/schedule";
import { startOf } from "../../shared/calendar/time-zone";
import { isTimeZone } from "../../shared/calendar/is-time-zone";
import { DEFAULT_CALLBACK } from "../contract";
import {
  DEFAULT_MAX_ATTEMPTS,
  LATEST_TIME_MS,
  MAX_JITTER_SECONDS,
  type Timer,
  type TimerOptions,
} from "../schedule/timer";

/** Default `minuteOfHour`: this many minutes after the PUT. */
const DEFAULT_MINUTES_AHEAD = 40;

const MAX_PERIOD_MS = 365 * DAY_MS;
const MAX_DELAY_SECONDS = (10 * MAX_PERIOD_MS) / SECOND_MS;
const MAX_FIRES_AHEAD = 100;
const MAX_DATA_BYTES = 64 * 1024;
const MAX_CATCH_UP_SECONDS = MAX_PERIOD_MS / SECOND_MS;

/** Receives of the queue before a message goes to the dead-letter queue. */
const MAX_ATTEMPTS = 100;

/** A day less than the queue keeps a message. */
const MAX_AGE_SECONDS = (3 * DAY_MS) / SECOND_MS;

/** A version is a UUID. */
export const MAX_VERSION_CHARACTERS = 100;
const MAX_TIME_ZONE_CHARACTERS = 64;
const UNITS_MS: Readonly<Record<string, number>> = { second: SECOND_MS, minute: MINUTE_MS, hour: HOUR_MS, day: DAY_MS };

export const idSchema = z
  .string("is missing")
  .refine((id) => /^[A-Za-z0-9._:-]{1,256}$/.test(id), "is not 1 to 256 characters of A-Z a-z 0-9 . _ : -")
  .refine((id) => !/^\.\.?$/.test(id), "is . or .., which clients take out of a path");

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
  .meta({
    anyOf: [
      { type: "integer", minimum: 0, maximum: 59 },
      { type: "string", pattern: "^0*[1-5]?[0-9]$" },
    ],
  })
  .transform(Number);

const TIME_MESSAGE = 'is not a time such as "2026-11-21T17:00:00Z"';
export const timeSchema = z.iso
  .datetime({ offset: true, error: TIME_MESSAGE })
  .transform(Date.parse)
  .refine(hasFourDigits, TIME_MESSAGE);

/** In UTC, as responses have it: a year of five digits could not be put back, nor be in a message. */
function hasFourDigits(at: number): boolean {
  return at >= Date.parse("0000-01-01T00:00:00Z") && at <= Date.parse("9999-12-31T23:59:59.999Z");
}

const LOCAL_TIME_MESSAGE = 'is not a local time such as "2026-11-21T17:00:00", as timeZone requires';
/** `2026-11-21T17:00:00`, for a time zone -> epoch milliseconds of the same wall clock in UTC. */
const localTimeSchema = z
  .string()
  .regex(/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d{1,3})?)?$/, LOCAL_TIME_MESSAGE)
  .transform((text) => `${text.length === "2026-11-21T17:00".length ? `${text}:00` : text}Z`)
  .pipe(
    z.iso.datetime({ error: LOCAL_TIME_MESSAGE }).transform(Date.parse).refine(Number.isFinite, LOCAL_TIME_MESSAGE),
  );

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
  // Before the regular expressions, whose time grows with the length.
  if (text.length > MAX_CRON_CHARACTERS) {
    context.addIssue(`is longer than ${MAX_CRON_CHARACTERS} characters`);
    return z.NEVER;
  }
  const expression = text.trim().replace(/^cron\((.*)\)$/, "$1");
  const problem = invalidCronReason(expression);
  if (problem === undefined) return expression;
  context.addIssue(problem);
  return z.NEVER;
});

const timeZoneSchema = z
  .string("is not a time zone")
  .refine(
    (name) => name.length <= MAX_TIME_ZONE_CHARACTERS && isTimeZone(name),
    'is not an IANA time zone such as "Europe/Berlin"',
  );

/** Any JSON -> JSON text. With {@link RawJson} it is the text that was sent, with all digits of its numbers. */
const dataSchema = z
  .unknown()
  .transform((data, context) => {
    const text = data instanceof RawJson ? data.text : JSON.stringify(data);
    if (isDeeperThan(MAX_DATA_DEPTH, text)) context.addIssue(`is nested deeper than ${MAX_DATA_DEPTH} levels`);
    const json = canonicalJson(text);
    if (Buffer.byteLength(json) > MAX_DATA_BYTES) context.addIssue(`is longer than ${MAX_DATA_BYTES} bytes of JSON`);
    return json;
  })
  .optional();

const CATCH_UP_MESSAGE = `is not all, latest, or seconds of 1 to ${MAX_CATCH_UP_SECONDS}`;
const catchUpSchema = z.union(
  [
    z.enum(["all", "latest"]),
    z.int(CATCH_UP_MESSAGE).min(1, CATCH_UP_MESSAGE).max(MAX_CATCH_UP_SECONDS, CATCH_UP_MESSAGE),
  ],
  CATCH_UP_MESSAGE,
);

const retrySchema = z.strictObject(
  {
    maxAttempts: wholeNumber(1, MAX_ATTEMPTS).optional(),
    maxAgeSeconds: wholeNumber(1, MAX_AGE_SECONDS).optional(),
  },
  { error: ({ code }) => (code === "unrecognized_keys" ? undefined : "is not {maxAttempts, maxAgeSeconds}") },
);

const common = {
  timerCallbackData: dataSchema,
  callback: z.string("is not the name of a callback").optional(),
  catchUp: catchUpSchema.optional(),
  overlap: z.enum(["allow", "skip"], "is not allow or skip").optional(),
  retry: retrySchema.optional(),
  history: z.boolean("is not true or false").optional(),
  shardId: z.string("is not a string").optional(),
  jitterSeconds: wholeNumber(0, MAX_JITTER_SECONDS).optional(),
  enabled: z.boolean("is not true or false").optional(),
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
  },
  UNKNOWN,
);
export type PeriodicBody = z.output<typeof periodicFields>;
export const periodicBodySchema = periodicFields.superRefine(rejectContradictions);
const oneshotFields = z
  .strictObject(
    {
      ...common,
      at: z.string(TIME_MESSAGE).optional(),
      timeZone: timeZoneSchema.optional(),
      delaySeconds: wholeNumber(0, MAX_DELAY_SECONDS).optional(),
    },
    UNKNOWN,
  )
  .refine(({ at, delaySeconds }) => (at === undefined) !== (delaySeconds === undefined), {
    error: "needs either at or delaySeconds",
    when: ({ issues }) => issues.length === 0,
  })
  .refine(({ at, timeZone }) => timeZone === undefined || at !== undefined, {
    path: ["timeZone"],
    error: "requires at",
    when: ({ issues }) => issues.length === 0,
  });
export const oneshotBodySchema = oneshotFields.transform(({ at: text, timeZone, ...body }, context) => {
  if (text === undefined) return body;
  const parsed = timeZone === undefined ? timeSchema.safeParse(text) : localTimeSchema.safeParse(text);
  if (!parsed.success) {
    context.addIssue({ code: "custom", path: ["at"], message: parsed.error.issues[0]?.message ?? TIME_MESSAGE });
    return z.NEVER;
  }
  const at = timeZone === undefined ? parsed.data : startOf(parsed.data, timeZone);
  if (hasFourDigits(at)) return { ...body, at };
  context.addIssue({ code: "custom", path: ["at"], message: LOCAL_TIME_MESSAGE });
  return z.NEVER;
});
export type OneshotBody = z.output<typeof oneshotBodySchema> & { readonly at?: number };

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
  if (body.catchUp === "latest" && cron !== undefined && (body.maxFires ?? 0) > MAX_FIRES_AHEAD)
    reject("catchUp", `cannot be latest with cron and more than ${MAX_FIRES_AHEAD} maxFires`);
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
  /** As in {@link Timer}. */
  readonly requestKey?: string;
}

export function periodicTimer(body: PeriodicBody, { id, now, version, shard, requestKey }: TimerContext): Timer {
  const { startAt, endAt, jitterSeconds, enabled = true, maxFires } = body;
  const schedule = scheduleOf(body, now);
  const finalAt = maxFires === undefined ? undefined : finalAtOf(maxFires, schedule, Math.max(now, (startAt ?? 0) - 1));
  return {
    kind: "periodic",
    id,
    shard,
    version,
    schedule,
    // The legacy timer service has hourly timers only.
    data: dataOf(body, {
      id,
      type: body.every === undefined && body.cron === undefined ? "hourlyPeriodic" : "periodic",
    }),
    ...(startAt !== undefined && { startAt }),
    ...(endAt !== undefined && { endAt }),
    ...(maxFires !== undefined && { maxFires }),
    ...(finalAt !== undefined && { finalAt }),
    ...(maxFires !== undefined && mustCountFires(maxFires, schedule) && { firesLeft: maxFires }),
    ...(jitterSeconds !== undefined && { jitterSeconds }),
    enabled,
    putAt: now,
    ...(requestKey !== undefined && { requestKey }),
    ...optionsOf(body),
  };
}

export function oneshotTimer(body: OneshotBody, { id, now, version, shard, requestKey }: TimerContext): Timer {
  const { at = now + (body.delaySeconds ?? 0) * SECOND_MS, jitterSeconds, enabled = true } = body;
  return {
    kind: "oneshot",
    id,
    shard,
    version,
    schedule: { kind: "once", at },
    data: dataOf(body, { id, type: "oneshot" }),
    ...(jitterSeconds !== undefined && { jitterSeconds }),
    enabled,
    putAt: now,
    ...(requestKey !== undefined && { requestKey }),
    ...optionsOf(body),
  };
}

/** Without those that are the default, so that a PUT that spells them out changes nothing. */
function optionsOf(body: Pick<PeriodicBody, "callback" | "catchUp" | "overlap" | "retry" | "history">): {
  readonly options?: TimerOptions;
} {
  const { callback = DEFAULT_CALLBACK, catchUp = "all", overlap, retry = {}, history } = body;
  const { maxAttempts = DEFAULT_MAX_ATTEMPTS, maxAgeSeconds } = retry;
  const options: TimerOptions = {
    ...(callback !== DEFAULT_CALLBACK && { callback }),
    ...(catchUp !== "all" && { catchUp }),
    ...(overlap === "skip" && { overlap }),
    ...(maxAttempts !== DEFAULT_MAX_ATTEMPTS && { maxAttempts }),
    ...(maxAgeSeconds !== undefined && { maxAgeSeconds }),
    ...(history !== undefined && { history }),
  };
  return Object.keys(options).length === 0 ? {} : { options };
}

/**
 * Whether a PUT asks for what is stored: its timer then stays, with version, rhythm and pending fires. The rhythm of `every` without
 * `startAt` is that of the first PUT; `delaySeconds` and the default minute are relative to each PUT, so they seldom ask for the same.
 */
export function isSameTimer(timer: Timer, body: PeriodicBody | OneshotBody, stored: Timer): boolean {
  if (body.shardId !== undefined && body.shardId !== stored.shard) return false;
  const comparable = (one: Timer, schedule: Schedule) =>
    JSON.stringify([
      [one.data, one.startAt, one.endAt, one.maxFires, one.jitterSeconds ?? 0, schedule],
      body.enabled !== undefined && one.enabled,
      Object.entries(one.options ?? {}).sort(),
    ]);
  const schedule = hasRhythmOf(stored.schedule, timer.schedule, body) ? stored.schedule : timer.schedule;
  return comparable(timer, schedule) === comparable(stored, stored.schedule);
}

/** Whether a PUT asks for what is stored, but with another callback. */
export function isMovedTimer(timer: Timer, body: PeriodicBody | OneshotBody, stored: Timer): boolean {
  const { callback: _, ...options } = timer.options ?? {};
  const { callback } = stored.options ?? {};
  return isSameTimer({ ...timer, options: { ...options, ...(callback !== undefined && { callback }) } }, body, stored);
}

function hasRhythmOf(stored: Schedule, schedule: Schedule, body: PeriodicBody | OneshotBody): boolean {
  if (!("every" in body) || body.every === undefined || body.startAt !== undefined) return false;
  if (stored.kind !== "every" || schedule.kind !== "every" || stored.periodMs !== schedule.periodMs) return false;
  return body.secondOfMinute === undefined || (stored.phaseMs - schedule.phaseMs) % MINUTE_MS === 0;
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
  const second =
    secondOfMinute === undefined ? first : Math.floor(first / MINUTE_MS) * MINUTE_MS + secondOfMinute * SECOND_MS;
  // No fire is before startAt: the first one is that second of the next minute, not of the next period.
  const anchor = startAt !== undefined && second < startAt ? second + MINUTE_MS : second;
  // Before 1970 the remainder is negative.
  return { kind: "every", periodMs: every, phaseMs: ((anchor % every) + every) % every };
}

/** The last of `maxFires`; undefined when the dispatcher counts the fires, or it is too far ahead to be a time. */
function finalAtOf(maxFires: number, schedule: Schedule, after: number): number | undefined {
  if (mustCountFires(maxFires, schedule)) return undefined;
  let last = nextDue(schedule, after);
  if (schedule.kind === "every" && last !== undefined) {
    const final = last + (maxFires - 1) * schedule.periodMs;
    return final <= LATEST_TIME_MS ? final : undefined;
  }
  for (let fires = 1; fires < maxFires && last !== undefined; fires++) last = nextDue(schedule, last) ?? last;
  return last;
}

/** Computing the end of a long cron series takes too long: the dispatcher counts its fires. */
function mustCountFires(maxFires: number, { kind }: Schedule): boolean {
  return kind === "cron" && maxFires > MAX_FIRES_AHEAD;
}

/** The default shard of a timer: a hash of its id. */
export function shardOf(id: string, shards: number): string {
  return `shard${fnv1a(id) % shards}`;
}
