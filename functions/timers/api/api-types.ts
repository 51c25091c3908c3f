/** Request and response bodies of the API, for its clients and its handler. Times are ISO 8601. */
import type { FireOutcome } from "../schedule/timer";

export { FIRE_OUTCOMES } from "../schedule/timer";

/** When a fire that fails goes to the dead-letter queue of its callback. */
export interface RetryPolicy {
  /** Deliveries, 1 to 100: after 2, 4, 8 ... seconds, 10 minutes at most. @default 8 */
  readonly maxAttempts?: number;
  /** No attempt starts later than this after the due time: 1 to 259,200. @default no limit */
  readonly maxAgeSeconds?: number;
}

interface CommonInput {
  /** Any JSON of at most 64 KB, passed to the callback. @default {id, type}, `type` being hourlyPeriodic, periodic or oneshot */
  readonly timerCallbackData?: unknown;
  /** `shard0`. @default derived from the id */
  readonly shardId?: string;
  /** Delays each fire by 0 to this many seconds, deterministically. At most 300. @default 0 */
  readonly jitterSeconds?: number;
  /** False: stored, but does not fire (paused). @default as it is; true for a new timer */
  readonly enabled?: boolean;
  /** The name of the callback that its fires go to. @default "default" */
  readonly callback?: string;
  /**
   * After an outage: `all` fires, though late; `latest`, no fire after which another one is due already; or a number of seconds, no fire that
   * is later than that. At each delivery, also of a retry. @default "all"
   */
  readonly catchUp?: "all" | "latest" | number;
  /** `skip`: no fire while another one of the timer runs. Two writes for each fire. @default "allow" */
  readonly overlap?: "allow" | "skip";
  readonly retry?: RetryPolicy;
  /** Whether fires are recorded for seven days. One write for each fire. @default as configured for the callback */
  readonly history?: boolean;
  /** Replaces only this version (null: only creates); otherwise 409. @default replaces any version */
  readonly ifVersion?: string | null;
}

interface HourlySchedule {
  /** Every hour at this minute: 0 to 59, a number or digits. @default 40 minutes from now */
  readonly minuteOfHour?: number | string;
  /** 0 to 59. @default 0 */
  readonly secondOfMinute?: number;
  readonly every?: never;
  readonly cron?: never;
  readonly timeZone?: never;
}

interface EverySchedule {
  /** `15 minutes`: 1 minute to 365 days, in seconds, minutes, hours or days. First fire: at `startAt`, or after one period. */
  readonly every: string;
  /** 0 to 59, for `every` in whole minutes. @default that of the first fire */
  readonly secondOfMinute?: number;
  readonly minuteOfHour?: never;
  readonly cron?: never;
  readonly timeZone?: never;
}

interface CronSchedule {
  /** EventBridge's syntax: `0 17 * * ? *` or `cron(0 17 * * ? *)`. */
  readonly cron: string;
  /** `Europe/Berlin`. @default "UTC" */
  readonly timeZone?: string;
  readonly every?: never;
  readonly minuteOfHour?: never;
  readonly secondOfMinute?: never;
}

/** When a periodic timer fires. */
export type PeriodicSchedule = HourlySchedule | EverySchedule | CronSchedule;

/** Body of `PUT /periodic/{id}`: hourly, unless it has `every` or `cron`. */
export type PeriodicInput = CommonInput & {
  /** No fire before it. @default now */
  readonly startAt?: string;
  /** No fire after it. @default never */
  readonly endAt?: string;
  /** Total number of fires: 1 to 1,000,000,000. @default no limit */
  readonly maxFires?: number;
} & PeriodicSchedule;

/** Body of `PUT /oneshot/{id}`: either `at` or `delaySeconds`. */
export type OneshotInput = CommonInput &
  (
    | {
        /** `2026-11-21T17:00:00Z`; with `timeZone`, a local time: `2026-11-21T17:00:00`. A time in the past fires immediately. */
        readonly at: string;
        /** `Europe/Berlin`. A local time that DST skips is the end of the gap; of two, the first. @default none: `at` has an offset */
        readonly timeZone?: string;
        readonly delaySeconds?: never;
      }
    | {
        /** 0 to ten years. */
        readonly delaySeconds: number;
        readonly at?: never;
        readonly timeZone?: never;
      }
  );

/** The schedule, in the fields of the request. */
export type ScheduleResponse =
  | { readonly minuteOfHour: number; readonly secondOfMinute: number }
  | {
      readonly every: string;
      /** If `startAt` has another second. */
      readonly secondOfMinute?: number;
    }
  | { readonly cron: string; readonly timeZone: string }
  | { readonly at: string };

/** Response to a PUT that uses only fields of the legacy timer service. */
export interface LegacyTimerResponse {
  readonly id: string;
  readonly shardId: string;
  /** `MM:<id>` for hourly timers, MM the minute. */
  readonly timeShardId?: string;
  readonly timerCallbackData: unknown;
}

