/** EventBridge's schedule expressions, rates and crons: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-scheduled-rule-pattern.html. Pure. */
import * as z from "zod";

import { DAY_MS, HOUR_MS, MINUTE_MS } from "../time";
import { cronTimes, invalidCronReason, nextCronDue } from "./cron";

export { offsetAt } from "./time-zone";

const UNITS_MS: Readonly<Record<string, number>> = { minute: MINUTE_MS, hour: HOUR_MS, day: DAY_MS };

/** Longer ones are a cron. */
const MAX_RATE_MS = 366 * DAY_MS;

/** The fields that determine the instants of a schedule. */
export interface Instants {
  readonly schedule: string;
  readonly timeZone: string;
  /** ISO 8601. */
  readonly startAt?: string | undefined;
  readonly endAt?: string | undefined;
}

/** Why an expression is invalid; undefined when it is valid. */
export function scheduleFault(expression: string): string | undefined {
  const cron = cronOf(expression);
  if (cron !== undefined) return /^\s|[^\S ]|\s$/.test(cron) ? "has spaces around its fields" : invalidCronReason(cron);
  if (!/^rate\(.*\)$/.test(expression)) return 'is neither "rate(...)" nor "cron(...)"';
  const [, count, unit, plural] = /^rate\(([1-9]\d{0,8}) (minute|hour|day)(s?)\)$/.exec(expression) ?? [];
  if (count === undefined || unit === undefined)
    return 'is not "rate(<number> minutes)", "rate(<number> hours)" or "rate(<number> days)"';
  if ((count === "1") === (plural === "s"))
    return `needs "${count} ${unit}${count === "1" ? "" : "s"}", as EventBridge requires`;
  return (rateMs(expression) ?? 0) > MAX_RATE_MS ? "is longer than 366 days" : undefined;
}

/** A schedule expression in a configuration: EventBridge would refuse an invalid one during `terraform apply`. */
export const scheduleExpressionSchema = z.string().superRefine((expression, context) => {
  const fault = scheduleFault(expression);
  if (fault !== undefined) context.addIssue({ code: "custom", message: fault, input: expression });
});

/** The first instant after `after`, epoch milliseconds; undefined when none remains. */
export function nextInstant({ schedule, timeZone, startAt, endAt }: Instants, after: number): number | undefined {
  const start = startAt === undefined ? undefined : Date.parse(startAt);
  const from = start === undefined ? after : Math.max(after, start - 1);
  const next = nextOf(schedule, timeZone, start ?? 0, from);
  return next === undefined || (endAt !== undefined && next > Date.parse(endAt)) ? undefined : next;
}

/** Of a valid rate; undefined for a cron. */
export function rateMs(expression: string): number | undefined {
  const [, count, unit = ""] = /^rate\((\d+) (minute|hour|day)/.exec(expression) ?? [];
  return count === undefined ? undefined : Number(count) * (UNITS_MS[unit] ?? NaN);
}

/** The shortest time between two instants of one day of a valid expression, or the interval of a rate; milliseconds. */
export function shortestGapMs(expression: string): number {
  const { hours, minutes } = timesOf(expression) ?? { hours: [], minutes: [] };
  const times = [...hours].flatMap((hour) => [...minutes].map((minute) => hour * HOUR_MS + minute * MINUTE_MS));
  const gaps = times.toSorted((a, b) => a - b).map((time, index, sorted) => time - (sorted[index - 1] ?? -Infinity));
  return rateMs(expression) ?? Math.min(DAY_MS, ...gaps);
}

/** The six fields of `cron(...)`; undefined for a rate. */
export function cronOf(expression: string): string | undefined {
  return /^cron\((.*)\)$/.exec(expression)?.[1];
}

/** The hours and minutes of a valid cron's days; undefined for a rate. */
export function timesOf(expression: string): ReturnType<typeof cronTimes> | undefined {
  const cron = cronOf(expression);
  return cron === undefined ? undefined : cronTimes(cron);
}

function nextOf(expression: string, timeZone: string, phase: number, after: number): number | undefined {
  const period = rateMs(expression);
  if (period !== undefined) return (Math.floor((after - phase) / period) + 1) * period + phase;
  return nextCronDue(cronOf(expression) ?? "", timeZone, after);
}
