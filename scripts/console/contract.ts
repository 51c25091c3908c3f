/**
 * What the console's server sends to its page. Times are ISO 8601 in UTC, unless a name says otherwise; text is as it was
 * stored, and the page shows it as text.
 */
import type { IncidentSummary, MonitorStatus } from "../../functions/heartbeats/status-page/document";
import type { FireResponse } from "../../functions/timers/api/api-types";

/** In the order of the page. */
export const FEATURES = ["heartbeats", "timers", "schedules", "exports", "pipelines", "workflows"] as const;

/** The features with a page. */
const PAGES: readonly string[] = ["heartbeats", "timers"];

export function hasPage(feature: string): boolean {
  return PAGES.includes(feature);
}

export interface EnvironmentView {
  readonly name: string;
  readonly app: string;
  readonly features: readonly string[];
  /** The server's clock. */
  readonly now: string;
  /** Milliseconds between two polls of a view. */
  readonly pollMs: number;
}

/** Every error of the server. */
export interface ErrorView {
  readonly message: string;
}

export type Health = "up" | "degraded" | "down" | "unknown" | "maintenance";

/** Something that a person may want to look at. */
export interface Finding {
  readonly feature: string;
  readonly severity: "down" | "degraded";
  readonly title: string;
  readonly detail: string;
  /** Undefined: since when is not known. */
  readonly at?: string;
  /** A page of the console; undefined for a feature without one. */
  readonly href?: string;
}

/** One invocation of a function. */
export interface RunView {
  readonly functionName: string;
  readonly requestId: string;
  readonly at: string;
  readonly ok: boolean;
  readonly durationMs?: number;
}

/** Something that is due. */
export interface NextView {
  readonly feature: string;
  readonly title: string;
  readonly detail: string;
  readonly at: string;
  /** A page of the console; undefined for a feature without one. */
  readonly href?: string;
}

export interface FeatureSummary {
  readonly name: string;
  readonly health: Health;
  /** `2 of 3 are up` */
  readonly headline: string;
}

export interface OverviewView {
  readonly features: readonly FeatureSummary[];
  readonly failed: readonly Finding[];
  readonly late: readonly Finding[];
  /** The latest first. */
  readonly recent: readonly RunView[];
  /** The soonest first. */
  readonly next: readonly NextView[];
  /** Parts of the overview that could not be read, with the reason. */
  readonly unread: readonly string[];
}

export type NodeKind =
  | "schedule"
  | "event"
  | "api"
  | "function"
  | "queue"
  | "table"
  | "bucket"
  | "topic"
  | "machine"
  | "slack"
  | "other";

/** Coordinates of centres, in pixels. */
export interface ArchitectureNode {
  readonly id: string;
  readonly kind: NodeKind;
  readonly label: string;
  readonly detail: string;
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
  /** Of a function: as its log lines name it. */
  readonly functionName?: string;
}

export interface ArchitectureEdge {
  readonly from: string;
  readonly to: string;
  /** An SVG path. */
  readonly path: string;
  /** `dynamodb:Query, dynamodb:PutItem`, `invokes` */
  readonly label: string;
}

export interface FeatureDrawing {
  readonly feature: string;
  readonly width: number;
  readonly height: number;
  readonly nodes: readonly ArchitectureNode[];
  readonly edges: readonly ArchitectureEdge[];
}

export interface ArchitectureView {
  readonly drawings: readonly FeatureDrawing[];
}

/** Invocations of each function lately. */
export interface ActivityView {
  /** By name of the function: its last invocation, and how many there were in the last minute. */
  readonly functions: Readonly<
    Record<string, { readonly lastAt: string; readonly runs: number; readonly errors: number }>
  >;
}

export interface HeartbeatsView {
  readonly generatedAt: string;
  readonly isStale: boolean;
  readonly statusPageUrl?: string;
  readonly monitors: readonly MonitorStatus[];
  readonly incidents: readonly IncidentSummary[];
}

/** Epoch seconds, and milliseconds of each series; null where nothing was measured. */
export interface LatencySeries {
  readonly at: readonly number[];
  readonly p50: readonly (number | null)[];
  readonly p95: readonly (number | null)[];
}

export interface CheckView {
  readonly at: string;
  readonly ok: boolean;
  readonly latencyMs: number | null;
  readonly reason: string;
}

export interface MonitorView {
  readonly monitor: MonitorStatus;
  readonly incidents: readonly IncidentSummary[];
  /** By day, of 90 days. */
  readonly days: LatencySeries;
  /** By hour, of a week. */
  readonly hours: LatencySeries;
  /** The latest first. */
  readonly checks: readonly CheckView[];
}

export const TIMER_STATES = ["all", "late", "scheduled", "disabled", "ended"] as const;
export type TimerState = (typeof TIMER_STATES)[number];

export interface TimerSummary {
  readonly kind: "periodic" | "oneshot";
  readonly id: string;
  readonly schedule: string;
  readonly state: Exclude<TimerState, "all">;
  readonly shard: string;
  readonly nextFireAt: string | null;
}

export interface TimersView {
  /** By state, of those that match the search. */
  readonly counts: Readonly<Record<TimerState, number>>;
  /** Of the list from which `timers` is a window. */
  readonly total: number;
  readonly from: number;
  readonly timers: readonly TimerSummary[];
  /** Messages in the queue of fires, and in its dead-letter queue. */
  readonly queued: number;
  readonly deadLetters: number;
  /** Ids of rows that cannot be read: their timers do not fire. */
  readonly unreadable: readonly string[];
}

export interface TimerView {
  readonly timer: TimerSummary;
  /** The timer as the API answers it, JSON text. */
  readonly json: string;
  /** The next fires, at most ten. */
  readonly preview: readonly string[];
  /** Those that are recorded, the latest first. */
  readonly fires: readonly FireResponse[];
}

/** How late recorded fires were: fires with less than `upToMs`, and at least the previous one's. */
export interface LatenessView {
  readonly buckets: readonly { readonly upToMs: number | null; readonly fires: number }[];
  readonly fires: number;
  readonly p50Ms: number | null;
  readonly p99Ms: number | null;
  /** False: only a part of the table was read. */
  readonly isComplete: boolean;
}

/** Each view by its name: `timers` is `GET /api/timers`. */
export interface Views {
  readonly environment: EnvironmentView;
  readonly overview: OverviewView;
  readonly architecture: ArchitectureView;
  readonly activity: ActivityView;
  /** Null before the first round of checks. */
  readonly heartbeats: HeartbeatsView | null;
  readonly monitor: MonitorView;
  readonly timers: TimersView;
  readonly timer: TimerView;
  readonly lateness: LatenessView;
}
export type ViewName = keyof Views;

/** A view's filters, as they are in the address. */
export type Query = Readonly<Record<string, string>>;
