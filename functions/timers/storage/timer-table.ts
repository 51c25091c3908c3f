/** The timers table: rows of timers, cursors and the shard count. */
import * as z from "zod";

import { isConditionFailure, type AwsJson } from "../../shared/aws/aws-json";
import { sendInBatches } from "../../shared/aws/batches";
import type { Clock } from "../../shared/clock";
import { parseJson } from "../../shared/input";
import { DUE_INDEX, TIMER_KEYS } from "../contract";
import type { IndexKey } from "../schedule/fire-times";
import type { StoredTimer, TimerKind } from "../schedule/timer";
import { partitionOf, readTimerRow, rowKey, timerIdOf, timerKey, timerRow, type Row } from "./timer-row";

/** BatchGetItem's limit. */
const KEYS_PER_READ = 100;
const CONCURRENT_READS = 4;

/** BatchExecuteStatement's limit. */
export const STATEMENTS_PER_CALL = 25;
const CONCURRENT_WRITES = 8;

/** Limit of retries of unprocessed keys and statements. */
const BATCHES_TIMEOUT_MS = 10_000;

/** Key of the row with the largest shard count ever configured. */
const SHARD_COUNT_KEY = "shard-count#";

/**
 * The row was written or deleted concurrently, or has another version than expected.
 *
 * @property stored the row of a failed put; undefined when it does not exist or is corrupt
 */
export class TimerChangedError extends Error {
  override readonly name = "TimerChangedError";

  constructor(
    message: string,
    readonly stored?: StoredTimer,
    options?: ErrorOptions & { readonly isCorrupt?: boolean },
  ) {
    super(message, options);
    this.isCorrupt = options?.isCorrupt ?? false;
  }

  readonly isCorrupt: boolean;
}

export interface TimerId {
  readonly kind: TimerKind;
  readonly id: string;
}

/** Timers that exist, and an error for each row that cannot be read. */
export interface TimerRows {
  readonly timers: readonly StoredTimer[];
  readonly corrupt: readonly CorruptRow[];
}

export interface CorruptRow extends TimerId {
  readonly error: unknown;
}

/** A row of a list, to continue after it. */
export interface ListKey {
  /** `periodic#<id>` */
  readonly sort: string;
  /** In the index. */
  readonly dueMs?: number;
}

/** What a list reads, in order: the timers of one kind, by id. */
export interface TimerPartition {
  readonly kind: TimerKind;
  /** 0 to TIMER_PARTITIONS - 1 */
  readonly partition: number;
  /** Of their ids. @default all */
  readonly prefix?: string;
}

/** ... or the timers of one slot of the index, by due time. Eventually consistent. Times in epoch milliseconds, inclusive. */
export interface DueRange {
  readonly slot: string;
  readonly from: number;
  readonly to: number;
}

/** `next`: for the next page; undefined on the last. */
export interface TimerPage extends TimerRows {
  readonly next?: ListKey;
  /** Of each timer, in their order. */
  readonly keys: readonly ListKey[];
}

/** A timer whose fires were enqueued, and where it moves in the index; undefined: out of it. */
export interface Advance {
  readonly timer: StoredTimer;
  readonly indexKey: IndexKey | undefined;
  /** The stored `enqueuedUntil`. With another one, or another version, the timer has changed. */
  readonly previous: number;
}

/** Reads are strongly consistent, except {@link DueRange}s. */
export interface TimerTable {
  /** @throws {@link CorruptRowError} */
  get(key: TimerId): Promise<StoredTimer | undefined>;
  /** The existing ones, unordered, without duplicates. */
  getMany(keys: readonly TimerId[]): Promise<TimerRows>;
  /** @param limit rows at most; @param after in the range */
  list(range: TimerPartition | DueRange, limit: number, after?: ListKey): Promise<TimerPage>;
  /**
   * @param replaces the version to replace; null: only creates; undefined: replaces anything
   * @throws {@link TimerChangedError}
   */
  put(timer: StoredTimer, indexKey: IndexKey | undefined, replaces?: string | null): Promise<void>;
  /**
   * Saves `enqueuedUntil`, `firesLeft` and index key of timers.
   *
   * @returns those that have changed concurrently: they are not saved
   * @throws when some could not be saved; all others are
   */
  advance(advances: readonly Advance[]): Promise<readonly Advance[]>;
  /** @param version only this one. @throws {@link TimerChangedError} when it has another */
  delete(key: TimerId, version?: string): Promise<void>;
  /** Creates the cursor of a shard unless it exists. Cached per process. @param at epoch milliseconds */
  ensureCursor(shard: string, at: number): Promise<void>;
  /** Saves the shard count if it is the largest ever. @returns the largest ever */
  recordShardCount(count: number): Promise<number>;
}

