/** An in-memory DynamoDB for the state table, with conditions and transactions. */
import {
  ConditionalCheckFailedException,
  DynamoDBClient,
  TransactionCanceledException,
  type BatchGetItemCommandInput,
  type GetItemCommandInput,
  type Put,
  type PutItemCommandInput,
  type QueryCommandInput,
  type TransactWriteItemsCommandInput,
  type UpdateItemCommandInput,
} from "@aws-sdk/client-dynamodb";

import { incidentUpdates, type IncidentUpdates } from "../../functions/heartbeats/monitors/incident-updates";
import { stateTable, type StateTable } from "../../functions/heartbeats/monitors/state-table";
import { valuesOf } from "../../functions/shared/aws/item";
import type { Clock } from "../../functions/shared/clock";
import { answerCommands } from "./answer-commands";
import { holds, updated, type Item } from "./dynamodb-expressions";
import { sdkJson } from "./sdk-json";

const NAME = "almanac-test-heartbeats-state";
const $metadata = {};

export interface FakeStateTable extends StateTable {
  readonly updates: IncidentUpdates;
  /** All items, sorted by key, unmarshalled. */
  readonly items: () => readonly Record<string, unknown>[];
  /** Stores an item as it is. */
  readonly preload: (item: Item) => void;
  /** Number of requests by command. */
  readonly requests: () => Readonly<Record<string, number>>;
}

/** The items of a monitor. */
interface Partition {
  readonly items: Map<string, Item>;
  /** In order. */
  readonly sortKeys: string[];
}

/** Of the first of the sorted keys that is not less than the key. */
function positionOf(key: string, sorted: readonly string[]): number {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((sorted[middle] ?? "") < key) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Each request yields to the event loop, so that concurrent runs interleave. */
export function fakeStateTable(clock: Clock): FakeStateTable {
  const stored = new Map<string, Partition>();
  const counts: Record<string, number> = {};
  const client = new DynamoDBClient({ region: "eu-central-1", cacheMiddleware: true });
  const monitorOf = (item: Item): string => item["monitor"]?.S ?? "";
  const sortKeyOf = (item: Item): string => item["item"]?.S ?? "";
  const keyOf = (item: Item): string => `${monitorOf(item)} ${sortKeyOf(item)}`;
  const partitionOf = (monitor: string): Partition => stored.get(monitor) ?? { items: new Map(), sortKeys: [] };
  const find = (key: Item): Item | undefined => partitionOf(monitorOf(key)).items.get(sortKeyOf(key));
  const store = (item: Item): void => {
    const [monitor, sortKey] = [monitorOf(item), sortKeyOf(item)];
    const { items, sortKeys } = partitionOf(monitor);
    if (!items.has(sortKey)) sortKeys.splice(positionOf(sortKey, sortKeys), 0, sortKey);
    items.set(sortKey, item);
    stored.set(monitor, { items, sortKeys });
  };
  const conditionHolds = ({ Item = {}, ConditionExpression, ExpressionAttributeValues = {} }: Put): boolean => {
    const before = find(Item);
    if (ConditionExpression === undefined) return true;
    if (ConditionExpression === "attribute_not_exists(monitor)") return before === undefined;
    if (ConditionExpression === "revision = :before")
      return before?.["revision"]?.N === ExpressionAttributeValues[":before"]?.N;
    throw new Error(`unexpected condition: ${ConditionExpression}`);
  };
  const on = <Input>(name: string, answer: (input: Input) => object) => ({
    [`${name}Command`]: async (input: Input) => {
      counts[name] = (counts[name] ?? 0) + 1;
      await new Promise(setImmediate);
      return answer(input);
    },
  });

  answerCommands(client, {
    ...on("GetItem", ({ Key = {} }: GetItemCommandInput) => {
      const Item = find(Key);
      return Item ? { Item } : {};
    }),
    ...on("BatchGetItem", ({ RequestItems = {} }: BatchGetItemCommandInput) => ({
      Responses: {
        [NAME]: (RequestItems[NAME]?.Keys ?? []).flatMap((key) => {
          const item = find(key);
          return item ? [item] : [];
        }),
      },
    })),
    ...on("PutItem", (input: PutItemCommandInput) => {
      if (!conditionHolds(input)) throw new ConditionalCheckFailedException({ message: "no", $metadata });
      store(input.Item ?? {});
      return {};
    }),
    ...on("TransactWriteItems", ({ TransactItems = [] }: TransactWriteItemsCommandInput) => {
      const puts = TransactItems.flatMap(({ Put }) => Put ?? []);
      if (new Set(puts.map(({ Item = {} }) => keyOf(Item))).size < puts.length) throw new Error("duplicate item");
      const CancellationReasons = puts.map((each) => ({
        Code: conditionHolds(each) ? "None" : "ConditionalCheckFailed",
      }));
      if (!puts.every(conditionHolds))
        throw new TransactionCanceledException({ message: "no", CancellationReasons, $metadata });
      for (const { Item = {} } of puts) store(Item);
      return {};
    }),
    ...on("UpdateItem", (input: UpdateItemCommandInput) => {
      const { Key = {}, ConditionExpression } = input;
      const before = find(Key) ?? {};
      if (ConditionExpression !== undefined && !holds(ConditionExpression, before, input))
        throw new ConditionalCheckFailedException({ message: "no", $metadata });
      store(updated({ ...before, ...Key }, input));
      return {};
    }),
    ...on("Query", ({ ExpressionAttributeValues: values = {}, ExclusiveStartKey }: QueryCommandInput) => {
      const [monitor = "", from = "", to = ""] = [":monitor", ":from", ":to"].map((name) => values[name]?.S);
      const after = ExclusiveStartKey?.["item"]?.S;
      const { items, sortKeys } = partitionOf(monitor);
      const begin = Math.max(positionOf(from, sortKeys), after === undefined ? 0 : positionOf(after, sortKeys) + 1);
      const matches = sortKeys
        .slice(begin, begin + 3)
        .filter((key) => key <= to)
        .map((key) => items.get(key) ?? {});
      // Pages of two, to test pagination.
      const Items = matches.slice(0, 2);
      const last = Items.at(-1);
      return { Items, ...(matches.length > 2 && last && { LastEvaluatedKey: last }) };
    }),
  });

  return {
    ...stateTable(client, NAME, { clock, random: () => 0.5, json: sdkJson(client) }),
    updates: incidentUpdates(client, NAME),
    items: () =>
      [...stored.values()]
        .flatMap(({ items }) => [...items.values()])
        .sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1))
        .map((item) => valuesOf(item)),
    preload: (item) => {
      store(item);
    },
    requests: () => counts,
  };
}
