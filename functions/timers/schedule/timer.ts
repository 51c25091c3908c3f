/** Timers, their fires, and who enqueues which fire. See docs/decisions/0009. */
import { MINUTE_MS, SECOND_MS } from "../../shared/time";
import type { Schedule } from "./schedule";

export type TimerKind = "periodic" | "oneshot";

export interface Timer {
  readonly kind: TimerKind;
  /** Chosen by the client: 1 to 256 characters of `[A-Za-z0-9._:-]`. */
  readonly id: string;
  /** `shard0`, ... */
  readonly shard: string;
  /** New with each PUT. Fires of any other version are fenced. */
  readonly version: string;
  readonly schedule: Schedule;
  /** The JSON text of `timerCallbackData`: the message body, unchanged. */
  readonly data: string;
  /** No fire before it, epoch milliseconds. */
  readonly startAt?: number;
  /** No fire after it, epoch milliseconds. */
  readonly endAt?: number;
  /** Total number of fires, as in the PUT. */
  readonly maxFires?: number;
  /** The last of `maxFires`, epoch milliseconds, where it can be computed at the PUT. */
  readonly finalAt?: number;
  /** Cron schedules with a large `maxFires`: fires that the dispatcher has not enqueued yet. */
  readonly firesLeft?: number;
  /** Delays each fire by 0 to this many seconds, deterministically: {@link MAX_JITTER_SECONDS} at most. */
  readonly jitterSeconds?: number;
  readonly enabled: boolean;
  /** Time of the PUT, epoch milliseconds. */
  readonly putAt: number;
  /** Idempotency key of the PUT, with a fingerprint of its body. */
  readonly requestKey?: string;
  readonly options?: TimerOptions;
  /**
   * Exclusive lower bound of its scheduled times, and those of the versions it was moved from: before the PUT where jitter delays one past it
   * ({@link replacing}). Epoch milliseconds. @default putAt
   */
  readonly since?: number;
  /** Scheduled times between `since` and the PUT that were due before it: the replaced version had them. @default none */
  readonly omitted?: readonly number[];
  /** The versions before this one that differ from it in their callback only, the oldest first. @default none */
  readonly moved?: readonly MovedVersion[];
}

/** A version whose timer has moved to another callback. */
export interface MovedVersion {
  readonly version: string;
  /** Its fires scheduled up to this time, inclusive, are enqueued and stay valid; the next version has the later ones. Epoch milliseconds. */
  readonly until: number;
}

export const MAX_JITTER_SECONDS = 300;

/** Of a Date, and room to compute with it. A row with a larger number cannot be read. */
export const LATEST_TIME_MS = 8e15;

/** Each is absent when it is the default. */
export interface TimerOptions {
  /** Name of the callback. @default "default" */
  readonly callback?: string;
  /** `latest`: no fire after which another one is due already. A number: no fire that is later than these seconds. @default all fires */
  readonly catchUp?: "latest" | number;
  /** No fire while another fire of the timer runs. @default both run */
  readonly overlap?: "skip";
  /** Attempts before a fire goes to the dead-letter queue. @default {@link DEFAULT_MAX_ATTEMPTS} */
  readonly maxAttempts?: number;
  /** No retry starts later after the due time. @default no limit */
  readonly maxAgeSeconds?: number;
  /** Whether its fires are recorded in the history. @default that of its callback */
  readonly history?: boolean;
}

/** Retries after 2, 4, 8, ... seconds. */
export const DEFAULT_MAX_ATTEMPTS = 8;

/** One due time of one version of a timer. In the queue: message attributes, with `data` as the body. */
export interface Fire {
  readonly kind: TimerKind;
  readonly id: string;
  readonly version: string;
  readonly shard: string;
  /** Epoch milliseconds, jitter included. */
  readonly due: number;
  /**
   * `<kind>#<id>#<version>#<due time without jitter, ISO 8601>`: the same for every delivery. The version is that of before the first move. With
   * `now-<key>` in place of the time: fired by request.
   */
  readonly fireId: string;
  readonly data: string;
  /** Name of the callback, whose queue it goes to. @default "default" */
  readonly callback?: string;
}

/** What became of one delivery. `failed`: it will be retried; `dropped`: by `catchUp`; `skipped`: by `overlap`. */
export const FIRE_OUTCOMES = ["succeeded", "failed", "deadLettered", "dropped", "skipped"] as const;
export type FireOutcome = (typeof FIRE_OUTCOMES)[number];

export interface StoredTimer extends Timer {
  /** Fires up to this time, inclusive, are enqueued; the dispatcher enqueues the later ones. Epoch milliseconds. */
  readonly enqueuedUntil: number;
  /** In the index as overdue, whatever the cursor of its shard is. Only as read from the table. @default false */
  readonly isOverdue?: true;
}

/**
 * The dispatcher leaves the fires of a PUT to its API request for this long, the timeout of API Gateway and more; afterwards the request is
 * dead, and the dispatcher enqueues them.
 */
export const PUT_GRACE_MS = 30 * SECOND_MS;

/** A PUT enqueues the timer's fires this far ahead. */
export const HORIZON_MS = 10 * MINUTE_MS;

/** The dispatcher enqueues at most this far ahead; up to a minute less, because its windows are whole minutes. */
export const LEAD_MS = 3 * MINUTE_MS;
