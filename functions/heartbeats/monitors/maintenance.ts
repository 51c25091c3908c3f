/** Maintenance windows. Times are epoch milliseconds. */
import { DAY_MS, MINUTE_MS, SECOND_MS, startOfUtcDay } from "../../shared/time";
import type { MaintenanceWindow } from "../contract";

/** In the order of Date's getUTCDay. */
const WEEKDAYS = ["sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"] as const;

/** Half-open: `to` is excluded. */
export interface Interval {
  readonly from: number;
  readonly to: number;
}

/** An interval that is entirely inside or entirely outside maintenance. */
export interface MaintenancePart extends Interval {
  readonly maintenance: boolean;
}

/** Cuts an interval where maintenance begins and ends. The parts are adjacent and not empty. */
export function splitByMaintenance(
  { from, to }: Interval,
  windows: readonly MaintenanceWindow[],
): readonly MaintenancePart[] {
  const occupied = windows
    .flatMap((window) => occurrences(window, { from, to }))
    .map((each) => ({ from: Math.max(each.from, from), to: Math.min(each.to, to) }))
    .sort((a, b) => a.from - b.from);
  const parts: MaintenancePart[] = [];
  let at = from;
  for (const interval of occupied) {
    if (interval.from > at) parts.push({ from: at, to: interval.from, maintenance: false });
    if (interval.to > at) parts.push({ from: Math.max(at, interval.from), to: interval.to, maintenance: true });
    at = Math.max(at, interval.to);
  }
  if (at < to) parts.push({ from: at, to, maintenance: false });
  return parts;
}

export function inMaintenance(at: number, windows: readonly MaintenanceWindow[]): boolean {
  return windows.some((window) => occurrences(window, { from: at, to: at + 1 }).length > 0);
}

/** A window's occurrences that overlap an interval, in order. */
export function occurrences(window: MaintenanceWindow, { from, to }: Interval): readonly Interval[] {
  const overlaps = (each: Interval): boolean => Math.max(each.from, from) < Math.min(each.to, to);
  if ("to" in window) return [{ from: Date.parse(window.from), to: Date.parse(window.to) }].filter(overlaps);

  const length = window.minutes * MINUTE_MS;
  const intervals: Interval[] = [];
  // A zone's date differs from UTC's by a day at most.
  for (let date = startOfUtcDay(from - length) - DAY_MS; date <= to + DAY_MS; date += DAY_MS) {
    if (WEEKDAYS[new Date(date).getUTCDay()] !== window.weekday) continue;
    const start = timeIn(window.zone, date + minutesOf(window.from) * MINUTE_MS);
    intervals.push({ from: start, to: start + length });
  }
  return intervals.filter(overlaps);
}

/** `"02:30"` is 150. */
function minutesOf(time: string): number {
  const [hours = 0, minutes = 0] = time.split(":").map(Number);
  return hours * 60 + minutes;
}

/**
 * The time at which clocks of a zone show what UTC's show at `local`. As RFC 5545 says: the first of a time that is shown twice, which is
 * also when a cron runs; of a time that is skipped, as if clocks had not changed.
 */
function timeIn(zone: string | undefined, local: number): number {
  if (zone === undefined) return local;
  const before = local - offsetIn(zone, local - DAY_MS);
  const after = local - offsetIn(zone, local + DAY_MS);
  const isShown = (at: number) => at + offsetIn(zone, at) === local;
  return !isShown(before) && isShown(after) ? after : before;
}

const formats = new Map<string, Intl.DateTimeFormat>();

/** How far a zone is ahead of UTC. */
function offsetIn(zone: string, at: number): number {
  const format = formats.get(zone) ?? formatOf(zone);
  formats.set(zone, format);
  const parts = new Map(format.formatToParts(at).map(({ type, value }) => [type, Number(value)]));
  const of = (type: Intl.DateTimeFormatPartTypes) => parts.get(type) ?? 0;
  const shown = Date.UTC(of("year"), of("month") - 1, of("day"), of("hour"), of("minute"), of("second"));
  return shown - Math.floor(at / SECOND_MS) * SECOND_MS;
}

function formatOf(zone: string): Intl.DateTimeFormat {
  const [numeric, hourCycle] = ["numeric", "h23"] as const;
  const clock = { hour: numeric, minute: numeric, second: numeric, hourCycle } as const;
  return new Intl.DateTimeFormat("en", { timeZone: zone, year: numeric, month: numeric, day: numeric, ...clock });
}
