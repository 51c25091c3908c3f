/** Maintenance windows: times that somebody announced, when a failure is nothing to wake anybody for. All in UTC. */
import { DAY_MS, MINUTE_MS } from "../../shared/time";
import type { MaintenanceWindow } from "../contract";

const WEEK_MS = 7 * DAY_MS;

/** In the order of Date's getUTCDay. */
const WEEKDAYS = ["sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"] as const;

/** A time, epoch milliseconds, its end excluded. */
export interface Span {
  readonly from: number;
  readonly to: number;
}

/** A time that lies wholly within maintenance, or wholly without. */
export interface Part extends Span {
  readonly maintenance: boolean;
}

/** A time, cut where maintenance begins and ends. The parts join without gap, none of them empty. */
export function partsOf({ from, to }: Span, windows: readonly MaintenanceWindow[]): readonly Part[] {
  const busy = windows.flatMap((window) => occurrences(window, { from, to })).sort((a, b) => a.from - b.from);
  const parts: Part[] = [];
  let at = from;
  for (const span of busy) {
    if (span.from > at) parts.push({ from: at, to: span.from, maintenance: false });
    if (span.to > at) parts.push({ from: Math.max(at, span.from), to: span.to, maintenance: true });
    at = Math.max(at, span.to);
  }
  if (at < to) parts.push({ from: at, to, maintenance: false });
  return parts;
}

export function inMaintenance(at: number, windows: readonly MaintenanceWindow[]): boolean {
  return windows.some((window) => occurrences(window, { from: at, to: at + 1 }).length > 0);
}

/** When a window is open within a time, clipped to it. */
function occurrences(window: MaintenanceWindow, { from, to }: Span): readonly Span[] {
  const clip = (start: number, end: number): Span => ({ from: Math.max(start, from), to: Math.min(end, to) });
  if ("to" in window) return [clip(Date.parse(window.from), Date.parse(window.to))].filter(isSome);

  const length = window.minutes * MINUTE_MS;
  const spans: Span[] = [];
  for (let start = lastBegin(window, to); start + length > from; start -= WEEK_MS)
    spans.push(clip(start, start + length));
  return spans.filter(isSome);
}

/** When a weekly window last began, at this time or before. */
function lastBegin({ weekday, from }: { readonly weekday: string; readonly from: string }, at: number): number {
  const date = new Date(at);
  const midnight = Date.UTC(date.getUTCFullYear(), date.getUTCMonth(), date.getUTCDate());
  const daysBack = (date.getUTCDay() - WEEKDAYS.findIndex((name) => name === weekday) + 7) % 7;
  const [hours = 0, minutes = 0] = from.split(":").map(Number);
  const begin = midnight - daysBack * DAY_MS + (hours * 60 + minutes) * MINUTE_MS;
  return begin > at ? begin - WEEK_MS : begin;
}

function isSome({ from, to }: Span): boolean {
  return from < to;
}
