/** Sends fires to SQS: full batches, delays, retries. The SQS client is a port. */
import { jitteredBackoffMs } from "../../shared/resilience/backoff";
import { sleep, type Clock } from "../../shared/clock";
import { semaphore } from "../../shared/resilience/concurrency";
import { DEFAULT_CALLBACK, MESSAGE_ATTRIBUTES } from "../contract";
import type { Fire } from "../schedule/timer";

/** SendMessageBatch's limits. */
const BATCH_ENTRIES = 10;
const BATCH_BYTES = 262_144;
const MAX_DELAY_SECONDS = 900;

const BACKOFF = { firstMs: 100, longestMs: 3_000 };

/** A batch that fails for longer than this is given up: others wait for their turn, and the next run sends it. */
const PATIENCE_MS = 10_000;

/** A queue that refuses messages will hardly accept them in the next seconds. */
const ATTEMPTS_AT_REFUSING_QUEUE = 3;

/** One entry of a SendMessageBatch. */
export interface BatchEntry {
  readonly fire: Fire;
  readonly delaySeconds: number;
}

/** An entry that SQS did not accept. */
export interface FailedEntry {
  /** In the batch. */
  readonly index: number;
  /** True: the message is invalid, retries are pointless. */
  readonly isRejected: boolean;
  /** True: the whole queue is at fault, as with {@link QueueRefusesError}. */
  readonly isRefused?: boolean;
  readonly reason: string;
}

/**
 * One SendMessageBatch, to the queue of one callback. Rejects when the whole request failed, after its own retries; with
 * {@link QueueRefusesError} when a retry cannot mend it.
 *
 * @param deadline epoch milliseconds: it settles by then
 */
export type SendBatch = (
  entries: readonly BatchEntry[],
  deadline: number,
  callback: string,
) => Promise<readonly FailedEntry[]>;

/** A queue accepts no messages, however often they are sent: it was deleted, its key is disabled, its policy denies access. */
export class QueueRefusesError extends Error {
  override readonly name = "QueueRefusesError";

  /** @param callback whose queue it is; undefined: the dead-letter queue */
  constructor(
    readonly callback: string | undefined,
    reason: string,
    options?: ErrorOptions,
  ) {
    const queue = callback === undefined ? "the dead-letter queue" : `the queue of the callback "${callback}"`;
    super(`${queue} refuses messages: ${reason}`, options);
  }
}

interface Rejection {
  readonly fire: Fire;
  readonly reason: string;
}

/** SQS rejects the message of a fire as invalid. */
export class FireRejectedError extends Error {
  override readonly name = "FireRejectedError";

  constructor({ fire, reason }: Rejection) {
    super(`${fire.fireId}: ${reason}`);
  }
}

/** The fires that are not in the queue. */
export interface SendResult {
  /** May succeed later. */
  readonly unsent: readonly Fire[];
  /** Invalid for SQS: retries are pointless. */
  readonly rejected: readonly Rejection[];
  /** Causes of `unsent`, where known. */
  readonly errors: readonly unknown[];
}

export interface FireQueue {
  /**
   * Never rejects: a failing batch does not stop the others.
   *
   * @param deadline epoch milliseconds: retries end and it settles by then
   */
  send(fires: readonly Fire[], deadline: number): Promise<SendResult>;
}

export interface FireQueueServices {
  readonly sendBatch: SendBatch;
  readonly clock: Clock;
  /** Uniform in [0, 1), for the jitter of retries. */
  readonly random: () => number;
  /** Batches in flight, of all callers together. */
  readonly concurrency: number;
}

export function fireQueue({ sendBatch, clock, random, concurrency }: FireQueueServices): FireQueue {
  const limit = semaphore(concurrency);

  async function sendWithRetries(
    batch: readonly Fire[],
    deadline: number,
    { unsent, rejected, errors }: { unsent: Fire[]; rejected: Rejection[]; errors: unknown[] },
  ): Promise<void> {
    const callback = batch[0]?.callback ?? DEFAULT_CALLBACK;
    const giveUpAt = Math.min(deadline, clock.now() + PATIENCE_MS);
    let pending = batch;
    for (let attempt = 1; ; attempt++) {
      const sending = pending;
      if (clock.now() >= deadline) {
        // The batch has waited for its turn until the deadline.
        unsent.push(...pending);
        return;
      }
      let refusal: QueueRefusesError | undefined;
      try {
        const entries = sending.map((fire) => ({ fire, delaySeconds: delaySeconds(fire, clock.now()) }));
        const failed = await sendBatch(entries, giveUpAt, callback);
        if (failed.length === 0) return;
        const retryable: Fire[] = [];
        for (const { index, isRejected, isRefused = false, reason } of failed) {
          const fire = sending[index];
          if (fire === undefined) throw new Error(`SQS reports entry ${index} of ${sending.length}`);
          if (isRejected) rejected.push({ fire, reason });
          else retryable.push(fire);
          if (isRefused) refusal = new QueueRefusesError(callback, reason);
        }
        pending = retryable;
        if (pending.length === 0) return;
        if (refusal !== undefined) errors.push(refusal);
      } catch (error) {
        errors.push(error);
        if (error instanceof QueueRefusesError) refusal = error;
      }
      const backoff = jitteredBackoffMs(attempt, BACKOFF, random);
      const isGivenUp = refusal !== undefined && attempt >= ATTEMPTS_AT_REFUSING_QUEUE;
      if (isGivenUp || clock.now() + backoff >= giveUpAt) {
        unsent.push(...pending);
        return;
      }
      await sleep(clock, backoff);
    }
  }

  return {
    send: async (fires, deadline) => {
      const result = { unsent: [], rejected: [], errors: [] };
      await Promise.all(batchesOf(fires).map((batch) => limit(() => sendWithRetries(batch, deadline, result))));
      return result;
    },
  };
}

/** Rounded down, so that no message arrives late: the callback waits for the rest of the second. */
function delaySeconds({ due }: Fire, now: number): number {
  return Math.max(0, Math.min(MAX_DELAY_SECONDS, Math.floor((due - now) / 1_000)));
}

/** Batches of ten of one callback, fewer when the messages are large. */
function batchesOf(fires: readonly Fire[]): readonly (readonly Fire[])[] {
  const batches: Fire[][] = [];
  const open = new Map<string | undefined, { readonly batch: Fire[]; room: number }>();
  for (const fire of fires) {
    const bytes = messageBytes(fire);
    const last = open.get(fire.callback);
    if (last !== undefined && last.batch.length < BATCH_ENTRIES && bytes <= last.room) {
      last.batch.push(fire);
      last.room -= bytes;
    } else {
      const batch = [fire];
      batches.push(batch);
      open.set(fire.callback, { batch, room: BATCH_BYTES - bytes });
    }
  }
  return batches;
}

/** Attribute names and types, plus 64 for the due time and the kind. */
const FIXED_BYTES = Object.values(MESSAGE_ATTRIBUTES).reduce((sum, name) => sum + name.length + "String".length, 64);

/** As SQS counts it: the body, and the name, type and value of each attribute. */
function messageBytes({ data, id, version, shard, fireId }: Fire): number {
  // Only the data can contain non-ASCII characters.
  return Buffer.byteLength(data) + id.length + version.length + shard.length + fireId.length + FIXED_BYTES;
}
