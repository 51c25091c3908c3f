/**
 * What is known of all targets, in one document: status.json, which the status page shows and anybody may read. No SDK, no I/O.
 */

/** Times are UTC, ISO 8601 with `Z`. Fractions are 0 to 1. */
export interface StatusDocument {
  readonly version: 1;
  readonly app: string;
  readonly environment: string;
  /** When the round of checks that wrote this had ended. */
  readonly generatedAt: string;
  /** From one round of checks to the next. */
  readonly intervalSeconds: number;
  /** As configured, in that order. */
  readonly targets: readonly TargetStatus[];
  /** Open ones first, then the latest; of the last 90 days. */
  readonly incidents: readonly IncidentSummary[];
}

export interface TargetStatus {
  readonly name: string;
  /** Only of a job, which is not checked but reports in by itself: its `lastCheck` is null, and it has no latencies. */
  readonly kind?: "job";
  /** Only of a job: when it last reported; null: never yet. */
  readonly lastReport?: string | null;
  /** `unknown`: not checked yet, or not lately. */
  readonly state: "up" | "down" | "maintenance" | "unknown";
  /** When it came into this state. */
  readonly since: string | null;
  readonly lastCheck: {
    readonly at: string;
    readonly ok: boolean;
    readonly latencyMs: number;
    /** For people, of a failed check: `status 500, expected 200-299`. */
    readonly message: string | null;
    readonly certificateDaysLeft: number | null;
  } | null;
  readonly windows: Readonly<Record<WindowName, WindowSummary>>;
  /** The last 90 UTC days, oldest first, today last. */
  readonly days: readonly DaySummary[];
  /** The last 24 full hours and the current one, oldest first. */
  readonly hours: readonly HourSummary[];
}

export const WINDOWS = ["24h", "7d", "30d", "90d"] as const;
export type WindowName = (typeof WINDOWS)[number];

/** Null where there is nothing to take it from. */
export interface WindowSummary {
  /** Time up / (time up + time down). Time without data, and maintenance, is neither. */
  readonly uptime: number | null;
  /** Checks run / checks scheduled since the target was first known. */
  readonly coverage: number | null;
  readonly p50Ms: number | null;
  readonly p95Ms: number | null;
  readonly p99Ms: number | null;
}

/** Fractions of the day so far (of today: until now); they sum to 1, but before the target was first known they are all 0. */
export interface DaySummary {
  /** `2026-11-21` */
  readonly date: string;
  readonly up: number;
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
  readonly target: string;
  readonly openedAt: string;
  readonly closedAt: string | null;
  /** For people: why it was closed, where not because all is well again. */
  readonly closedBecause?: string;
  /** For people: of the failure that opened it. */
  readonly message: string;
}
