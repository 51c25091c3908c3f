/** Maintenance windows. All in UTC, epoch milliseconds. */
import { DAY_MS, MINUTE_MS } from "../../shared/time";
import type { MaintenanceWindow } from "../contract";

const WEEK_MS = 7 * DAY_MS;

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
  const occupied = windows.flatMap((window) => occurrences(window, { from, to })).sort((a, b) => a.from - b.from);
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

/** A window's occurrences within an interval, clipped to it. */
function occurrences(window: MaintenanceWindow, { from, to }: Interval): readonly Interval[] {
  const clip = (start: number, end: number): Interval => ({ from: Math.max(start, from), to: Math.min(end, to) });
  if ("to" in window) return [clip(Date.parse(window.from), Date.parse(window.to))].filter(isNotEmpty);

  const length = window.minutes * MINUTE_MS;
  const intervals: Interval[] = [];
  for (let start = lastStart(window, to); start + length > from; start -= WEEK_MS)
    intervals.push(clip(start, start + length));
  return intervals.filter(isNotEmpty);
}

/** The last start of a weekly window at or before a time. */
function lastStart({ weekday, from }: { readonly weekday: string; readonly from: string }, at: number): number {
  const date = new Date(at);
  const midnight = Date.UTC(date.getUTCFullYear(), date.getUTCMonth(), date.getUTCDate());
  const daysBack = (date.getUTCDay() - WEEKDAYS.findIndex((name) => name === weekday) + 7) % 7;
  const [hours = 0, minutes = 0] = from.split(":").map(Number);
  const start = midnight - daysBack * DAY_MS + (hours * 60 + minutes) * MINUTE_MS;
  return start > at ? start - WEEK_MS : start;
}

function isNotEmpty({ from, to }: Interval): boolean {
  return from < to;
}
