/** When an export is due, and when a run of it is late. */
import { nextInstant, rateMs } from "../../shared/calendar/schedule-expression";
import { DAY_MS, HOUR_MS, MINUTE_MS } from "../../shared/time";
import type { ExportSchedule } from "../contract";

/**
 * When the run of a schedule's event was due. Rates of less than a day are due at multiples of their interval: EventBridge counts it from
 * when the rule was created, and fires late.
 *
 * @param at of the event, epoch milliseconds
 */
export function dueOf(at: number, schedule: ExportSchedule | undefined): number {
  const interval = rateMs(schedule?.expression ?? "");
  const grid = interval === undefined || interval >= DAY_MS ? MINUTE_MS : interval;
  return Math.floor(at / grid) * grid;
}

/** The first due time after another one; undefined when there is none. Rates of days are counted from that. */
export function nextDue({ expression, timeZone }: ExportSchedule, after: number): number | undefined {
  const interval = rateMs(expression) ?? 0;
  return interval >= DAY_MS ? after + interval : nextInstant({ schedule: expression, timeZone }, after);
}

const SHORTEST_GRACE_MS = 15 * MINUTE_MS;
const LONGEST_GRACE_MS = 6 * HOUR_MS;

/**
 * Whether a run that was due is not finished in time.
 *
 * @param finishedUntil when the latest finished run was due, or since when the schedule is known: runs before are not judged
 */
export function isLate(schedule: ExportSchedule, finishedUntil: number, now: number): boolean {
  const due = nextDue(schedule, finishedUntil);
  if (due === undefined) return false;
  const interval = (nextDue(schedule, due) ?? Infinity) - due;
  const grace =
    schedule.lateAfterMinutes === undefined
      ? Math.min(Math.max(interval / 2, SHORTEST_GRACE_MS), LONGEST_GRACE_MS)
      : schedule.lateAfterMinutes * MINUTE_MS;
  return now >= due + grace;
}
