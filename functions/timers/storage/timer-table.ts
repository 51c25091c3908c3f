/** The timers table: rows of timers, cursors and the shard count. */
import {
  BatchGetItemCommand,
  ConditionalCheckFailedException,
  DeleteItemCommand,
  GetItemCommand,
  PutItemCommand,
  ScanCommand,
  UpdateItemCommand,
  type AttributeValue,
  type DynamoDBClient,
  type PutItemCommandInput,
} from "@aws-sdk/client-dynamodb";

import { sendInBatches } from "../../shared/aws/batches";
import type { Clock } from "../../shared/clock";
import { TIMER_KEYS } from "../contract";
import type { IndexKey } from "../schedule/fire-times";
import type { StoredTimer, TimerKind } from "../schedule/timer";
import { readTimerRow, timerKey, timerRow, type Row } from "./timer-row";

/** BatchGetItem's limit. */
const KEYS_PER_READ = 100;
const CONCURRENT_READS = 4;

/** Limit of retries of unprocessed keys. */
const READ_TIMEOUT_MS = 10_000;

/** Key of the row with the largest shard count ever configured. */
const SHARD_COUNT_KEY = "shard-count#";

/** The row was written or deleted concurrently. */
export class TimerChangedError extends Error {
  override readonly name = "TimerChangedError";
}

export interface TimerId {
  readonly kind: TimerKind;
  readonly id: string;
}

/** Timers of one kind, unordered. `next`: for the next page; undefined on the last. */
export interface TimerPage {
  readonly timers: readonly StoredTimer[];
  readonly next?: string;
}

/** Reads are strongly consistent. */
export interface TimerTable {
  get(key: TimerId): Promise<StoredTimer | undefined>;
  /** The existing ones, unordered, without duplicates. */
  getMany(keys: readonly TimerId[]): Promise<readonly StoredTimer[]>;
  /** @param limit rows to scan: a page may have fewer timers, or none; @param after the `next` of the previous page */
  list(kind: TimerKind, limit: number, after?: string): Promise<TimerPage>;
  /**
   * @param replaces the version to replace; null: only creates; undefined: replaces any version
   * @throws {@link TimerChangedError}
   */
  put(timer: StoredTimer, indexKey: IndexKey | undefined, replaces?: string | null): Promise<void>;
  /**
   * Saves a timer's `enqueuedUntil`, `firesLeft` and index key.
   *
   * @param previous the stored `enqueuedUntil`
   * @throws {@link TimerChangedError} when the stored version or `enqueuedUntil` differs
   */
  advance(timer: StoredTimer, indexKey: IndexKey | undefined, previous: number): Promise<void>;
  delete(key: TimerId): Promise<void>;
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
}

