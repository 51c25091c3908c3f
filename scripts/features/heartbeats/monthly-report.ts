/** Uptime of a calendar month. Pure. */
import { percentiles } from "../../../functions/heartbeats/monitors/histogram";
import type { Interval } from "../../../functions/heartbeats/monitors/maintenance";
import type { Monitor } from "../../../functions/heartbeats/monitors/policy";
import { sumOf } from "../../../functions/heartbeats/monitors/roll-up";
import type { MonitorState } from "../../../functions/heartbeats/monitors/state";
import type { StoredHistory } from "../../../functions/heartbeats/monitors/state-table";
import { rollupsUntil } from "../../../functions/heartbeats/monitors/state-transition";
import { duration, latency, percent } from "../../../functions/heartbeats/status-page/status-format";
import { visible } from "../../../functions/shared/text";
import { table } from "../../shared/terminal/table";

/** `2026-10`, in UTC: from its first instant to the next month's. Undefined for another text. */
export function monthOf(text: string): Interval | undefined {
  const [, year, month] = /^([1-9]\d{3})-(0[1-9]|1[0-2])$/.exec(text) ?? [];
  if (year === undefined) return undefined;
  return { from: Date.UTC(Number(year), Number(month) - 1), to: Date.UTC(Number(year), Number(month)) };
}

/** The month before the one of a time: `2026-10`. */
export function monthBefore(now: number): string {
  const date = new Date(now);
  return new Date(Date.UTC(date.getUTCFullYear(), date.getUTCMonth() - 1)).toISOString().slice(0, 7);
}

/** Times in milliseconds. Their sum is the time of the month since the monitor was first known. */
export interface MonthlyUptime {
  readonly monitor: string;
  readonly title: string;
  /** 0 to 1, null without data. Excludes maintenance and time without data. */
  readonly uptime: number | null;
  readonly upMs: number;
  readonly degradedMs: number;
  readonly downMs: number;
  readonly maintenanceMs: number;
  readonly noDataMs: number;
  /** That overlap the month. */
  readonly incidents: number;
  readonly p50Ms: number | null;
  readonly p95Ms: number | null;
}

export interface MonthRecord {
  readonly monitor: Monitor;
  readonly state: MonitorState | undefined;
  readonly history: Pick<StoredHistory, "days" | "incidents">;
}

/** @param now epoch milliseconds: a month that is not over is reported until then */
export function monthlyUptime(
  { monitor: { name, title, policy }, state, history }: MonthRecord,
  { from, to }: Interval,
  now: number,
): MonthlyUptime {
  const until = Math.min(to, now);
  const recent = state === undefined ? [] : rollupsUntil(state, Math.max(now, state.lastTick), policy);
  const parts = [...history.days, ...recent].filter(({ start }) => start >= from && start < to);
  const sum = sumOf(parts.map(({ rollup }) => rollup));
  const up = sum.up + sum.degraded;
  const elapsed = state === undefined ? 0 : Math.max(0, until - Math.max(from, state.firstTick));
  const open = state?.incident === undefined ? [] : [{ ...state.incident, closedAt: Infinity }];
  const [p50Ms, p95Ms] = percentiles(sum.latencies, [0.5, 0.95]);
  return {
    monitor: name,
    title,
    uptime: up + sum.down === 0 ? null : up / (up + sum.down),
    upMs: sum.up,
    degradedMs: sum.degraded,
    downMs: sum.down,
    maintenanceMs: sum.maintenance,
    noDataMs: Math.max(0, elapsed - up - sum.down - sum.maintenance),
    incidents: [...history.incidents, ...open].filter(({ openedAt, closedAt }) => openedAt < to && closedAt > from)
      .length,
    p50Ms,
    p95Ms,
  };
}

export function describeMonth(rows: readonly MonthlyUptime[], month: string): string {
  if (rows.length === 0) return "No monitors.";
  const time = (ms: number) => (ms < 1 ? "-" : duration(ms));
  const lines = rows.map((row) => [
    row.title,
    percent(row.uptime),
    time(row.downMs),
    time(row.degradedMs),
    time(row.maintenanceMs),
    time(row.noDataMs),
    String(row.incidents),
    row.p95Ms === null ? "" : latency(row.p95Ms),
  ]);
  const headings = ["monitor", "uptime", "down", "degraded", "maintenance", "no data", "incidents", "p95"];
  return `${month}, UTC\n\n${table(headings, lines)}`;
}

const COLUMNS = [
  "monitor",
  "title",
  "uptime",
  "upMs",
  "degradedMs",
  "downMs",
  "maintenanceMs",
  "noDataMs",
  "incidents",
  "p50Ms",
  "p95Ms",
] as const satisfies readonly (keyof MonthlyUptime)[];

/** RFC 4180. A title that a spreadsheet would take for a formula, with spaces before it too, begins with an apostrophe. */
export function monthAsCsv(rows: readonly MonthlyUptime[]): string {
  const cell = (value: string | number | null): string => {
    if (typeof value !== "string") return value === null ? "" : String(value);
    const shown = visible(value);
    const text = /^\s*[=+\-@＝＋－＠|%]/.test(shown) ? `'${shown}` : shown;
    return /[",]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  const lines = rows.map((row) => COLUMNS.map((column) => cell(row[column])).join(","));
  return [COLUMNS.join(","), ...lines].map((line) => `${line}\r\n`).join("");
}
