import type { FireQueue } from "../../functions/timers/queue/fire-queue";
import type { Fire, StoredTimer } from "../../functions/timers/schedule/timer";
import { TimerChangedError, type TimerId, type TimerTable } from "../../functions/timers/storage/timer-table";

/** An in-memory timers table and queue for tests of the API. */
export interface FakeTimers {
  readonly rows: Map<string, StoredTimer>;
  readonly sent: Fire[];
  readonly table: Pick<TimerTable, "get" | "delete" | "list" | "put" | "advance" | "ensureCursor" | "recordShardCount">;
  readonly queue: FireQueue;
}

/** @param maxShards largest shard count ever */
export function fakeTimers(maxShards = 1): FakeTimers {
  const rows = new Map<string, StoredTimer>();
  const sent: Fire[] = [];
  const keyOf = ({ kind, id }: TimerId) => `${kind}#${id}`;
  return {
    rows,
    sent,
    table: {
      get: (key) => Promise.resolve(rows.get(keyOf(key))),
      delete: (key) => {
        rows.delete(keyOf(key));
        return Promise.resolve();
      },
      // Like a scan: the limit counts rows of both kinds.
      list: (kind, limit, after) => {
        const all = [...rows.keys()].sort();
        const from = after === undefined ? 0 : all.findIndex((key) => key > after);
        const keys = from < 0 ? [] : all.slice(from, from + limit);
        const next = from >= 0 && from + limit < all.length ? keys.at(-1) : undefined;
        const timers = keys.flatMap((key) => rows.get(key) ?? []).filter((timer) => timer.kind === kind);
        return Promise.resolve({ timers, corrupt: [], ...(next !== undefined && { next }) });
      },
      put: (timer, _, replaces) => {
        const stored = rows.get(keyOf(timer));
        if (replaces !== undefined && replaces !== (stored?.version ?? null))
          return Promise.reject(new TimerChangedError(`the timer "${timer.id}" does not have that version`, stored));
        rows.set(keyOf(timer), timer);
        return Promise.resolve();
      },
      advance: (timer) => {
        rows.set(keyOf(timer), timer);
        return Promise.resolve();
      },
      ensureCursor: () => Promise.resolve(),
      recordShardCount: (count) => Promise.resolve(Math.max(count, maxShards)),
    },
    queue: {
      send: (fires) => {
        sent.push(...fires);
        return Promise.resolve({ unsent: [], rejected: [], errors: [] });
      },
    },
  };
}
