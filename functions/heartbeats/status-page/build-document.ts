/** Makes the status document from what is known of each subject. */
import { DAY_MS, HOUR_MS } from "../../shared/time";
import {
  SHOWN_DAYS,
  SHOWN_HOURS,
  dayOf,
  medianAndTail,
  recordOf,
  rounded,
  windowStarts,
  type History,
} from "./history";
import { percentiles } from "../monitors/histogram";
import { inMaintenance } from "../monitors/maintenance";
import { incidentId } from "../notifications/plan";
import { EMPTY_ROLLUP, sumOf, type Rollup } from "../monitors/roll-up";
import type {
  DaySummary,
  HourSummary,
  IncidentSummary,
  StatusDocument,
  TargetStatus,
  WindowName,
  WindowSummary,
} from "./document";
import type { FiledHour, Rules, TargetState } from "../monitors/state";
import { hourOf, hoursUntil } from "../monitors/state-transition";

/** A target or a job, and what is known of it. */
export interface Described {
  readonly subject: string;
  readonly name: string;
  readonly kind: "target" | "job";
  readonly rules: Rules;
  readonly state: TargetState | undefined;
  readonly history: History;
}

export interface StatusOptions {
  readonly app: string;
  readonly environment: string;
  readonly intervalSeconds: number;
  /** Epoch milliseconds, after the round of checks. */
  readonly now: number;
}

export function statusDocument(
  described: readonly Described[],
  { app, environment, intervalSeconds, now }: StatusOptions,
): StatusDocument {
  return {
    version: 1,
    app,
    environment,
    generatedAt: iso(now),
    intervalSeconds,
    targets: described.map((each) => targetStatus(each, now)),
    incidents: described.flatMap(incidentsOf).sort(openOnesThenLatest),
  };
}

function targetStatus({ name, kind, rules, state, history }: Described, now: number): TargetStatus {
  const reportedAt = state?.finding.reportedAt;
  const job = kind === "job" ? { kind, lastReport: reportedAt === undefined ? null : iso(reportedAt) } : {};
  if (state === undefined)
    return {
      name,
      ...job,
      state: "unknown",
      since: null,
      lastCheck: null,
      windows: recordOf(() => UNKNOWN),
      days: blankDays(now),
      hours: [],
    };
  const until = Math.max(now, state.lastTick);
  const recent = hoursUntil(state, until, rules);
  return {
    name,
    ...job,
    ...currentState(state, rules, until),
    lastCheck: lastCheckOf(state),
    windows: recordOf((window) => windowSummary(window, state, history, recent, until)),
    days: daySummaries(state, history, recent, until),
    hours: hourSummaries(history, recent, until),
  };
}

/** A stale "up" is no "up": what was not looked at lately is unknown. */
function currentState(state: TargetState, rules: Rules, now: number): Pick<TargetStatus, "state" | "since"> {
  const { health, healthSince, lastTick, finding } = state;
  if (inMaintenance(now, rules.maintenance)) return { state: "maintenance", since: null };
  if (now - lastTick > 2 * rules.intervalMs) return { state: "unknown", since: iso(lastTick) };
  if (finding.health === "unknown" && health !== "down") return { state: "unknown", since: null };
  return { state: health, since: iso(healthSince) };
}

function lastCheckOf({ finding }: TargetState): TargetStatus["lastCheck"] {
  if (finding.latencyMs === undefined) return null; // a job's: nobody asked it
  return {
    at: iso(finding.at),
    ok: finding.health === "up",
    latencyMs: finding.latencyMs,
    message: finding.message ?? null,
    certificateDaysLeft: finding.certificateDaysLeft ?? null,
  };
}

const UNKNOWN: WindowSummary = { uptime: null, coverage: null, p50Ms: null, p95Ms: null, p99Ms: null };

