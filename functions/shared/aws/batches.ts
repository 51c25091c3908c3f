/** Sends items in batches, and retries those that AWS returns as unprocessed. */
import { jitteredBackoffMs } from "../resilience/backoff";
import { sleep, type Clock } from "../clock";
import { mapConcurrently } from "../resilience/concurrency";

const BACKOFF = { firstMs: 50, longestMs: 5_000 };

export interface BatchOptions<Item> {
  /** The service's limit of items per call: 25 for DynamoDB's BatchWriteItem, 10 for SQS's SendMessageBatch. */
  readonly batchSize: number;
  /** Concurrent calls. */
  readonly concurrency: number;
  /** Epoch milliseconds. No retry starts after it. */
  readonly deadline: number;
  readonly clock: Clock;
  /** Uniform in [0, 1): jitter of retries. */
  readonly random: () => number;
  /** Sends one batch and returns the unprocessed items, to be retried. An error gives up the batch. */
  readonly send: (batch: readonly Item[]) => Promise<readonly Item[]>;
}

/** Empty when all items were sent. */
export interface Unsent<Item> {
  readonly items: readonly Item[];
  readonly errors: readonly unknown[];
}

/**
 * Sends items in batches. Retries unprocessed items with exponential backoff and full jitter until the deadline. Never throws: a
 * failed batch does not stop the others.
 */
export async function sendInBatches<Item>(items: readonly Item[], options: BatchOptions<Item>): Promise<Unsent<Item>> {
  const results = await mapConcurrently(chunksOf(items, options.batchSize), options.concurrency, (batch) =>
    sendBatch(batch, options),
  );
  return { items: results.flatMap(({ items }) => items), errors: results.flatMap(({ errors }) => errors) };
}

async function sendBatch<Item>(batch: readonly Item[], options: BatchOptions<Item>): Promise<Unsent<Item>> {
  const { clock, deadline, random, send } = options;
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
