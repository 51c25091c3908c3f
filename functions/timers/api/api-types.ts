/** Request and response bodies of the API, for its clients and its handler. Times are ISO 8601. */
interface CommonInput {
  /** Any JSON of at most 64 KB, passed to the callback. @default {id, type} */
  readonly timerCallbackData?: unknown;
  /** `shard0`. @default derived from the id */
  readonly shardId?: string;
  /** Delays each fire by 0 to this many seconds, deterministically. At most 300. @default 0 */
  readonly jitterSeconds?: number;
  /** False: stored, but does not fire. @default true */
  readonly enabled?: boolean;
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
        /** A time in the past fires immediately. */
        readonly at: string;
        readonly delaySeconds?: never;
      }
    | {
        /** 0 to ten years. */
        readonly delaySeconds: number;
        readonly at?: never;
      }
  );

/** The schedule, in the fields of the request. */
export type ScheduleResponse =
  | { readonly minuteOfHour: number; readonly secondOfMinute: number }
  | { readonly every: string }
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
  /** Last fire of this version; null before the first. */
  readonly lastFiredAt: string | null;
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
}

export interface BatchResult {
  readonly status: number;
  readonly body: unknown;
}

export interface BatchResponse {
  /** In the order of the requests. */
  readonly results: readonly BatchResult[];
}
