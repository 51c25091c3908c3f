/** The timers table, as whoever puts, reads and deletes timers sees it. */
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
import type { Place } from "../schedule/fire-times";
import { readTimerRow, timerKey, timerRow, type Row } from "./timer-row";
import type { StoredTimer, TimerKind } from "../schedule/timer";

/** BatchGetItem's own limit. */
const KEYS_PER_READ = 100;
const CONCURRENT_READS = 4;

/** How long unprocessed reads are retried, milliseconds. */
const READ_MS = 10_000;

/** Remembers how many shards there have ever been. */
const SHARDS_KEY = "shards#";

/** The row is no longer as it was known: somebody else has written or deleted it meanwhile. */
export class TimerChangedError extends Error {
  override readonly name = "TimerChangedError";
}

export interface TimerId {
  readonly kind: TimerKind;
  readonly id: string;
}

/** Timers of one kind, in no order. `next` asks for the page after it; undefined: that was the last. */
export interface TimerPage {
  readonly timers: readonly StoredTimer[];
  readonly next?: string;
}

/** Reads are strongly consistent. */
export interface TimerTable {
  get(key: TimerId): Promise<StoredTimer | undefined>;
  /** Those that are there, in no order. Each is asked for once. */
  getMany(keys: readonly TimerId[]): Promise<readonly StoredTimer[]>;
  /** @param after the `next` of the page before; @param limit rows looked at, at most: a page may have fewer, or none */
  list(kind: TimerKind, limit: number, after?: string): Promise<TimerPage>;
  /**
   * @param replaces the version that it may replace; null: it replaces nothing; undefined: whatever is there
   * @throws {@link TimerChangedError}
   */
  put(timer: StoredTimer, place: Place | undefined, replaces?: string | null): Promise<void>;
  /**
   * Notes how far a version of a timer has been handed over, and where it waits from now on.
   *
   * @param before what `through` was
   * @throws {@link TimerChangedError} when it is another version by now, or was handed over further by somebody else
   */
  move(timer: StoredTimer, place: Place | undefined, before: number): Promise<void>;
  delete(key: TimerId): Promise<void>;
  /** Makes sure that a shard has a cursor; a new one begins at that time. Asked once a process. */
  ensureCursor(shard: string, at: number): Promise<void>;
  /** Notes that there are so many shards, if there never were more, and tells how many there ever were. */
  rememberShards(count: number): Promise<number>;
}

/** The key of a shard's cursor in the same table. */
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
      const found: StoredTimer[] = [];
      const wanted = [...new Set(keys.map(({ kind, id }) => timerKey(kind, id)))];
      const { items, errors } = await sendInBatches(wanted, {
        batchSize: KEYS_PER_READ,
        concurrency: CONCURRENT_READS,
        deadline: clock.now() + READ_MS,
        clock,
        random,
        send: async (batch) => {
          const { Responses, UnprocessedKeys } = await dynamodb.send(
            new BatchGetItemCommand({
              RequestItems: { [TableName]: { Keys: batch.map(keyOf), ConsistentRead: true } },
            }),
          );
          found.push(...(Responses?.[TableName] ?? []).map(readTimerRow));
          return (UnprocessedKeys?.[TableName]?.Keys ?? []).flatMap((key) => key[TIMER_KEYS.partition]?.S ?? []);
        },
      });
      if (items.length > 0) throw new Error(`${items.length} timers were left unread`, { cause: errors[0] });
      return found;
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

    put: (timer, place, replaces) => {
      const Item = timerRow(timer, place);
      if (replaces === undefined) return put({ Item }, "");
      if (replaces === null)
        return put(
          {
            Item,
            ConditionExpression: "attribute_not_exists(#key)",
            ExpressionAttributeNames: { "#key": TIMER_KEYS.partition },
          },
          `there is a ${timer.kind} timer "${timer.id}" already`,
        );
      return put(
        { Item, ...isVersion(replaces) },
        `the ${timer.kind} timer "${timer.id}" is not of version "${replaces}"`,
      );
    },

    move: async (timer, place, before) => {
      const { kind, id, version, through, firesLeft } = timer;
      const { names, values, set, remove } = assignments({
        through: { N: String(through) },
        ...(firesLeft !== undefined && { firesLeft: { N: String(firesLeft) } }),
        slot: place && { S: place.slot },
        order: place && { N: String(place.order) },
      });
      try {
        await dynamodb.send(
          new UpdateItemCommand({
            TableName,
            Key: keyOf(timerKey(kind, id)),
            UpdateExpression: `${set}${remove}`,
            ConditionExpression: "#version = :version AND #through = :before",
            ExpressionAttributeNames: { ...names, "#version": "version" },
            ExpressionAttributeValues: { ...values, ":version": { S: version }, ":before": { N: String(before) } },
          }),
        );
      } catch (cause) {
        if (!(cause instanceof ConditionalCheckFailedException)) throw cause;
        throw new TimerChangedError(`the ${kind} timer "${id}" has changed`, { cause });
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
          "it has a cursor",
        );
      } catch (error) {
        if (!(error instanceof TimerChangedError)) throw error;
      }
      ensured.add(shard);
    },

    rememberShards: async (count) => {
      const Key = keyOf(SHARDS_KEY);
      const { Item } = await dynamodb.send(new GetItemCommand({ TableName, Key, ConsistentRead: true }));
      const largest = Number(Item?.["largest"]?.N ?? 0);
      if (largest >= count) return largest;
      try {
        await dynamodb.send(
          new UpdateItemCommand({
            TableName,
            Key,
            UpdateExpression: "SET #largest = :count",
            ConditionExpression: "attribute_not_exists(#largest) OR #largest < :count",
            ExpressionAttributeNames: { "#largest": "largest" },
            ExpressionAttributeValues: { ":count": { N: String(count) } },
          }),
        );
        return count;
      } catch (error) {
        if (!(error instanceof ConditionalCheckFailedException)) throw error;
        return count; // somebody else has noted as many or more, and its own run works them off
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

/** Sets what has a value, and removes what has none. */
function assignments(attributes: Readonly<Record<string, AttributeValue | undefined>>) {
  const entries = Object.entries(attributes);
  const given = entries.filter((entry): entry is [string, AttributeValue] => entry[1] !== undefined);
  const gone = entries.filter(([, value]) => value === undefined).map(([name]) => `#${name}`);
  return {
    names: Object.fromEntries(entries.map(([name]) => [`#${name}`, name])),
    values: Object.fromEntries(given.map(([name, value]) => [`:${name}`, value])) satisfies Row,
    set: `SET ${given.map(([name]) => `#${name} = :${name}`).join(", ")}`,
    remove: gone.length === 0 ? "" : ` REMOVE ${gone.join(", ")}`,
  };
}
