/** status.json, which the status page renders and programs may read. No SDK, no I/O. */
import { isoSeconds } from "../../shared/time";
import type { CheckResult } from "../monitors/check-result";
import type { IncidentUpdate } from "../monitors/incident-updates";
import { publicMessage } from "./public-message";

/** Times are UTC, ISO 8601 with `Z`. Fractions are 0 to 1. Unknown values are null. */
export interface StatusDocument {
  readonly version: 1;
  readonly app: string;
  readonly environment: string;
  /** Of the page. */
  readonly title: string;
  readonly generatedAt: string;
  /** Interval between check runs. */
  readonly intervalSeconds: number;
  /** Targets, then cron monitors, in the order of the configuration. */
  readonly monitors: readonly MonitorStatus[];
  /** Of the last 90 days: open ones first, then the latest. */
  readonly incidents: readonly IncidentSummary[];
  /** Announced: now and within a week, in order. */
  readonly maintenance: readonly MaintenanceSummary[];
}

export interface MaintenanceSummary {
  readonly from: string;
  readonly to: string;
  readonly note: string;
  /** Names of public monitors. Null: all. */
  readonly monitors: readonly string[] | null;
}

export interface MonitorStatus {
  readonly name: string;
  /** For people. */
  readonly title: string;
  readonly description: string | null;
  /** Heading that it is listed under. */
  readonly group: string | null;
  /** Time of its first check. */
  readonly monitoredSince: string | null;
  /** Earlier data is simulated: an environment to look at. */
  readonly sampleUntil?: string;
  /** A cron monitor has no `lastCheck` and no latencies. */
  readonly kind: "target" | "cron";
  /** Cron monitors only. Null before the first heartbeat. */
  readonly lastHeartbeat?: string | null;
  /** Cron monitors only. A later heartbeat is an incident. Null before the first one. */
  readonly nextDue?: string | null;
  /** Cron monitors only: how long the last run took. Null where it is not known. */
  readonly lastRunMs?: number | null;
  /** `unknown`: not checked yet, or not lately. */
  readonly state: "up" | "degraded" | "down" | "maintenance" | "unknown";
  readonly since: string | null;
  readonly lastCheck: LastCheck | null;
  readonly windows: Readonly<Record<WindowName, WindowSummary>>;
  /** The last 90 UTC days, today last. */
  readonly days: readonly DaySummary[];
  /** The last 24 complete hours and the current one, oldest first. */
  readonly hours: readonly HourSummary[];
}

export interface LastCheck {
  readonly at: string;
  readonly ok: boolean;
  readonly latencyMs: number;
  /** Of a failed check: a {@link publicMessage}. */
  readonly message: string | null;
  readonly certificateDaysLeft: number | null;
}

/** Null for cron monitors: they are not probed. */
export function lastCheckOf({
  at,
  health,
  latencyMs,
  reason,
  message,
  certificateDaysLeft,
}: CheckResult): LastCheck | null {
  if (latencyMs === undefined) return null;
  return {
    at: isoSeconds(at),
    ok: health === "up",
    latencyMs,
    message: health === "up" ? null : publicMessage({ reason, message }),
    certificateDaysLeft: certificateDaysLeft ?? null,
  };
}

export const WINDOWS = ["24h", "7d", "30d", "90d"] as const;
export type WindowName = (typeof WINDOWS)[number];

export interface WindowSummary {
  /** Time up or degraded / (time up, degraded or down). Excludes maintenance and time without data. */
  readonly uptime: number | null;
  /** Time with data / time since the monitor was first known. */
  readonly coverage: number | null;
  readonly p50Ms: number | null;
  readonly p95Ms: number | null;
  readonly p99Ms: number | null;
}

/** Fractions of the day so far. Their sum is 1, or 0 before the monitor was first known. */
export interface DaySummary {
  /** `2026-11-21` */
  readonly date: string;
  readonly up: number;
  /** Counts as uptime. */
  readonly degraded: number;
  readonly down: number;
  readonly maintenance: number;
  readonly noData: number;
}

export interface HourSummary {
  /** `2026-11-21T07:00:00Z` */
  readonly start: string;
  readonly p50Ms: number | null;
  readonly p95Ms: number | null;
}

export interface IncidentSummary {
  readonly id: string;
  readonly monitor: string;
  /** It began in simulated data. */
  readonly sample?: true;
  readonly openedAt: string;
  readonly closedAt: string | null;
  /** The worst it has been. */
  readonly severity: "degraded" | "down";
  /** Human-readable. Absent where the monitor recovered. */
  readonly closedBecause?: string;
  /** The current or last failure: a {@link publicMessage}. */
  readonly message: string;
  /** What happened and what people said, oldest first. */
  readonly timeline: readonly TimelineEntry[];
}

export interface TimelineEntry {
  readonly at: string;
  /** `opened`, `changed`, `closed`: by the monitor. The others: what people said. */
  readonly kind: "opened" | "changed" | "closed" | IncidentUpdate["status"];
  readonly text: string;
}
