/** The parts of a monitor's history that the status document shows. */
import { DAY_MS, HOUR_MS, startOfUtcDay, startOfUtcHour } from "../../shared/time";
import { percentiles } from "../monitors/histogram";
import { sumOf, type Rollup } from "../monitors/roll-up";
import type { ClosedIncident } from "../monitors/state";
import type { StoredHistory } from "../monitors/state-table";
import { WINDOWS, type WindowName } from "./document";

/** Including today. */
export const SHOWN_DAYS = 90;

/** Besides the current hour. */
export const SHOWN_HOURS = 24;

/** Hours in the 24h window, including the current one. */
const DAY_WINDOW_HOURS = 24;

/** Reduced to what is shown, because histories of a thousand monitors are held in memory. Covers complete hours only. */
export interface History {
  readonly windows: Readonly<Record<WindowName, Rollup>>;
  /** By start of day. */
  readonly days: ReadonlyMap<number, Omit<Rollup, "latencies">>;
  readonly hours: readonly { readonly start: number; readonly p50Ms: number | null; readonly p95Ms: number | null }[];
  readonly incidents: readonly ClosedIncident[];
}

/** Start of each window, epoch milliseconds: of an hour for 24h, of a UTC day for the others. */
export function windowStarts(now: number): Readonly<Record<WindowName, number>> {
  const today = startOfUtcDay(now);
  return {
    "24h": startOfUtcHour(now) - (DAY_WINDOW_HOURS - 1) * HOUR_MS,
    "7d": today - 6 * DAY_MS,
    "30d": today - 29 * DAY_MS,
    "90d": today - 89 * DAY_MS,
  };
}

/** Arguments of {@link StateTable.history}. */
export function historyStarts(now: number): {
  readonly hours: number;
  readonly days: number;
  readonly incidents: number;
} {
  const days = windowStarts(now)["90d"];
  return { hours: startOfUtcHour(now) - SHOWN_HOURS * HOUR_MS, days, incidents: days };
}

export function historyOf({ hours, days, incidents }: StoredHistory, now: number): History {
  const starts = windowStarts(now);
  const since = (start: number, rollups: StoredHistory["hours"]) =>
    sumOf(rollups.filter((each) => each.start >= start).map(({ rollup }) => rollup));
  return {
    windows: windowRecord((name) => since(starts[name], name === "24h" ? hours : days)),
    days: new Map(
      days.map(
        ({ start, rollup: { up, degraded, down, maintenance } }) =>
          [start, { up, degraded, down, maintenance }] as const,
      ),
    ),
    hours: hours.map(({ start, rollup }) => ({ start, ...hourPercentiles(rollup) })),
    incidents,
  };
}

export const NO_HISTORY: History = historyOf({ hours: [], days: [], incidents: [] }, 0);

export function hourPercentiles({ latencies }: Pick<Rollup, "latencies">): {
  readonly p50Ms: number | null;
  readonly p95Ms: number | null;
} {
  const [p50Ms, p95Ms] = percentiles(latencies, [0.5, 0.95]).map(wholeMs);
  return { p50Ms: p50Ms ?? null, p95Ms: p95Ms ?? null };
}

export function wholeMs(ms: number | null): number | null {
  return ms === null ? null : Math.round(ms);
}

export function windowRecord<Value>(of: (name: WindowName) => Value): Readonly<Record<WindowName, Value>> {
  return Object.fromEntries(WINDOWS.map((name) => [name, of(name)])) as Record<WindowName, Value>;
}