/** The partition key of a shard's cursor. */
export function cursorKey(shard: string): string {
  return `cursor#${shard}`;
}

export interface TimerTableServices {
  readonly clock: Clock;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  /** Epoch milliseconds: every call settles by then. @default no limit */
  readonly deadline?: number;
  /** Shards whose cursors are known to exist. Outlives the table. @default none */
  readonly ensured?: Set<string>;
}

const rowSchema = z.custom<Row>((row) => typeof row === "object" && row !== null);
const itemResponse = z.object({ Item: rowSchema.optional() });
const pageResponse = z.object({
  Items: z.array(rowSchema).default([]),
  LastEvaluatedKey: rowSchema.optional(),
});
const batchResponse = z.object({
  Responses: z.record(z.string(), z.array(rowSchema)).default({}),
  UnprocessedKeys: z.record(z.string(), z.object({ Keys: z.array(rowSchema) })).default({}),
});
/** In the order of the statements. */
const statementsResponse = z.object({
  Responses: z.array(z.object({ Error: z.object({ Code: z.string(), Message: z.string().default("") }).optional() })),
});

/** @param dynamodb without the SDK: a PUT takes a third of its CPU time */
export function timerTable(
  dynamodb: AwsJson,
  TableName: string,
  { clock, random, deadline, ensured = new Set() }: TimerTableServices,
): TimerTable {
  const call = async (action: string, input: object): Promise<unknown> =>
    parseJson(await dynamodb.call(`DynamoDB_20120810.${action}`, JSON.stringify(input), deadline));

  const batches = () => ({
    deadline: Math.min(clock.now() + BATCHES_TIMEOUT_MS, deadline ?? Infinity),
    clock,
    random,
  });

  /** @throws {@link TimerChangedError} */
  async function write(action: "PutItem" | "DeleteItem", input: object, message: string): Promise<void> {
    try {
      await call(action, { TableName, ...input });
    } catch (cause) {
      if (!isConditionFailure(cause)) throw cause;
      const { Item } = itemResponse.safeParse(cause.response).data ?? {};
      const stored = Item && readRow(Item);
      throw new TimerChangedError(message, stored?.timer, { cause, isCorrupt: stored?.corrupt !== undefined });
    }
  }

  return {
    get: async ({ kind, id }) => {
      const Key = rowKey(timerKey(kind, id));
      const { Item } = itemResponse.parse(await call("GetItem", { TableName, Key, ConsistentRead: true }));
      return Item && readTimerRow(Item);
    },

    getMany: async (keys) => {
      const rows: Row[] = [];
      const unique = [...new Set(keys.map(({ kind, id }) => timerKey(kind, id)))];
      const { items, errors } = await sendInBatches(unique, {
        ...batches(),
        batchSize: KEYS_PER_READ,
        concurrency: CONCURRENT_READS,
        send: async (batch) => {
          const RequestItems = { [TableName]: { Keys: batch.map(rowKey), ConsistentRead: true } };
          const { Responses, UnprocessedKeys } = batchResponse.parse(await call("BatchGetItem", { RequestItems }));
          rows.push(...(Responses[TableName] ?? []));
          return (UnprocessedKeys[TableName]?.Keys ?? []).flatMap((key) => key[TIMER_KEYS.sort]?.S ?? []);
        },
      });
      if (items.length > 0) throw new Error(`${items.length} timers could not be read`, { cause: errors[0] });
      return readRows(rows);
    },

    list: async (range, limit, after) => {
      const { Items, LastEvaluatedKey } = pageResponse.parse(
        await call("Query", {
          TableName,
          Limit: limit,
          ...("slot" in range ? dueQuery(range) : partitionQuery(range)),
          ...(after !== undefined && { ExclusiveStartKey: startKey(range, after) }),
        }),
      );
      const read = Items.map((row) => ({ key: listKey(row), ...readRow(row) }));
      return {
        timers: read.flatMap(({ timer }) => timer ?? []),
        keys: read.flatMap(({ timer, key }) => (timer === undefined ? [] : [key])),
        corrupt: read.flatMap(({ corrupt }) => corrupt ?? []),
        ...(LastEvaluatedKey !== undefined && { next: listKey(LastEvaluatedKey) }),
      };
    },

    put: (timer, indexKey, replaces) => {
      const Item = timerRow(timer, indexKey);
      const message = replaces === null ? "the timer already exists" : OTHER_VERSION;
      return write("PutItem", { Item, ...conditionOf(replaces) }, message);
    },

    advance: async (advances) => {
      const changed: Advance[] = [];
      const { items, errors } = await sendInBatches(advances, {
        ...batches(),
        batchSize: STATEMENTS_PER_CALL,
        concurrency: CONCURRENT_WRITES,
        send: async (batch) => {
          const Statements = batch.map((advance) => advanceStatement(TableName, advance));
          const { Responses } = statementsResponse.parse(await call("BatchExecuteStatement", { Statements }));
          const failed = batch.flatMap((advance, index) => {
            const error = Responses[index]?.Error;
            return error === undefined ? [] : [{ advance, ...error }];
          });
          changed.push(...failed.filter(({ Code }) => Code === CHANGED_CODE).map(({ advance }) => advance));
          const others = failed.filter(({ Code }) => Code !== CHANGED_CODE);
          const final = others.find(({ Code }) => !TRANSIENT_CODES.has(Code));
          if (final !== undefined) throw new Error(`${final.Code}: ${final.Message}`);
          return others.map(({ advance }) => advance);
        },
      });
      if (items.length > 0) throw new Error(`${items.length} timers could not be advanced`, { cause: errors[0] });
      return changed;
    },

    delete: ({ kind, id }, version) => {
      const Key = rowKey(timerKey(kind, id));
      if (version === undefined) return write("DeleteItem", { Key }, "");
      // A timer that does not exist is deleted already, perhaps by an earlier attempt.
      const { ConditionExpression, ...condition } = versionIs(version);
      const isDeletable = `attribute_not_exists(#version) OR ${ConditionExpression}`;
      return write("DeleteItem", { Key, ...condition, ConditionExpression: isDeletable }, OTHER_VERSION);
    },

    ensureCursor: async (shard, at) => {
      if (ensured.has(shard)) return;
      try {
        const Item = { ...rowKey(cursorKey(shard)), cursor: { N: String(at) } };
        await call("PutItem", { TableName, Item, ...NOT_EXISTS });
      } catch (error) {
        if (!isConditionFailure(error)) throw error;
      }
      ensured.add(shard);
    },

    recordShardCount: async (count) => {
      const Key = rowKey(SHARD_COUNT_KEY);
      const { Item } = itemResponse.parse(await call("GetItem", { TableName, Key, ConsistentRead: true }));
      const maxShards = Number(Item?.["maxShards"]?.N ?? 0);
      if (maxShards >= count) return maxShards;
      try {
        await call("UpdateItem", {
          TableName,
          Key,
          UpdateExpression: "SET #maxShards = :count",
          ConditionExpression: "attribute_not_exists(#maxShards) OR #maxShards < :count",
          ExpressionAttributeNames: { "#maxShards": "maxShards" },
          ExpressionAttributeValues: { ":count": { N: String(count) } },
        });
      } catch (error) {
        // Saved concurrently by another run, which processes the additional shards.
        if (!isConditionFailure(error)) throw error;
      }
      return count;
    },
  };
}