/** `paused`: not enabled; `ended`: no fire remains, so also a one-shot that has fired. */
export const TIMER_STATES = ["scheduled", "paused", "ended"] as const;
export type TimerState = (typeof TIMER_STATES)[number];

/** A timer. Times are in UTC. */
export interface TimerResponse extends LegacyTimerResponse {
  readonly schedule: ScheduleResponse;
  readonly enabled: boolean;
  /** No fire before it. */
  readonly startAt?: string;
  /** No fire after it. */
  readonly endAt?: string;
  readonly maxFires?: number;
  /** For cron schedules with `maxFires`: fires that are not queued yet. */
  readonly firesLeft?: number;
  readonly jitterSeconds?: number;
  /** New with each PUT; for `ifVersion`. */
  readonly version: string;
  readonly putAt: string;
  readonly state: TimerState;
  /** In the past when overdue; null when no fire remains. */
  readonly nextFireAt: string | null;
  readonly callback: string;
  readonly catchUp?: "latest" | number;
  readonly overlap?: "skip";
  readonly retry?: RetryPolicy;
  /** As in the PUT. */
  readonly history?: boolean;
  /** Whether its fires are recorded: by `history`, else as configured for its callback. */
  readonly recorded: boolean;
  /** The last delivery of this version, as its callback observed it; null before the first, and when fires are not recorded. */
  readonly lastFiredAt: string | null;
  readonly lastOutcome: FireOutcome | null;
  /** Deliveries of that fire. */
  readonly attempts: number | null;
  readonly latenessMs: number | null;
}

/** A fire that has been delivered. Times are in UTC. */
export interface FireResponse {
  readonly fireId: string;
  readonly version: string;
  readonly dueAt: string;
  /** The start of its last delivery. */
  readonly firedAt: string;
  readonly latenessMs: number;
  /** Of the callback. */
  readonly durationMs: number;
  /** Deliveries so far. */
  readonly attempts: number;
  /** `failed`: it is retried; `dropped`: by `catchUp`; `skipped`: by `overlap`. */
  readonly outcome: FireOutcome;
}

/** Of all versions of a timer, seven days, the latest due time first. */
export interface FiresResponse {
  readonly fires: readonly FireResponse[];
  /** Token of the next page, for `?next=`. Absent on the last page. */
  readonly next?: string;
}

/** The fires of the current version that were expected in a time, and those that were recorded. */
export interface AuditResponse {
  readonly expected: number;
  readonly observed: number;
  /** Due times of expected fires that were not recorded. The dispatcher records none of those that it drops by `catchUp`. */
  readonly missing: readonly string[];
  /** Fire ids: of fires that have not succeeded yet, or never will. */
  readonly failed: readonly string[];
  /** ... of first deliveries that were late. */
  readonly late: readonly string[];
  readonly early: readonly string[];
}

/** The next fires, the first one first. Of a paused timer: those after it is resumed now. */
export interface PreviewResponse {
  /** ISO 8601, jitter included. */
  readonly fires: readonly string[];
}

export interface FiredResponse {
  readonly fireId: string;
  readonly dueAt: string;
}

/** Body of `POST /periodic`: pauses, resumes or moves all timers with a prefix. */
export type VerbInput = {
  /** Of the ids; "" for all. */
  readonly prefix: string;
  /** Of the response before. */
  readonly next?: string | undefined;
} & VerbOnAll;

export type VerbOnAll =
  | { readonly verb: "pause" | "resume" }
  | {
      readonly verb: "move";
      /** Only timers of this callback, also if it is not configured any more. */
      readonly from: string;
      /** The callback that their fires go to from now on. */
      readonly to: string;
    };

export interface VerbResponse {
  /** Timers that have changed. */
  readonly changed: number;
  readonly failures: readonly { readonly id: string; readonly message: string }[];
  /** There are more: for the next request. */
  readonly next?: string;
}

/** Timers of one kind; of a list of one-shots with `state=scheduled` or `dueBefore`, by shard and due time. */
export interface ListResponse {
  readonly timers: readonly TimerResponse[];
  /** Timers whose rows cannot be read: put them again, or delete them. */
  readonly unreadable?: readonly { readonly id: string; readonly reason: string }[];
  /** Token of the next page, for `?next=`. Absent on the last page. */
  readonly next?: string;
}

/** One request of a batch. */
export interface BatchRequest {
  readonly method: "PUT" | "DELETE";
  /** `/periodic/tea` */
  readonly path: `/${"periodic" | "oneshot"}/${string}`;
  /** For PUT. */
  readonly body?: PeriodicInput | OneshotInput;
  /** For PUT. @default the header Idempotency-Key of the batch */
  readonly idempotencyKey?: string;
  /** For DELETE: only this version. @default any */
  readonly ifVersion?: string;
}

export interface BatchResult {
  readonly status: number;
  readonly body: unknown;
}

export interface BatchResponse {
  /** In the order of the requests. */
  readonly results: readonly BatchResult[];
}
