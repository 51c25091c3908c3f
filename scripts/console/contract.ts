/**
 * What the console's server sends to its page. Times are ISO 8601 in UTC, unless a name says otherwise; text is as it was
 * stored, and the page shows it as text.
 */
import type { IncidentSummary, MonitorStatus } from "../../functions/heartbeats/status-page/document";
import type { RunRecord } from "../../functions/exports/storage/state-table";
import type { Outcome } from "../../functions/schedules/contract";
import type { Where } from "./actions/actions";
import type { ListedSchedule } from "../features/schedules/describe";
import type { Approval, TaskStatus } from "../../functions/workflows/contract";
import type { FireResponse } from "../../functions/timers/api/api-types";

/** In the order of the page. */
export const FEATURES = ["heartbeats", "timers", "schedules", "exports", "pipelines", "workflows"] as const;

export interface EnvironmentView {
  readonly name: string;
  readonly app: string;
  readonly features: readonly string[];
  /** False: the server refuses actions. */
  readonly canWrite: boolean;
  /** Options that commands for this environment need: `--env`. */
  readonly where: Where;
  /** The server's clock. */
  readonly now: string;
  /** Milliseconds between two polls of a view. */
  readonly pollMs: number;
  /** Undefined: no clock that can be moved. AWS has the time of the world. */
  readonly clock?: ClockView;
}

