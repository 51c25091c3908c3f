/** The dispatcher's cursors, to separate enqueued from pending fires. */

export interface CursorReader {
  /** The cursors of these shards, epoch milliseconds. A cursor past `now` may be cached. */
  get(shards: ReadonlySet<string>, now: number): Promise<ReadonlyMap<string, number>>;
}

/** Caches cursors that are ahead of now: a cursor only advances. */
export function cursorReader(read: (shards: readonly string[]) => Promise<ReadonlyMap<string, number>>): CursorReader {
  const cache = new Map<string, number>();
  return {
    get: async (shards, now) => {
      const missing = [...shards].filter((shard) => (cache.get(shard) ?? -Infinity) < now);
      if (missing.length > 0) for (const [shard, cursor] of await read(missing)) cache.set(shard, cursor);
      return cache;
    },
  };
}
