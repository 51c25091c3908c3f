/** A timer as it is stored, and which of its fires whoever writes it hands over. Pure; see docs/decisions/0009. */
import { MINUTE_MS } from "../../shared/time";
import type { Schedule } from "./schedule";

export type TimerKind = "periodic" | "oneshot";

export interface Timer {
  readonly kind: TimerKind;
  /** Chosen by the client: 1 to 256 characters of `[A-Za-z0-9._:-]`. */
  readonly id: string;
  /** `shard0`, ... */
  readonly shard: string;
  /** New with each PUT. Fires of any other version are fenced off. */
  readonly version: string;
  readonly schedule: Schedule;
  /** The JSON text of `timerCallbackData`: exactly the body of the message. */
  readonly data: string;
  /** No fire before it, epoch milliseconds. */
  readonly startAt?: number;
  /** No fire after it, epoch milliseconds. What `maxFires` of a regular schedule comes to is in here. */
  readonly endAt?: number;
  /** Of a cron schedule: fires that the dispatcher has yet to hand over. */
  readonly firesLeft?: number;
  /** Each fire is put off by 0 to so many seconds, always the same for the same fire. 300 at most. */
  readonly jitterSeconds?: number;
  readonly enabled: boolean;
  /** When it was put, epoch milliseconds. */
  readonly putAt: number;
}

/** One due time of one version of a timer: what the queue carries in message attributes, beside `data` as the body. */
export interface Fire {
  readonly kind: TimerKind;
  readonly id: string;
  readonly version: string;
  readonly shard: string;
  /** When it is to happen, jitter included; epoch milliseconds. */
  readonly due: number;
  /** `<kind>#<id>#<version>#<due time by the schedule, ISO 8601>`: the same however often it is sent. */
  readonly fireId: string;
  readonly data: string;
}

/** A timer, and how far its fires have been handed over to the queue. */
export interface StoredTimer extends Timer {
  /** Fires that are scheduled until then, inclusive, are in the queue; the dispatcher's part is after it. Epoch milliseconds. */
  readonly through: number;
}

/** Who puts a timer hands over its fires of this long, milliseconds; the dispatcher's part begins after it. */
export const HORIZON_MS = 10 * MINUTE_MS;

/** How far ahead of now the dispatcher loads at most, milliseconds; at least a minute less, since it loads whole minutes. */
export const LEAD_MS = 3 * MINUTE_MS;
