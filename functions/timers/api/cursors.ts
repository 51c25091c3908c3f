/** The dispatcher's cursors, to separate enqueued from pending fires. */
import { oldestOf, type ShardCursor, type ShardCursors } from "../storage/shard-cursor";

export interface CursorReader {
  /** The cursors of these shards. One past `now` may be cached. */
  get(shards: ReadonlySet<string>, now: number): Promise<ShardCursors>;
}

/** Caches cursors that are ahead of now: a cursor only advances. */
export function cursorReader(read: (shards: readonly string[]) => Promise<ShardCursors>): CursorReader {
  const cache = new Map<string, ShardCursor>();
  return {
    get: async (shards, now) => {
      const missing = [...shards].filter((shard) => {
        const cached = cache.get(shard);
        return cached === undefined || oldestOf(cached) < now;
      });
      if (missing.length > 0) for (const [shard, cursor] of await read(missing)) cache.set(shard, cursor);
      return cache;
    },
  };
}
