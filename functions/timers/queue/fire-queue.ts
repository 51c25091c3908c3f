/** Puts fires into the queue: full batches, delays, and retries of what was not taken. The wire is a port. */
import { jitteredBackoffMs } from "../../shared/backoff";
import { sleep, type Clock } from "../../shared/clock";
import { semaphore } from "../../shared/concurrency";
import { MESSAGE_ATTRIBUTES } from "../contract";
import type { Fire } from "../schedule/timer";

/** SendMessageBatch's own limits. */
const BATCH_ENTRIES = 10;
const BATCH_BYTES = 262_144;
const MAX_DELAY_SECONDS = 900;

const ATTEMPTS = 6;
const BACKOFF = { firstMs: 100, longestMs: 3_000 };

/** One entry of a SendMessageBatch. `id` is its index in the batch. */
export interface Entry {
  readonly fire: Fire;
  readonly delaySeconds: number;
}

/** What became of the entries of a batch that were not taken, by index. */
export interface NotTaken {
  readonly index: number;
  /** True: it never will be, as it is. */
  readonly refused: boolean;
  readonly reason: string;
}

/** One SendMessageBatch. Rejects when the request failed as a whole, its own retries included. */
export type SendBatch = (entries: readonly Entry[]) => Promise<readonly NotTaken[]>;

/** SQS refuses a fire for what is in it. */
export class FireRefusedError extends Error {
  override readonly name = "FireRefusedError";

  constructor({ fire, reason }: UnsentFires["refused"][number]) {
    super(`${fire.fireId}: ${reason}`);
  }
}

/** Fires that are not in the queue. */
export interface UnsentFires {
  /** Those that a later try may send. */
  readonly unsent: readonly Fire[];
  /** Those that SQS refuses for what is in them: trying again does not help. */
  readonly refused: readonly { readonly fire: Fire; readonly reason: string }[];
  /** Why, where it is known. */
  readonly errors: readonly unknown[];
}

export interface FireQueue {
  /** Never rejects: one failing batch does not stop the others. */
  send(fires: readonly Fire[]): Promise<UnsentFires>;
}

export interface FireQueueServices {
  readonly sendBatch: SendBatch;
  readonly clock: Clock;
  /** Uniform in [0, 1): spreads retries. */
  readonly random: () => number;
  /** Batches on their way at one time, of all callers together. */
  readonly concurrency: number;
}

export function fireQueue({ sendBatch, clock, random, concurrency }: FireQueueServices): FireQueue {
  const limit = semaphore(concurrency);

  async function deliver(batch: readonly Fire[], unsent: Fire[], refused: Refused[], errors: unknown[]): Promise<void> {
    let left = batch;
    for (let attempt = 1; ; attempt++) {
      const sending = left;
      try {
        const entries = sending.map((fire) => ({ fire, delaySeconds: delaySeconds(fire, clock.now()) }));
        const notTaken = await sendBatch(entries);
        if (notTaken.length === 0) return;
        left = [];
        const again: Fire[] = [];
        for (const { index, refused: isRefused, reason } of notTaken) {
          const fire = sending[index];
          if (fire === undefined) throw new Error(`SQS answered about entry ${index} of ${sending.length}`);
          if (isRefused) refused.push({ fire, reason });
          else again.push(fire);
        }
        left = again;
        if (left.length === 0) return;
      } catch (error) {
        errors.push(error);
        left = sending;
      }
      if (attempt === ATTEMPTS) {
        unsent.push(...left);
        return;
      }
      await sleep(clock, jitteredBackoffMs(attempt, BACKOFF, random));
    }
  }

  return {
    send: async (fires) => {
      const unsent: Fire[] = [];
      const refused: Refused[] = [];
      const errors: unknown[] = [];
      await Promise.all(batchesOf(fires).map((batch) => limit(() => deliver(batch, unsent, refused, errors))));
      return { unsent, refused, errors };
    },
  };
}

interface Refused {
  readonly fire: Fire;
  readonly reason: string;
}

/** Rounded down, so that no fire waits for longer than until its time: the callback waits for the rest of the second. */
export function delaySeconds({ due }: Fire, now: number): number {
  return Math.max(0, Math.min(MAX_DELAY_SECONDS, Math.floor((due - now) / 1_000)));
}

/** Ten to a batch, fewer where they are large. */
function batchesOf(fires: readonly Fire[]): readonly (readonly Fire[])[] {
  const batches: Fire[][] = [];
  let room = 0;
  for (const fire of fires) {
    const bytes = messageBytes(fire);
    const batch = batches.at(-1);
    if (batch !== undefined && batch.length < BATCH_ENTRIES && bytes <= room) {
      batch.push(fire);
      room -= bytes;
    } else {
      batches.push([fire]);
      room = BATCH_BYTES - bytes;
    }
  }
  return batches;
}

/** Names, types and the due time, and what little else there is. */
const FIXED_BYTES = Object.values(MESSAGE_ATTRIBUTES).reduce((sum, name) => sum + name.length + "String".length, 64);

/** What SQS counts: the body, and each attribute's name, type and value. */
function messageBytes({ data, id, version, shard, fireId }: Fire): number {
  // All but the data is plain ASCII.
  return Buffer.byteLength(data) + id.length + version.length + shard.length + fireId.length + FIXED_BYTES;
}
