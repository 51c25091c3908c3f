/** When timers are due: arithmetic over epoch milliseconds. Pure. */
import { HOUR_MS, MINUTE_MS } from "../../shared/time";
import { nextCronDue, regularPeriod } from "../../shared/calendar/cron";

/** Times are epoch milliseconds. */
export type Schedule =
  /** Due at phaseMs + k * periodMs for every integer k, counted from the epoch. 0 <= phaseMs < periodMs. */
  | { readonly kind: "every"; readonly periodMs: number; readonly phaseMs: number }
  /** EventBridge's six fields, without "cron( )", in an IANA time zone. */
  | { readonly kind: "cron"; readonly expression: string; readonly timeZone: string }
  | { readonly kind: "once"; readonly at: number };

/** The periods of the timing wheel: divisors of an hour in whole minutes, of a day in whole hours, and a week. */
export const TIMING_WHEEL_PERIODS_MS: readonly number[] = [
  ...[1, 2, 3, 4, 5, 6, 10, 12, 15, 20, 30, 60].map((minutes) => minutes * MINUTE_MS),
  ...[2, 3, 4, 6, 8, 12, 24, 7 * 24].map((hours) => hours * HOUR_MS),
];

const TIMING_WHEEL = new Set(TIMING_WHEEL_PERIODS_MS);

/**
 * The period with which a schedule turns on the timing wheel; undefined when it does not. A cron schedule keeps its phase between two changes
 * of its offset from UTC.
 */
export function wheelPeriod(schedule: Schedule): number | undefined {
  switch (schedule.kind) {
    case "every":
      return TIMING_WHEEL.has(schedule.periodMs) ? schedule.periodMs : undefined;
    case "cron": {
      const { expression } = schedule;
      let period = regularPeriods.get(expression);
      if (period === undefined) {
        period = regularPeriod(expression, TIMING_WHEEL_PERIODS_MS) ?? 0;
        if (regularPeriods.size >= MAX_CACHED) regularPeriods.clear();
        regularPeriods.set(expression, period);
      }
      return period === 0 ? undefined : period;
    }
    case "once":
      return undefined;
  }
}

/** By expression; 0: irregular. */
const regularPeriods = new Map<string, number>();
const MAX_CACHED = 1_000;

/** The first due time after `after`, or undefined when none remains. */
export function nextDue(schedule: Schedule, after: number): number | undefined {
  switch (schedule.kind) {
    case "every": {
      const { periodMs, phaseMs } = schedule;
      return (Math.floor((after - phaseMs) / periodMs) + 1) * periodMs + phaseMs;
    }
    case "cron":
      return nextCronDue(schedule.expression, schedule.timeZone, after);
    case "once":
      return schedule.at > after ? schedule.at : undefined;
  }
}