function partitionQuery({ kind, partition, prefix = "" }: TimerPartition): object {
  return {
    ConsistentRead: true,
    KeyConditionExpression: "#partition = :partition AND begins_with(#timer, :prefix)",
    ExpressionAttributeNames: { "#partition": TIMER_KEYS.partition, "#timer": TIMER_KEYS.sort },
    ExpressionAttributeValues: {
      ":partition": { S: partitionOf(kind, partition) },
      ":prefix": { S: timerKey(kind, prefix) },
    },
  };
}

function dueQuery({ slot, from, to }: DueRange): object {
  return {
    IndexName: DUE_INDEX.name,
    KeyConditionExpression: "#slot = :slot AND #dueMs BETWEEN :from AND :to",
    ExpressionAttributeNames: { "#slot": DUE_INDEX.partition, "#dueMs": DUE_INDEX.sort },
    ExpressionAttributeValues: { ":slot": { S: slot }, ":from": { N: String(from) }, ":to": { N: String(to) } },
  };
}

function startKey(range: TimerPartition | DueRange, { sort, dueMs = 0 }: ListKey): Row {
  const key = rowKey(sort);
  return "slot" in range
    ? { ...key, [DUE_INDEX.partition]: { S: range.slot }, [DUE_INDEX.sort]: { N: String(dueMs) } }
    : key;
}

