import type { FireQueue } from "../../functions/timers/queue/fire-queue";
import type { Fire, StoredTimer } from "../../functions/timers/schedule/timer";
import { TimerChangedError, type TimerId, type TimerTable } from "../../functions/timers/storage/timer-table";

/** A timers table in memory, as far as the API needs it, and the queue beside it. */
export interface FakeTimers {
  readonly rows: Map<string, StoredTimer>;
  readonly sent: Fire[];
  readonly table: Pick<TimerTable, "get" | "delete" | "list" | "put" | "move" | "ensureCursor" | "rememberShards">;
  readonly queue: FireQueue;
}

/** @param everShards how many shards there were at most */
export function fakeTimers(everShards = 1): FakeTimers {
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
      // As a scan does: the limit is of rows looked at, of whatever kind.
      list: (kind, limit, after) => {
        const all = [...rows.keys()].sort();
        const from = after === undefined ? 0 : all.findIndex((key) => key > after);
        const keys = from < 0 ? [] : all.slice(from, from + limit);
        const next = from >= 0 && from + limit < all.length ? keys.at(-1) : undefined;
        const timers = keys.flatMap((key) => rows.get(key) ?? []).filter((timer) => timer.kind === kind);
        return Promise.resolve({ timers, ...(next !== undefined && { next }) });
      },
      put: (timer, _, replaces) => {
        const there = rows.get(keyOf(timer))?.version ?? null;
        if (replaces !== undefined && replaces !== there)
          return Promise.reject(new TimerChangedError(`the timer "${timer.id}" is not of that version`));
        rows.set(keyOf(timer), timer);
        return Promise.resolve();
      },
      move: (timer) => {
        rows.set(keyOf(timer), timer);
        return Promise.resolve();
      },
      ensureCursor: () => Promise.resolve(),
      rememberShards: (count) => Promise.resolve(Math.max(count, everShards)),
    },
    queue: {
      send: (fires) => {
        sent.push(...fires);
        return Promise.resolve({ unsent: [], refused: [], errors: [] });
      },
    },
  };
}