export function timerTable(
  dynamodb: DynamoDBClient,
  TableName: string,
  { clock, random }: TimerTableServices,
): TimerTable {
  const ensured = new Set<string>();
  const keyOf = (key: string) => ({ [TIMER_KEYS.partition]: { S: key } });

  async function put(input: Omit<PutItemCommandInput, "TableName">, message: string): Promise<void> {
    try {
      await dynamodb.send(new PutItemCommand({ TableName, ...input }));
    } catch (cause) {
      throw cause instanceof ConditionalCheckFailedException ? new TimerChangedError(message, { cause }) : cause;
    }
  }

  return {
    get: async ({ kind, id }) => {
      const Key = keyOf(timerKey(kind, id));
      const { Item } = await dynamodb.send(new GetItemCommand({ TableName, Key, ConsistentRead: true }));
      return Item && readTimerRow(Item);
    },

    getMany: async (keys) => {
      const timers: StoredTimer[] = [];
      const unique = [...new Set(keys.map(({ kind, id }) => timerKey(kind, id)))];
      const { items, errors } = await sendInBatches(unique, {
        batchSize: KEYS_PER_READ,
        concurrency: CONCURRENT_READS,
        deadline: clock.now() + READ_TIMEOUT_MS,
        clock,
        random,
        send: async (batch) => {
          const { Responses, UnprocessedKeys } = await dynamodb.send(
            new BatchGetItemCommand({
              RequestItems: { [TableName]: { Keys: batch.map(keyOf), ConsistentRead: true } },
            }),
          );
          timers.push(...(Responses?.[TableName] ?? []).map(readTimerRow));
          return (UnprocessedKeys?.[TableName]?.Keys ?? []).flatMap((key) => key[TIMER_KEYS.partition]?.S ?? []);
        },
      });
      if (items.length > 0) throw new Error(`${items.length} timers could not be read`, { cause: errors[0] });
      return timers;
    },

    list: async (kind, limit, after) => {
      const { Items = [], LastEvaluatedKey } = await dynamodb.send(
        new ScanCommand({
          TableName,
          Limit: limit,
          FilterExpression: "begins_with(#key, :kind)",
          ExpressionAttributeNames: { "#key": TIMER_KEYS.partition },
          ExpressionAttributeValues: { ":kind": { S: `${kind}#` } },
          ...(after !== undefined && { ExclusiveStartKey: keyOf(after) }),
        }),
      );
      const next = LastEvaluatedKey?.[TIMER_KEYS.partition]?.S;
      return { timers: Items.map(readTimerRow), ...(next !== undefined && { next }) };
    },

    put: (timer, indexKey, replaces) => {
      const Item = timerRow(timer, indexKey);
      if (replaces === undefined) return put({ Item }, "");
      if (replaces === null)
        return put(
          {
            Item,
            ConditionExpression: "attribute_not_exists(#key)",
            ExpressionAttributeNames: { "#key": TIMER_KEYS.partition },
          },
          "the timer already exists",
        );
      return put({ Item, ...isVersion(replaces) }, "the timer does not have this version");
    },

    advance: async (timer, indexKey, previous) => {
      const { kind, id, version, enqueuedUntil, firesLeft } = timer;
      const { names, values, set, remove } = assignments({
        enqueuedUntil: { N: String(enqueuedUntil) },
        ...(firesLeft !== undefined && { firesLeft: { N: String(firesLeft) } }),
        slot: indexKey && { S: indexKey.slot },
        dueMs: indexKey && { N: String(indexKey.dueMs) },
      });
      try {
        await dynamodb.send(
          new UpdateItemCommand({
            TableName,
            Key: keyOf(timerKey(kind, id)),
            UpdateExpression: `${set}${remove}`,
            ConditionExpression: "#version = :version AND #enqueuedUntil = :previous",
            ExpressionAttributeNames: { ...names, "#version": "version" },
            ExpressionAttributeValues: { ...values, ":version": { S: version }, ":previous": { N: String(previous) } },
          }),
        );
      } catch (cause) {
        if (!(cause instanceof ConditionalCheckFailedException)) throw cause;
        throw new TimerChangedError("the timer has changed", { cause });
      }
    },

    delete: async ({ kind, id }) => {
      await dynamodb.send(new DeleteItemCommand({ TableName, Key: keyOf(timerKey(kind, id)) }));
    },

    ensureCursor: async (shard, at) => {
      if (ensured.has(shard)) return;
      try {
        await put(
          {
            Item: { ...keyOf(cursorKey(shard)), cursor: { N: String(at) } },
            ConditionExpression: "attribute_not_exists(#key)",
            ExpressionAttributeNames: { "#key": TIMER_KEYS.partition },
          },
          "the cursor exists",
        );
      } catch (error) {
        if (!(error instanceof TimerChangedError)) throw error;
      }
      ensured.add(shard);
    },

    recordShardCount: async (count) => {
      const Key = keyOf(SHARD_COUNT_KEY);
      const { Item } = await dynamodb.send(new GetItemCommand({ TableName, Key, ConsistentRead: true }));
      const maxShards = Number(Item?.["maxShards"]?.N ?? 0);
      if (maxShards >= count) return maxShards;
      try {
        await dynamodb.send(
          new UpdateItemCommand({
            TableName,
            Key,
            UpdateExpression: "SET #maxShards = :count",
            ConditionExpression: "attribute_not_exists(#maxShards) OR #maxShards < :count",
            ExpressionAttributeNames: { "#maxShards": "maxShards" },
            ExpressionAttributeValues: { ":count": { N: String(count) } },
          }),
        );
        return count;
      } catch (error) {
        if (!(error instanceof ConditionalCheckFailedException)) throw error;
        return count; // saved concurrently by another run, which processes the additional shards
      }
    },
  };
}

function isVersion(version: string) {
  return {
    ConditionExpression: "#version = :version",
    ExpressionAttributeNames: { "#version": "version" },
    ExpressionAttributeValues: { ":version": { S: version } },
  };
}

/** SET for defined values, REMOVE for undefined ones. */
function assignments(attributes: Readonly<Record<string, AttributeValue | undefined>>) {
  const entries = Object.entries(attributes);
  const defined = entries.filter((entry): entry is [string, AttributeValue] => entry[1] !== undefined);
  const removed = entries.filter(([, value]) => value === undefined).map(([name]) => `#${name}`);
  return {
    names: Object.fromEntries(entries.map(([name]) => [`#${name}`, name])),
    values: Object.fromEntries(defined.map(([name, value]) => [`:${name}`, value])) satisfies Row,
    set: `SET ${defined.map(([name]) => `#${name} = :${name}`).join(", ")}`,
    remove: removed.length === 0 ? "" : ` REMOVE ${removed.join(", ")}`,
  };
}
