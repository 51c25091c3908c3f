/** How far the dispatcher is in a shard. Pure. */
import { DEFAULT_CALLBACK } from "../contract";
import type { Timer } from "../schedule/timer";

export interface ShardCursor {
  /** All fires scheduled up to this time, inclusive, are enqueued. Epoch milliseconds. */
  readonly cursor: number;
  /** Callbacks whose queues have not accepted their fires, by name: the cursor is that of all others. @default none */
  readonly behind?: Readonly<Record<string, { readonly cursor: number }>>;
}

/** By shard: `shard0`. */
export type ShardCursors = ReadonlyMap<string, ShardCursor>;

/** Up to when a timer's fires are enqueued, epoch milliseconds; 0 for a shard without a cursor. */
export function cursorOf({ shard, options }: Pick<Timer, "shard" | "options">, cursors: ShardCursors): number {
  const { cursor = 0, behind = {} } = cursors.get(shard) ?? {};
  const callback = options?.callback ?? DEFAULT_CALLBACK;
  return Object.hasOwn(behind, callback) ? (behind[callback]?.cursor ?? cursor) : cursor;
}

/** Up to when the fires of all callbacks are enqueued. */
export function oldestOf({ cursor, behind = {} }: ShardCursor): number {
  return Math.min(cursor, ...Object.values(behind).map((callback) => callback.cursor));
}
