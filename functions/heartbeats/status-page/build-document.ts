/** Builds the status document from states and histories. Pure. */
import { DAY_MS, HOUR_MS, isoSeconds, startOfUtcDay, startOfUtcHour } from "../../shared/time";
import { percentiles } from "../monitors/histogram";
import type { AnnouncedWindow } from "../monitors/announced-maintenance";
import type { IncidentUpdate } from "../monitors/incident-updates";
import { inMaintenance } from "../monitors/maintenance";
import type { Monitor, MonitorPolicy } from "../monitors/policy";
import { EMPTY_ROLLUP, sumOf, type Rollup } from "../monitors/roll-up";
import type { MonitorState, PeriodRollup } from "../monitors/state";
import { rollupsUntil } from "../monitors/state-transition";
import {
  lastCheckOf,
  type DaySummary,
  type HourSummary,
  type MaintenanceSummary,
  type MonitorStatus,
  type StatusDocument,
  type WindowName,
  type WindowSummary,
} from "./document";
import { SHOWN_DAYS, SHOWN_HOURS, hourPercentiles, wholeMs, windowRecord, windowStarts, type History } from "./history";
import { incidentSummaries } from "./incident-summaries";

/** A monitor with everything that is stored about it. */
export interface MonitorRecord extends Monitor {
  readonly state: MonitorState | undefined;
  readonly history: History;
}

export interface StatusOptions {
  readonly app: string;
  readonly environment: string;
  /** @default the app and the environment */
  readonly title?: string | undefined;
  readonly intervalSeconds: number;
  /** By people, about any incident. */
  readonly updates: readonly IncidentUpdate[];
  /** Maintenance to announce, of any monitor. */
  readonly announcedWindows: readonly AnnouncedWindow[];
  /** Epoch milliseconds. */
  readonly now: number;
}

export function statusDocument(
  records: readonly MonitorRecord[],
  { app, environment, title = `${app} ${environment}`, intervalSeconds, updates, announcedWindows, now }: StatusOptions,
): StatusDocument {
  return {
    version: 1,
    app,
    environment,
    title,
    generatedAt: isoSeconds(now),
    intervalSeconds,
    monitors: records.map((record) => monitorStatus(record, now)),
    incidents: incidentSummaries(records, updates),
    maintenance: maintenanceSummaries(announcedWindows, new Set(records.map(({ name }) => name))),
  };
}

/** Without what concerns private monitors only. */
function maintenanceSummaries(
  all: readonly AnnouncedWindow[],
  published: ReadonlySet<string>,
): readonly MaintenanceSummary[] {
  return all.flatMap(({ from, to, note, monitors }) => {
    const shown = monitors?.filter((name) => published.has(name)) ?? null;
    return shown?.length === 0 ? [] : [{ from: isoSeconds(from), to: isoSeconds(to), note, monitors: shown }];
  });
}

function monitorStatus(
  { name, title, description, group, kind, policy, dueAfter, state, history }: MonitorRecord,
  now: number,
): MonitorStatus {
  const shown = { name, title, description: description ?? null, group: group ?? null, kind };
  const heartbeatAt = state?.lastCheck.heartbeatAt;
  const due = heartbeatAt === undefined ? undefined : dueAfter?.(heartbeatAt);
  const cron = kind === "cron" && {
    lastHeartbeat: heartbeatAt === undefined ? null : isoSeconds(heartbeatAt),
    nextDue: due === undefined ? null : isoSeconds(due),
    lastRunMs: state?.lastCheck.durationMs ?? null,
  };
  if (state === undefined)
    return {
      ...shown,
      ...cron,
      monitoredSince: null,
      state: "unknown",
      since: null,
      lastCheck: null,
      windows: windowRecord(() => UNKNOWN),
      days: shownDays(now).map((start) => daySummary(start, EMPTY_ROLLUP, 0)),
      hours: [],
    };
  const until = Math.max(now, state.lastTick);
  const recent = rollupsUntil(state, until, policy);
  return {
    ...shown,
    ...cron,
    monitoredSince: isoSeconds(state.firstTick),
    ...(state.sampleUntil !== undefined && { sampleUntil: isoSeconds(state.sampleUntil) }),
    ...currentState(state, policy, until),
    lastCheck: lastCheckOf(state.lastCheck),
    windows: windowRecord((window) => windowSummary(window, state, history, recent, until)),
    days: daySummaries(state, history, recent, until),
    hours: hourSummaries(history, recent, until),
  };
}

