/** When timers fall due: pure arithmetic over epoch milliseconds. */
import { HOUR_MS, MINUTE_MS } from "../../shared/time";
import { nextCronDue } from "./cron";

/** When a timer falls due. Times are epoch milliseconds. */
export type Schedule =
  /** At phase + k * period for every whole k, counted from the epoch. 0 <= phaseMs < periodMs. */
  | { readonly kind: "every"; readonly periodMs: number; readonly phaseMs: number }
  /** As EventBridge writes it, without "cron( )"; in an IANA time zone. */
  | { readonly kind: "cron"; readonly expression: string; readonly timeZone: string }
  | { readonly kind: "once"; readonly at: number };

/** Periods that divide the hour in whole minutes, or the day in whole hours: those of the phase wheel. */
export const WHEEL_PERIODS_MS: readonly number[] = [
  ...[1, 2, 3, 4, 5, 6, 10, 12, 15, 20, 30, 60].map((minutes) => minutes * MINUTE_MS),
  ...[2, 3, 4, 6, 8, 12, 24].map((hours) => hours * HOUR_MS),
];

/** The first time after `after` that the schedule is due, or undefined when there is none. */
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
