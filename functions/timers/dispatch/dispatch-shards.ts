/** Shares the time of one run among its shards. The core: time and I/O are ports. */
import { oldestOf } from "../storage/shard-cursor";
import { dispatchShard, SHUTDOWN_RESERVE_MS, type DispatchPorts, type DispatchReport } from "./dispatcher";

/** A turn, when shards wait. Less would be spent on leases and the first pages. */
const SHORTEST_SHARE_MS = 5_000;

export interface ShardsRun {
  readonly shards: readonly string[];
  /** Shards at the same time. */
  readonly concurrency: number;
  /** Epoch milliseconds. */
  readonly deadline: number;
  /** Unique to this run. */
  readonly owner: string;
}

export interface ShardsObserver {
  /** A turn of a shard has ended. */
  readonly dispatched: (shard: string, report: DispatchReport) => void;
  readonly failed: (shard: string, error: unknown) => void;
}

/**
 * Dispatches shards, those with the oldest cursor first, so that none starves. While others wait, a shard with much to do gets its share of
 * the time, and what is left at the end.
 *
 * @returns the cursors of shards that got no turn
 */
export async function dispatchShards(
  { shards, concurrency, deadline, owner }: ShardsRun,
  ports: DispatchPorts,
  { dispatched, failed }: ShardsObserver,
): Promise<readonly number[]> {
  const { clock, index } = ports;
  const cursors = await index.cursors(shards);
  const queue = [...cursors].sort(([, a], [, b]) => a.cursor - b.cursor).map(([shard]) => shard);
  const waiting = new Set(queue);
  const end = deadline - SHUTDOWN_RESERVE_MS;
  const work = async (): Promise<void> => {
    for (let shard = queue.shift(); shard !== undefined && clock.now() < end; shard = queue.shift()) {
      waiting.delete(shard);
      const share = ((end - clock.now()) * concurrency) / (queue.length + concurrency);
      const stopAt = queue.length === 0 ? end : Math.min(end, clock.now() + Math.max(SHORTEST_SHARE_MS, share));
      try {
        const report = await dispatchShard({ shard, owner: `${owner}.${shard}`, deadline, stopAt }, ports);
        dispatched(shard, report);
        if (report.outcome === "stopped") queue.push(shard);
      } catch (error) {
        failed(shard, error);
      }
    }
  };
  await Promise.all(Array.from({ length: concurrency }, work));
  return [...cursors].flatMap(([shard, cursor]) => (waiting.has(shard) ? [oldestOf(cursor)] : []));
}