function listKey(row: Row): ListKey {
  const dueMs = row[DUE_INDEX.sort]?.N;
  return { sort: row[TIMER_KEYS.sort]?.S ?? "", ...(dueMs !== undefined && { dueMs: Number(dueMs) }) };
}

/** One row that cannot be read does not hide the others. */
function readRows(rows: readonly Row[]): TimerRows {
  const read = rows.map(readRow);
  return {
    timers: read.flatMap(({ timer }) => timer ?? []),
    corrupt: read.flatMap(({ corrupt }) => corrupt ?? []),
  };
}

function readRow(row: Row): { readonly timer?: StoredTimer; readonly corrupt?: CorruptRow } {
  try {
    return { timer: readTimerRow(row) };
  } catch (error) {
    return { corrupt: { ...timerIdOf(row), error } };
  }
}

const NOT_EXISTS = {
  ConditionExpression: "attribute_not_exists(#key)",
  ExpressionAttributeNames: { "#key": TIMER_KEYS.sort },
};

/** Of a statement in a batch: the row has another version or `enqueuedUntil`, or does not exist. */
const CHANGED_CODE = "ConditionalCheckFailed";
/** Of a statement that may succeed when it is sent again. */
const TRANSIENT_CODES = new Set([
  "InternalServerError",
  "ProvisionedThroughputExceeded",
  "RequestLimitExceeded",
  "ThrottlingError",
  "TransactionConflict",
]);

/** Updates one row: in batches, which only statements of PartiQL have. */
function advanceStatement(table: string, { timer, indexKey, previous }: Advance) {
  const { kind, id, version, enqueuedUntil, firesLeft } = timer;
  const set: Row = {
    enqueuedUntil: { N: String(enqueuedUntil) },
    ...(firesLeft !== undefined && { firesLeft: { N: String(firesLeft) } }),
    ...(indexKey && { [DUE_INDEX.partition]: { S: indexKey.slot }, [DUE_INDEX.sort]: { N: String(indexKey.dueMs) } }),
  };
  const where: Row = {
    ...rowKey(timerKey(kind, id)),
    version: { S: version },
    enqueuedUntil: { N: String(previous) },
  };
  const changes = [
    ...Object.keys(set).map((name) => `SET "${name}" = ?`),
    ...(indexKey ? [] : [DUE_INDEX.partition, DUE_INDEX.sort].map((name) => `REMOVE "${name}"`)),
  ];
  const conditions = Object.keys(where).map((name) => `"${name}" = ?`);
  return {
    Statement: `UPDATE "${table}" ${changes.join(" ")} WHERE ${conditions.join(" AND ")}`,
    Parameters: [...Object.values(set), ...Object.values(where)],
  };
}

const OTHER_VERSION = "the timer does not have this version";

function versionIs(version: string) {
  return {
    ConditionExpression: "#version = :version",
    ExpressionAttributeNames: { "#version": "version" },
    ExpressionAttributeValues: { ":version": { S: version } },
  };
}

function conditionOf(version: string | null | undefined): object {
  if (version === undefined) return {};
  const condition = version === null ? NOT_EXISTS : versionIs(version);
  return { ...condition, ReturnValuesOnConditionCheckFailure: "ALL_OLD" };
}