/** The clock of the emulator of npm start. */
export interface ClockView {
  /** How far it is ahead of the machine's, in milliseconds. */
  readonly aheadMs: number;
  readonly isMoving: boolean;
  /** Where it is being moved to. Undefined: nowhere, or on and on at a speed. */
  readonly until?: string;
  /** 1: as fast as the machine's. */
  readonly speed: number;
  /** Since the last move began. */
  readonly invocations: number;
  readonly failed: number;
  /** Why the last move ended early. */
  readonly error?: string;
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
  /** A page of the console. */
  readonly href: string;
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
  /** A page of the console. */
  readonly href: string;
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
  /** The values of its change: those of `timers.change` or `timers.changeOnce`, as they are. */
  readonly change: Readonly<Record<string, string>>;
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

export interface ExportSummary {
  readonly name: string;
  readonly table: string;
  /** `full, ndjson, gzip` */
  readonly kind: string;
  /** Where the next window of an incremental export starts. */
  readonly cursor?: string;
  readonly last?: ExportRun;
}

export interface ExportRun {
  readonly export: string;
  readonly id: string;
  readonly day: string;
  readonly trigger: string;
  readonly status: RunRecord["status"];
  readonly startedAt: string;
  readonly finishedAt?: string;
  readonly items?: number;
  readonly bytes?: number;
  /** `s3://...` */
  readonly location?: string;
  readonly error?: string;
  readonly execution?: string;
}

export interface ExportsView {
  readonly exports: readonly ExportSummary[];
  /** `orders 2026-11-21T17:00:00.123Z`, `orders state`, `orders cursor`, `orders progress`: rows that were changed by hand, or by another version. */
  readonly unreadable: readonly string[];
  /** Of all exports, the latest first. */
  readonly runs: readonly ExportRun[];
}

export interface ExportView {
  readonly export: ExportSummary;
  /** As in {@link ExportsView}. */
  readonly unreadable: readonly string[];
  /** The latest first. */
  readonly runs: readonly ExportRun[];
  /** Of the run that is running. Items of the table are DynamoDB's last count; null: it has not counted them yet. */
  readonly progress?: {
    readonly items: number;
    readonly tableItems: number | null;
    readonly bytes: number;
    readonly segments: number;
    readonly segmentsDone: number;
  };
  /** Of the last published run. */
  readonly manifest?: {
    readonly uri: string;
    readonly items: number;
    readonly bytes: number;
    /** The first. */
    readonly files: readonly { readonly key: string; readonly items: number; readonly bytes: number }[];
    readonly fileCount: number;
  };
}

export interface PipelineSummary {
  readonly name: string;
  readonly endpoint: string;
  readonly webhookUrl: string;
  /** The name of the parameter with Slack's webhook; empty: it does not notify. */
  readonly slack: string;
  /** Waiting in the queue. */
  readonly queued: number;
  readonly deadLetters: number;
  /** Notifications that wait for Slack. */
  readonly waiting: number;
}

export interface PipelinesView {
  readonly pipelines: readonly PipelineSummary[];
}

export interface MessageSummary {
  readonly key: string;
  readonly version: string;
  readonly receivedAt: string;
  readonly summary: Readonly<Record<string, string>>;
}

export interface DeadLetterView {
  readonly id: string;
  readonly kind: "message" | "changes" | "notification";
  readonly since: string;
  readonly causes: readonly string[];
  readonly body: string;
}

export interface PipelineView {
  readonly pipeline: PipelineSummary;
  /** Of today and yesterday, the latest first. */
  readonly messages: readonly MessageSummary[];
  /** Read only when they are asked for: reading hides them for five seconds. */
  readonly deadLetters?: readonly DeadLetterView[];
}

export interface JourneyStep {
  readonly name: "ingress" | "queue" | "row" | "notification" | "Slack";
  readonly state: "done" | "waiting" | "failed" | "none" | "unknown";
  readonly at?: string;
  readonly detail: string;
}

/** A message of Slack's Block Kit. */
export interface SlackView {
  readonly blocks: readonly SlackBlockView[];
}
export type SlackBlockView =
  | { readonly type: "header" | "context"; readonly texts: readonly string[] }
  | { readonly type: "section"; readonly texts: readonly string[]; readonly fields: readonly string[] };

export interface MessageView {
  readonly pipeline: string;
  readonly key: string;
  readonly steps: readonly JourneyStep[];
  /** JSON text, as it was sent. */
  readonly data?: string;
  readonly version?: string;
  readonly slack?: SlackView;
}

/** Those that need attention first. */
export const TASK_TABS = ["STARTED", "FAILED", "TIMED_OUT", "ABORTED", "DONE"] as const satisfies readonly TaskStatus[];
export type TaskTab = (typeof TASK_TABS)[number];

export interface TaskSummary {
  readonly workflow: string;
  readonly taskId: string;
  readonly status: TaskTab;
  readonly startedAt: string;
  readonly endedAt?: string;
  readonly reason?: string;
}

export interface TasksView {
  /** All workflows of the environment. */
  readonly workflows: readonly string[];
  readonly workflow: string;
  /** `isMore`: there are more than were counted. */
  readonly counts: Readonly<Record<TaskTab, { readonly count: number; readonly isMore: boolean }>>;
  /** Of one status, the latest first. */
  readonly tasks: readonly TaskSummary[];
}

export type StateStatus = "idle" | "current" | "succeeded" | "failed";

export interface MachineState {
  readonly name: string;
  readonly type: string;
  readonly status: StateStatus;
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
  readonly enteredAt?: string | undefined;
  readonly exitedAt?: string | undefined;
  /** JSON texts. */
  readonly input?: string | undefined;
  readonly output?: string | undefined;
  readonly error?: string | undefined;
  /** How often it was entered. */
  readonly entered: number;
  /** True: a Parallel or Map, with its states within its bounds. */
  readonly isGroup: boolean;
}

export interface MachineView {
  readonly width: number;
  readonly height: number;
  /** A group comes before the states in it. */
  readonly states: readonly MachineState[];
  readonly edges: readonly {
    readonly from: string;
    readonly to: string;
    readonly path: string;
    readonly isCatch: boolean;
    readonly isTaken: boolean;
  }[];
}

export interface TaskView {
  readonly task: TaskSummary;
  readonly executionArn: string;
  readonly history: readonly { readonly status: string; readonly at: string; readonly reason?: string }[];
  /** JSON texts. */
  readonly input?: string;
  readonly result?: string;
  readonly machine: MachineView;
  /** Oldest first. One without a decision waits, while the task runs. */
  readonly approvals: readonly Approval[];
  /** Its machine is the user's: it can be run again from the state that failed. */
  readonly canRedrive: boolean;
}

export const LOG_LEVELS = ["debug", "info", "warn", "error"] as const;

export interface LogLine {
  /** Differs between any two lines. */
  readonly key: string;
  readonly at: string;
  readonly functionName: string;
  readonly level: "debug" | "info" | "warn" | "error" | "";
  readonly text: string;
  /** Without those that every line has. */
  readonly fields: readonly (readonly [name: string, value: string])[];
}

export interface LogsView {
  /** In time order, the latest last. */
  readonly lines: readonly LogLine[];
  /** Lines that match and are older than those. */
  readonly omitted: number;
  readonly functions: readonly { readonly name: string; readonly feature: string }[];
  readonly since: string;
}

export interface SchedulesView {
  /** Your own, whose runs are rows, and Almanac's own ticks. */
  readonly schedules: readonly ListedSchedule[];
}

export interface ScheduleRunView {
  readonly run: string;
  readonly scheduledAt: string;
  readonly outcome: Outcome;
  readonly startedAt?: string;
  readonly durationMs?: number;
  readonly attempt: number;
  /** JSON text. */
  readonly result?: string;
  readonly reason?: string;
}

export interface ScheduleDetailsView {
  readonly schedule: ListedSchedule;
  /** The next instants, at most five. */
  readonly preview: readonly string[];
  /** The latest first. */
  readonly runs: readonly ScheduleRunView[];
}

export interface SearchView {
  readonly results: readonly {
    readonly kind: string;
    readonly title: string;
    readonly detail: string;
    readonly href: string;
  }[];
  /** Why some searches failed: what is not found may be there. */
  readonly unread: readonly string[];
}

/** What an action's command said. */
export interface ActionResult {
  readonly ok: boolean;
  /** True: it has not ended yet, and nothing waits for it. */
  readonly isRunning?: true;
  /** Its lines. */
  readonly output: string;
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
  readonly schedules: SchedulesView;
  readonly schedule: ScheduleDetailsView;
  readonly exports: ExportsView;
  readonly export: ExportView;
  readonly pipelines: PipelinesView;
  readonly pipeline: PipelineView;
  readonly message: MessageView;
  readonly tasks: TasksView;
  readonly task: TaskView;
  readonly logs: LogsView;
  readonly search: SearchView;
}
export type ViewName = keyof Views;

/** A view's filters, as they are in the address. */
export type Query = Readonly<Record<string, string>>;
