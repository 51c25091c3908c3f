/** Request and response bodies of the API, for its clients and its handler. Types only. Times are ISO 8601. */
interface CommonInput {
  /** Any JSON of at most 64 KB, passed to the callback. @default {id, type} */
  readonly timerCallbackData?: unknown;
  /** `shard0`. @default derived from the id */
  readonly shardId?: string;
  /** Delays each fire by 0 to this many seconds, deterministically. At most 300. @default 0 */
  readonly jitterSeconds?: number;
  /** Replaces only this version (null: only creates); otherwise 409. @default replaces any version */
  readonly ifVersion?: string | null;
}

/** Body of `PUT /periodic/{id}`: hourly, unless `every` or `cron` is set. */
export interface PeriodicInput extends CommonInput {
  /** Every hour at this minute: 0 to 59, a number or digits. @default 40 minutes from now */
  readonly minuteOfHour?: number | string;
  /** 0 to 59, for hourly timers and for `every` in whole minutes. @default 0; with `every`, that of the first fire */
  readonly secondOfMinute?: number;
  /** `15 minutes`: 1 minute to 365 days, in seconds, minutes, hours or days. First fire: at `startAt`, or after one period. */
  readonly every?: string;
  /** EventBridge's syntax: `0 17 * * ? *` or `cron(0 17 * * ? *)`. */
  readonly cron?: string;
  /** For `cron`: `Europe/Berlin`. @default "UTC" */
  readonly timeZone?: string;
  /** No fire before it. @default now */
  readonly startAt?: string;
  /** No fire after it. @default never */
  readonly endAt?: string;
  /** Total number of fires: 1 to 1,000,000,000. @default no limit */
  readonly maxFires?: number;
  /** False: stored, but does not fire. @default true */
  readonly enabled?: boolean;
}

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
  /** In the past when overdue; null when no fire remains. */
  readonly nextFireAt: string | null;
  /** Last fire of this version; null before the first. */
  readonly lastFiredAt: string | null;
}

/** Timers of one kind, unordered. */
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
