/** When an export is due, and when a run of it is late. */
import { nextInstant, rateMs } from "../../shared/calendar/schedule-expression";
import { localTime } from "../../shared/calendar/time-zone";
import { DAY_MS, HOUR_MS, MINUTE_MS } from "../../shared/time";
import { FIRST_DAY, granularityOf, type ExportSchedule, type Granularity, type Run } from "../contract";

/** Tells one schedule from another. */
export function scheduleKey({ expression, timeZone }: ExportSchedule): string {
  return `${expression} ${timeZone}`;
}

/** What a run's files are filed under. */
export type Slot = Pick<Run, "day" | "time">;

/** The slot of a due time, or of another: a day in the schedule's time zone, or an hour or minute in UTC, which no change of the clock repeats. */
export function slotOf(at: number, schedule: ExportSchedule | undefined): Slot {
  if (slotsOf(schedule) === "day") return { day: isoOf(localTime(at, schedule?.timeZone ?? "UTC")).slice(0, 10) };
  const due = isoOf(dueOf(at, schedule));
  return { day: due.slice(0, 10), time: due.slice(11, slotsOf(schedule) === "hour" ? 13 : 16) };
}

function slotsOf(schedule: ExportSchedule | undefined): Granularity {
  return schedule === undefined ? "day" : granularityOf(schedule.expression);
}

const SLOT_EXAMPLES: Readonly<Record<Granularity, string>> = {
  day: "2026-11-21",
  hour: "2026-11-21T17",
  minute: "2026-11-21T17:15",
};

/**
 * Why a slot is none of a schedule's: Athena, which has a partition for each of those until tomorrow, would not find its files. Undefined: it is one.
 *
 * @param now epoch milliseconds
 */
export function slotFault({ day, time }: Slot, schedule: ExportSchedule | undefined, now: number): string | undefined {
  if (day < FIRST_DAY) return `${day} is before ${FIRST_DAY}, the first day of an export`;
  if (day > isoOf(now + DAY_MS).slice(0, 10)) return `${day} is in the future`;
  const slots = slotsOf(schedule);
  const given = time === undefined ? "day" : time.includes(":") ? "minute" : "hour";
  if (given === slots) return undefined;
  const text = time === undefined ? day : `${day}T${time}`;
  return `${text} is a ${given}, and the runs of this export are filed by ${slots}: ${SLOT_EXAMPLES[slots]}`;
}

const isoOf = (at: number): string => new Date(at).toISOString();

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

/**
 * When the run of a rule's event was due; undefined when none was. A rule fires in UTC at all times at which a zone's expression may be due: an
 * hour's tolerance finds times that the clock has skipped, which are due at the end of the gap. What another event has started exists already.
 */
export function dueOfEvent(at: number, schedule: ExportSchedule | undefined): number | undefined {
  if (schedule === undefined || schedule.timeZone === "UTC") return dueOf(at, schedule);
  let latest: number | undefined;
  for (let due = nextDue(schedule, at - HOUR_MS); due !== undefined && due <= at; due = nextDue(schedule, due))
    latest = due;
  return latest;
}

/** The first due time after another one; undefined when there is none. Rates of days are counted from that. */
export function nextDue({ expression, timeZone }: ExportSchedule, after: number): number | undefined {
  const interval = rateMs(expression) ?? 0;
  return interval >= DAY_MS ? after + interval : nextInstant({ schedule: expression, timeZone }, after);
}

/** More missed runs than this are exported as one, the oldest: each run of a scan reads the whole table. */
const MAX_MISSED = 96;

/**
 * When runs were due that did not happen, oldest first. Not for rates of days, whose runs are not due at certain times.
 *
 * @param after when the latest finished run was due
 * @param before when the next one is
 */
export function missedDues(schedule: ExportSchedule, after: number, before: number): readonly number[] {
  if ((rateMs(schedule.expression) ?? 0) >= DAY_MS) return [];
  const missed: number[] = [];
  for (let due = nextDue(schedule, after); due !== undefined && due < before; due = nextDue(schedule, due)) {
    missed.push(due);
    if (missed.length > MAX_MISSED) missed.shift();
  }
  return missed;
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