function windowSummary(
  window: WindowName,
  { firstTick }: TargetState,
  history: History,
  recent: readonly FiledHour[],
  now: number,
): WindowSummary {
  const start = windowStarts(now)[window];
  const since = recent.filter((hour) => hour.start >= start).map(({ rollup }) => rollup);
  const { up, down, maintenance, latencies } = sumOf([history.windows[window], ...since]);
  const elapsed = now - Math.max(start, firstTick);
  const [p50Ms, p95Ms, p99Ms] = percentiles(latencies, [0.5, 0.95, 0.99]);
  return {
    uptime: up + down === 0 ? null : fraction(up, up + down),
    coverage: elapsed <= 0 ? null : fraction(up + down + maintenance, elapsed),
    p50Ms: rounded(p50Ms),
    p95Ms: rounded(p95Ms),
    p99Ms: rounded(p99Ms),
  };
}

function daySummaries(
  { firstTick }: TargetState,
  history: History,
  recent: readonly FiledHour[],
  now: number,
): readonly DaySummary[] {
  return shownDays(now).map((start) => {
    const ofDay = recent.filter((hour) => dayOf(hour.start) === start).map(({ rollup }) => rollup);
    const filed: Rollup = { ...EMPTY_ROLLUP, ...history.days.get(start) };
    return daySummary(start, sumOf([filed, ...ofDay]), Math.min(now, start + DAY_MS) - Math.max(start, firstTick));
  });
}

/** @param elapsed how much of the day has been, since the subject was first known */
function daySummary(start: number, rollup: Rollup, elapsed: number): DaySummary {
  const date = iso(start).slice(0, 10);
  if (elapsed <= 0) return { date, up: 0, down: 0, maintenance: 0, noData: 0 };
  const up = fraction(rollup.up, elapsed);
  const down = fraction(rollup.down, elapsed);
  const maintenance = fraction(rollup.maintenance, elapsed);
  return { date, up, down, maintenance, noData: rounded4(Math.max(0, 1 - up - down - maintenance)) };
}

function blankDays(now: number): readonly DaySummary[] {
  return shownDays(now).map((start) => daySummary(start, EMPTY_ROLLUP, 0));
}

function shownDays(now: number): readonly number[] {
  return Array.from({ length: SHOWN_DAYS }, (_, index) => dayOf(now) - (SHOWN_DAYS - 1 - index) * DAY_MS);
}

function hourSummaries(history: History, recent: readonly FiledHour[], now: number): readonly HourSummary[] {
  const known = new Map(
    [...history.hours, ...recent.map(({ start, rollup }) => ({ start, ...medianAndTail(rollup) }))].map((hour) => [
      hour.start,
      hour,
    ]),
  );
  return Array.from({ length: SHOWN_HOURS + 1 }, (_, index) => {
    const start = hourOf(now) - (SHOWN_HOURS - index) * HOUR_MS;
    const { p50Ms = null, p95Ms = null } = known.get(start) ?? {};
    return { start: iso(start), p50Ms, p95Ms };
  });
}

function incidentsOf({ subject, name, state, history }: Described): readonly IncidentSummary[] {
  const open = state?.incident ? [{ ...state.incident, closedAt: undefined, closedBecause: undefined }] : [];
  return [...open, ...history.incidents].map(({ openedAt, closedAt, closedBecause, message }) => ({
    id: incidentId(subject, { openedAt }),
    target: name,
    openedAt: iso(openedAt),
    closedAt: closedAt === undefined ? null : iso(closedAt),
    ...(closedBecause !== undefined && { closedBecause }),
    message,
  }));
}

function openOnesThenLatest(a: IncidentSummary, b: IncidentSummary): number {
  if ((a.closedAt === null) !== (b.closedAt === null)) return a.closedAt === null ? -1 : 1;
  return a.openedAt === b.openedAt ? (a.id < b.id ? -1 : 1) : a.openedAt < b.openedAt ? 1 : -1;
}

/** Never rounded up to one, for a bad minute in 90 days is no 100 %; never down to zero either. */
function fraction(part: number, whole: number): number {
  if (part <= 0) return 0;
  return part >= whole ? 1 : Math.min(0.9999, Math.max(0.0001, rounded4(part / whole)));
}

function rounded4(value: number): number {
  return Math.round(value * 10_000) / 10_000;
}

/** `2026-11-21T06:55:00Z` */
function iso(time: number): string {
  return new Date(time).toISOString().replace(/\.\d+Z$/, "Z");
}
