/** Timers in memory: table, queue, clock. */
import { AwsJsonError, type AwsJson } from "../../functions/shared/aws/aws-json";
import { errorResponse, type RawRequest } from "../../functions/shared/handlers/rest-handler";
import { scopeOf } from "../../functions/shared/handlers/scopes";
import { jsonText } from "../../functions/shared/json-text";
import { timerRoutes, type TimerPorts } from "../../functions/timers/api/routes";
import type { FireQueue } from "../../functions/timers/queue/fire-queue";
import type { Fire, StoredTimer } from "../../functions/timers/schedule/timer";
import { overdueSlot, type IndexKey } from "../../functions/timers/schedule/fire-times";
import { fireRequests, type FireRequests } from "../../functions/timers/storage/fire-requests";
import type { History, RecordedFire } from "../../functions/timers/storage/history";
import { TIMER_KEYS, type ApiRouteName, type Callbacks } from "../../functions/timers/contract";
import { partitionOf, rowKey, timerKey } from "../../functions/timers/storage/timer-row";
import {
  TimerChangedError,
  type DueRange,
  type ListKey,
  type TimerId,
  type TimerPartition,
  type TimerTable,
} from "../../functions/timers/storage/timer-table";
import { holds, updated, type Item, type Request } from "./dynamodb-expressions";

/** An in-memory timers table and queue for tests of the API. */
export interface FakeTimers {
  readonly rows: Map<string, StoredTimer>;
  readonly sent: Fire[];
  readonly table: Pick<TimerTable, "get" | "delete" | "list" | "put" | "advance" | "ensureCursor" | "recordShardCount">;
  readonly queue: FireQueue;
  /** Of all timers, in any order. */
  readonly recorded: (RecordedFire & TimerId)[];
  readonly history: Pick<History, "read">;
  readonly fireRequests: FireRequests;
  readonly callbacks: Callbacks;
}

/** @param maxShards largest shard count ever */
export function fakeTimers(maxShards = 1): FakeTimers {
  const rows = new Map<string, StoredTimer>();
  const indexKeys = new Map<string, IndexKey | undefined>();
  const sent: Fire[] = [];
  const recorded: (RecordedFire & TimerId)[] = [];
  const keyOf = ({ kind, id }: TimerId) => `${kind}#${id}`;
  const read = (key: TimerId): StoredTimer | undefined => {
    const timer = rows.get(keyOf(key));
    const isOverdue = timer !== undefined && indexKeys.get(keyOf(key))?.slot === overdueSlot(timer.shard);
    return isOverdue ? { ...timer, isOverdue: true } : timer;
  };
  return {
    rows,
    sent,
    recorded,
    history: {
      read: ({ kind, id }, limit, after) => {
        const all = recorded
          .filter((fire) => fire.kind === kind && fire.id === id)
          .map(({ kind: _, id: __, ...fire }) => fire)
          .sort((a, b) => b.due - a.due);
        const from = after === undefined ? 0 : Number(after);
        const next = from + limit < all.length ? { next: String(from + limit) } : {};
        return Promise.resolve({ fires: all.slice(from, from + limit), ...next });
      },
    },
    fireRequests: fireRequests(conditionalWrites(), "timers"),
    callbacks: {
      default: { queueUrl: "https://sqs/fires", history: true },
      billing: { queueUrl: "https://sqs/fires-billing", history: false },
    },
    table: {
      get: (key) => Promise.resolve(read(key)),
      delete: (key, version) => {
        const stored = rows.get(keyOf(key));
        if (version !== undefined && stored !== undefined && stored.version !== version)
          return Promise.reject(new TimerChangedError("the timer does not have this version", stored));
        rows.delete(keyOf(key));
        return Promise.resolve();
      },
      list: (range, limit, after) => {
        if ("slot" in range && after?.dueMs !== undefined && (after.dueMs < range.from || after.dueMs > range.to))
          return Promise.reject(new Error("ValidationException: the key is outside of the range"));
        const order = ({ dueMs = 0, sort }: ListKey) => `${String(dueMs).padStart(16, "0")} ${sort}`;
        const all = [...rows.entries()]
          .map(([sort, timer]) => ({
            timer,
            indexKey: indexKeys.get(sort),
            key: keyIn(range, sort, indexKeys.get(sort)),
          }))
          .filter(({ timer, indexKey }) => isIn(range, timer, indexKey))
          .sort((a, b) => (order(a.key) < order(b.key) ? -1 : 1))
          .filter(({ key }) => after === undefined || order(key) > order(after));
        const page = all.slice(0, limit);
        const next = all.length > limit ? page.at(-1)?.key : undefined;
        return Promise.resolve({
          timers: page.map(({ timer }) => timer),
          keys: page.map(({ key }) => key),
          corrupt: [],
          ...(next !== undefined && { next }),
        });
      },
      put: (timer, indexKey, replaces) => {
        const stored = read(timer);
        if (replaces !== undefined && replaces !== (stored?.version ?? null))
          return Promise.reject(new TimerChangedError(`the timer "${timer.id}" does not have that version`, stored));
        rows.set(keyOf(timer), timer);
        indexKeys.set(keyOf(timer), indexKey);
        return Promise.resolve();
      },
      advance: (advances) => {
        for (const { timer, indexKey } of advances) {
          rows.set(keyOf(timer), timer);
          indexKeys.set(keyOf(timer), indexKey);
        }
        return Promise.resolve([]);
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

/** Rows that are updated and deleted on conditions. */
export function conditionalWrites(): AwsJson {
  const rows = new Map<string, Item>();
  return {
    call: (target, body) => {
      const request = JSON.parse(body) as Request;
      const key = JSON.stringify(request.Key);
      const before = rows.get(key) ?? {};
      const { ConditionExpression: condition } = request;
      if (condition !== undefined && !holds(condition, before, request))
        return Promise.reject(new AwsJsonError("ConditionalCheckFailedException", "no", 400, { Item: before }));
      if (target.endsWith(".DeleteItem")) rows.delete(key);
      else rows.set(key, updated({ ...request.Key, ...before }, request));
      return Promise.resolve("{}");
    },
    close: () => undefined,
  };
}

function isIn(range: TimerPartition | DueRange, { kind, id }: StoredTimer, indexKey: IndexKey | undefined): boolean {
  if ("slot" in range)
    return indexKey?.slot === range.slot && range.from <= indexKey.dueMs && indexKey.dueMs <= range.to;
  const partition = rowKey(timerKey(kind, id))[TIMER_KEYS.partition]?.S;
  return partition === partitionOf(range.kind, range.partition) && id.startsWith(range.prefix ?? "");
}

function keyIn(range: TimerPartition | DueRange, sort: string, indexKey: IndexKey | undefined): ListKey {
  return "slot" in range && indexKey !== undefined ? { sort, dueMs: indexKey.dueMs } : { sort };
}

/** Calls a route as the REST handler does: errors are responses. */
export async function callRoute(
  ports: TimerPorts,
  route: ApiRouteName,
  request: Partial<RawRequest> = {},
): Promise<{ readonly status: number; readonly text: string }> {
  try {
    const { status = 200, body } = await timerRoutes(ports)[route]({
      scope: scopeOf(undefined, undefined),
      path: {},
      query: {},
      headers: {},
      deadline: ports.now() + 29_000,
      body: undefined,
      text: "",
      ...request,
    });
    return { status, text: jsonText(body) };
  } catch (error) {
    const { status, body } = errorResponse(error);
    return { status, text: jsonText(body) };
  }
}
