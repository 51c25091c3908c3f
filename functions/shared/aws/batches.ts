import { jitteredBackoffMs } from "../backoff";
import { sleep, type Clock } from "../clock";
import { mapConcurrently } from "../concurrency";

const BACKOFF = { firstMs: 50, longestMs: 5_000 };

export interface BatchSending<Item> {
  /** Items a call, the service's limit: 25 for DynamoDB's BatchWriteItem, 10 for SQS's SendMessageBatch. */
  readonly batchSize: number;
  /** Calls at a time. */
  readonly concurrency: number;
  /** Epoch milliseconds; no retry begins after it. */
  readonly deadline: number;
  readonly clock: Clock;
  /** Uniform in [0, 1): spreads the retries of many senders. */
  readonly random: () => number;
  /** Sends one batch and returns the items the service did not take, to be retried. A throw gives the whole batch up. */
  readonly send: (batch: readonly Item[]) => Promise<readonly Item[]>;
}

/** What could not be sent, and why where the service said so. Empty when all is well. */
export interface Unsent<Item> {
  readonly items: readonly Item[];
  readonly errors: readonly unknown[];
}

/**
 * Sends all items in batches, retrying what the service leaves unprocessed with full-jitter exponential backoff until the
 * deadline. Never throws: one failing batch does not stop the others, and the caller decides what an unsent item means.
 */
export async function sendInBatches<Item>(items: readonly Item[], sending: BatchSending<Item>): Promise<Unsent<Item>> {
  const results = await mapConcurrently(chunksOf(items, sending.batchSize), sending.concurrency, (batch) =>
    sendBatch(batch, sending),
  );
  return { items: results.flatMap(({ items }) => items), errors: results.flatMap(({ errors }) => errors) };
}

async function sendBatch<Item>(batch: readonly Item[], sending: BatchSending<Item>): Promise<Unsent<Item>> {
  const { clock, deadline, random, send } = sending;
  let unsent = batch;
  try {
    for (let attempt = 1; ; attempt++) {
      unsent = await send(unsent);
      if (unsent.length === 0) return { items: [], errors: [] };
      const backoff = jitteredBackoffMs(attempt, BACKOFF, random);
      if (clock.now() + backoff >= deadline) return { items: unsent, errors: [] };
      await sleep(clock, backoff);
    }
  } catch (error) {
    return { items: unsent, errors: [error] };
  }
}

function chunksOf<Item>(items: readonly Item[], size: number): readonly (readonly Item[])[] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, index) =>
    items.slice(index * size, (index + 1) * size),
  );
}
