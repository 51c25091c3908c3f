/** What goes over the API: types only, for whoever calls it and whoever answers. Times are ISO 8601. */
/** What any timer may be put with. */
interface CommonInput {
  /** Any JSON of at most 64 KB: the body of the message when the timer fires. @default {id, type} */
  readonly timerCallbackData?: unknown;
  /** `shard0`. @default by the id */
  readonly shardId?: string;
  /** Puts off each fire by 0 to so many seconds, at most 300. @default 0 */
  readonly jitterSeconds?: number;
  /** Replaces this version only, or nothing (null); else it is a conflict. @default replaces whatever is there */
  readonly ifVersion?: string | null;
}

/** What a periodic timer is put with: each hour, unless `every` or `cron` says otherwise. */
export interface PeriodicInput extends CommonInput {
  /** Each hour at this minute: 0 to 59, a number or digits. @default 40 minutes from now */
  readonly minuteOfHour?: number | string;
  /** 0 to 59: of an hourly timer, or of a period of whole minutes. @default 0; of a period, that of its first fire */
  readonly secondOfMinute?: number;
  /** `15 minutes`, from `startAt` on, or else first in one period: 1 minute to 365 days, in seconds, minutes, hours or days. */
  readonly every?: string;
  /** As EventBridge writes it: `0 17 * * ? *`, or `cron(0 17 * * ? *)`. */
  readonly cron?: string;
  /** Of `cron`: `Europe/Berlin`. @default "UTC" */
  readonly timeZone?: string;
  /** No fire before it. @default now */
  readonly startAt?: string;
  /** No fire after it. @default never */
  readonly endAt?: string;
  /** So many fires, and no more: 1 to 1,000,000,000. @default no limit */
  readonly maxFires?: number;
  /** False: kept, but it does not fire. @default true */
  readonly enabled?: boolean;
}

/** What a one-shot timer is put with: `at` or `delaySeconds`, one of the two. */
export type OneshotInput = CommonInput &
  (
    | {
        /** When; a time in the past is now. */
        readonly at: string;
        readonly delaySeconds?: never;
      }
    | {
        /** In so many seconds: 0 to ten years. */
        readonly delaySeconds: number;
        readonly at?: never;
      }
  );

/** When a timer fires: as it was put, in the same words. Times are ISO 8601, UTC. */
export type ScheduleView =
  | { readonly minuteOfHour: number; readonly secondOfMinute: number }
  | { readonly every: string }
  | { readonly cron: string; readonly timeZone: string }
  | { readonly at: string };

/** What was always answered of an hourly timer. */
export interface PlainView {
  readonly id: string;
  readonly shardId: string;
  /** `MM:<id>`, of an hourly timer: it fires each hour at minute MM. */
  readonly timeShardId?: string;
  readonly timerCallbackData: unknown;
}

/** A timer as the API answers it. Times are ISO 8601, UTC. */
export interface TimerView extends PlainView {
  readonly schedule: ScheduleView;
  readonly enabled: boolean;
  /** No fire before it. */
  readonly startAt?: string;
  /** No fire after it: what `maxFires` comes to, too. */
  readonly endAt?: string;
  /** Of a cron schedule with `maxFires`: those that are not on their way yet. */
  readonly firesLeft?: number;
  readonly jitterSeconds?: number;
  /** New with each PUT: `ifVersion` takes it. */
  readonly version: string;
  readonly putAt: string;
  /** When it fires next; before now, when it is overdue; null when it will not. */
  readonly nextFireAt: string | null;
  /** When this version fired last; null when it has not. */
  readonly lastFiredAt: string | null;
}

/** Timers of one kind, in no order. */
export interface TimerList {
  readonly timers: readonly TimerView[];
  /** Asks for what comes after them: `?next=`. Not there: these were the last. */
  readonly next?: string;
}

/** One of a batch: as if it came alone. */
export interface BatchRequest {
  readonly method: "PUT" | "DELETE";
  /** `/periodic/tea` */
  readonly path: `/${"periodic" | "oneshot"}/${string}`;
  /** Of PUT. */
  readonly body?: PeriodicInput | OneshotInput;
}

/** What it would have been answered alone. */
export interface BatchResult {
  readonly status: number;
  readonly body: unknown;
}

export interface BatchAnswer {
  /** In the order of the requests. */
  readonly results: readonly BatchResult[];
}