/** Unknown once two checks are missing: a stale "up" must not read as up. */
function currentState(state: MonitorState, policy: MonitorPolicy, now: number): Pick<MonitorStatus, "state" | "since"> {
  const { health, healthSince, lastTick, lastCheck } = state;
  if (inMaintenance(now, policy.maintenance)) return { state: "maintenance", since: null };
  if (now - lastTick > 2 * policy.intervalMs) return { state: "unknown", since: isoSeconds(lastTick) };
  if (lastCheck.health === "unknown" && health !== "down" && health !== "degraded")
    return { state: "unknown", since: null };
  return { state: health, since: isoSeconds(healthSince) };
}

const UNKNOWN: WindowSummary = { uptime: null, coverage: null, p50Ms: null, p95Ms: null, p99Ms: null };

function windowSummary(
  window: WindowName,
  { firstTick }: MonitorState,
  history: History,
  recent: readonly PeriodRollup[],
  now: number,
): WindowSummary {
  const start = windowStarts(now)[window];
  const since = recent.filter((hour) => hour.start >= start).map(({ rollup }) => rollup);
  const { up: flawless, degraded, down, maintenance, latencies } = sumOf([history.windows[window], ...since]);
  const up = flawless + degraded;
  const elapsed = now - Math.max(start, firstTick);
  const [p50Ms, p95Ms, p99Ms] = percentiles(latencies, [0.5, 0.95, 0.99]);
  return {
    uptime: up + down === 0 ? null : fraction(up, up + down),
    coverage: elapsed <= 0 ? null : fraction(up + down + maintenance, elapsed),
    p50Ms: wholeMs(p50Ms),
    p95Ms: wholeMs(p95Ms),
    p99Ms: wholeMs(p99Ms),
  };
}

function daySummaries(
  { firstTick }: MonitorState,
  history: History,
  recent: readonly PeriodRollup[],
  now: number,
): readonly DaySummary[] {
  return shownDays(now).map((start) => {
    const hours = recent.filter((hour) => startOfUtcDay(hour.start) === start).map(({ rollup }) => rollup);
    const stored: Rollup = { ...EMPTY_ROLLUP, ...history.days.get(start) };
    return daySummary(start, sumOf([stored, ...hours]), Math.min(now, start + DAY_MS) - Math.max(start, firstTick));
  });
}

/** @param elapsed time of the day since the monitor was first known */
function daySummary(start: number, rollup: Rollup, elapsed: number): DaySummary {
  const date = isoSeconds(start).slice(0, 10);
  if (elapsed <= 0) return { date, up: 0, degraded: 0, down: 0, maintenance: 0, noData: 0 };
  const up = fraction(rollup.up, elapsed);
  const degraded = fraction(rollup.degraded, elapsed);
  const down = fraction(rollup.down, elapsed);
  const maintenance = fraction(rollup.maintenance, elapsed);
  const noData = fourDecimals(Math.max(0, 1 - up - degraded - down - maintenance));
  return { date, up, degraded, down, maintenance, noData };
}

function shownDays(now: number): readonly number[] {
  return Array.from({ length: SHOWN_DAYS }, (_, index) => startOfUtcDay(now) - (SHOWN_DAYS - 1 - index) * DAY_MS);
}

function hourSummaries(history: History, recent: readonly PeriodRollup[], now: number): readonly HourSummary[] {
  const byStart = new Map(
    [...history.hours, ...recent.map(({ start, rollup }) => ({ start, ...hourPercentiles(rollup) }))].map((hour) => [
      hour.start,
      hour,
    ]),
  );
  return Array.from({ length: SHOWN_HOURS + 1 }, (_, index) => {
    const start = startOfUtcHour(now) - (SHOWN_HOURS - index) * HOUR_MS;
    const { p50Ms = null, p95Ms = null } = byStart.get(start) ?? {};
    return { start: isoSeconds(start), p50Ms, p95Ms };
  });
}

/** Never rounded to 0 or 1: a minute of downtime in 90 days is not 100 %. */
function fraction(part: number, whole: number): number {
  if (part <= 0) return 0;
  return part >= whole ? 1 : Math.min(0.9999, Math.max(0.0001, fourDecimals(part / whole)));
}

function fourDecimals(value: number): number {
  return Math.round(value * 10_000) / 10_000;
}
