/** What became of a subject in earlier times, boiled down to what the status document shows of it. */
import { DAY_MS, HOUR_MS } from "../../shared/time";
import { percentiles } from "../monitors/histogram";
import { sumOf, type Rollup } from "../monitors/roll-up";
import type { StoredHistory } from "../monitors/state-table";
import { WINDOWS, type WindowName } from "./document";
import type { ClosedIncident } from "../monitors/state";
import { hourOf } from "../monitors/state-transition";

/** Days shown one by one, today among them. */
export const SHOWN_DAYS = 90;

/** Hours shown one by one, besides the current one. */
export const SHOWN_HOURS = 24;

/** Hours in the window of a day, the current one among them. */
const DAY_WINDOW_HOURS = 24;

/** What history takes part in: no more of it is kept in memory, for there may be a thousand subjects. */
export interface History {
  /** Of the full hours in each window. */
  readonly windows: Readonly<Record<WindowName, Rollup>>;
  /** Of the full hours of each shown day, by its beginning. */
  readonly days: ReadonlyMap<number, Omit<Rollup, "latencies">>;
  readonly hours: readonly { readonly start: number; readonly p50Ms: number | null; readonly p95Ms: number | null }[];
  readonly incidents: readonly ClosedIncident[];
}

/** Where each window begins, epoch milliseconds: with an hour for a day's, with a UTC day for the others. */
export function windowStarts(now: number): Readonly<Record<WindowName, number>> {
  const today = dayOf(now);
  return {
    "24h": hourOf(now) - (DAY_WINDOW_HOURS - 1) * HOUR_MS,
    "7d": today - 6 * DAY_MS,
    "30d": today - 29 * DAY_MS,
    "90d": today - 89 * DAY_MS,
  };
}

/** The earliest of each kind that is shown. */
export function historyStarts(now: number): {
  readonly hours: number;
  readonly days: number;
  readonly incidents: number;
} {
  const days = windowStarts(now)["90d"];
  return { hours: hourOf(now) - SHOWN_HOURS * HOUR_MS, days, incidents: days };
}

export function historyOf({ hours, days, incidents }: StoredHistory, now: number): History {
  const starts = windowStarts(now);
  const since = (start: number, rollups: StoredHistory["hours"]) =>
    sumOf(rollups.filter((each) => each.start >= start).map(({ rollup }) => rollup));
  return {
    windows: recordOf((name) => since(starts[name], name === "24h" ? hours : days)),
    days: new Map(
      days.map(({ start, rollup: { up, down, maintenance } }) => [start, { up, down, maintenance }] as const),
    ),
    hours: hours.map(({ start, rollup }) => ({ start, ...medianAndTail(rollup) })),
    incidents,
  };
}

export const NO_HISTORY: History = historyOf({ hours: [], days: [], incidents: [] }, 0);

export function medianAndTail({ latencies }: Pick<Rollup, "latencies">): {
  readonly p50Ms: number | null;
  readonly p95Ms: number | null;
} {
  const [p50Ms, p95Ms] = percentiles(latencies, [0.5, 0.95]).map(rounded);
  return { p50Ms: p50Ms ?? null, p95Ms: p95Ms ?? null };
}

/** Whole milliseconds. */
export function rounded(ms: number | null): number | null {
  return ms === null ? null : Math.round(ms);
}

export function recordOf<Value>(of: (name: WindowName) => Value): Readonly<Record<WindowName, Value>> {
  return Object.fromEntries(WINDOWS.map((name) => [name, of(name)])) as Record<WindowName, Value>;
}

/** The beginning of a time's UTC day. */
export function dayOf(time: number): number {
  return time - (time % DAY_MS);
}
