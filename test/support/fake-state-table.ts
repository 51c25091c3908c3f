/** An in-memory DynamoDB for the state table, with conditions and transactions. */
import {
  BatchGetItemCommand,
  ConditionalCheckFailedException,
  DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  QueryCommand,
  TransactionCanceledException,
  TransactWriteItemsCommand,
  UpdateItemCommand,
  type BatchGetItemCommandInput,
  type GetItemCommandInput,
  type Put,
  type PutItemCommandInput,
  type QueryCommandInput,
  type TransactWriteItemsCommandInput,
  type UpdateItemCommandInput,
} from "@aws-sdk/client-dynamodb";
import { mockClient } from "aws-sdk-client-mock";

import { incidentUpdates, type IncidentUpdates } from "../../functions/heartbeats/monitors/incident-updates";
import { stateTable, type StateTable } from "../../functions/heartbeats/monitors/state-table";
import { valuesOf } from "../../functions/shared/aws/item";
import type { Clock } from "../../functions/shared/clock";
import { holds, updated, type Item } from "./dynamodb-expressions";
import { sdkJson } from "./sdk-json";

const NAME = "almanac-test-heartbeats-state";
const $metadata = {};

export interface FakeStateTable extends StateTable {
  readonly updates: IncidentUpdates;
  /** All items, sorted by key, unmarshalled. */
  readonly items: () => readonly Record<string, unknown>[];
  /** Number of requests by command. */
  /** Stores an item as it is. */
  readonly preload: (item: Item) => void;
  readonly requests: () => Readonly<Record<string, number>>;
}

/** Each request yields to the event loop, so that concurrent runs interleave. */
export function fakeStateTable(clock: Clock): FakeStateTable {
  const stored = new Map<string, Item>();
  const counts: Record<string, number> = {};
  const client = new DynamoDBClient({ region: "eu-central-1" });
  const dynamodb = mockClient(client);
  const keyOf = (item: Item): string => `${item["monitor"]?.S ?? ""} ${item["item"]?.S ?? ""}`;
  const conditionHolds = ({ Item = {}, ConditionExpression, ExpressionAttributeValues = {} }: Put): boolean => {
    const before = stored.get(keyOf(Item));
    if (ConditionExpression === undefined) return true;
    if (ConditionExpression === "attribute_not_exists(monitor)") return before === undefined;
    if (ConditionExpression === "revision = :before")
      return before?.["revision"]?.N === ExpressionAttributeValues[":before"]?.N;
    throw new Error(`unexpected condition: ${ConditionExpression}`);
  };
  const put = ({ Item = {} }: Put): void => {
    stored.set(keyOf(Item), Item);
  };
  const on = <Input>(name: string, answer: (input: Input) => object) => {
    return async (input: Input) => {
      counts[name] = (counts[name] ?? 0) + 1;
      await new Promise(setImmediate);
      return answer(input);
    };
  };

  dynamodb.on(GetItemCommand).callsFake(
    on("GetItem", ({ Key = {} }: GetItemCommandInput) => {
      const Item = stored.get(keyOf(Key));
      return Item ? { Item } : {};
    }),
  );
  dynamodb.on(BatchGetItemCommand).callsFake(
    on("BatchGetItem", ({ RequestItems = {} }: BatchGetItemCommandInput) => ({
      Responses: {
        [NAME]: (RequestItems[NAME]?.Keys ?? []).flatMap((key) => {
          const item = stored.get(keyOf(key));
          return item ? [item] : [];
        }),
      },
    })),
  );
  dynamodb.on(PutItemCommand).callsFake(
    on("PutItem", (input: PutItemCommandInput) => {
      if (!conditionHolds(input)) throw new ConditionalCheckFailedException({ message: "no", $metadata });
      put(input);
      return {};
    }),
  );
  dynamodb.on(TransactWriteItemsCommand).callsFake(
    on("TransactWriteItems", ({ TransactItems = [] }: TransactWriteItemsCommandInput) => {
      const puts = TransactItems.flatMap(({ Put }) => Put ?? []);
      if (new Set(puts.map(({ Item = {} }) => keyOf(Item))).size < puts.length) throw new Error("duplicate item");
      const CancellationReasons = puts.map((each) => ({
        Code: conditionHolds(each) ? "None" : "ConditionalCheckFailed",
      }));
      if (!puts.every(conditionHolds))
        throw new TransactionCanceledException({ message: "no", CancellationReasons, $metadata });
      puts.forEach(put);
      return {};
    }),
  );
  dynamodb.on(UpdateItemCommand).callsFake(
    on("UpdateItem", (input: UpdateItemCommandInput) => {
      const { Key = {}, ConditionExpression } = input;
      const before = stored.get(keyOf(Key)) ?? {};
      if (ConditionExpression !== undefined && !holds(ConditionExpression, before, input))
        throw new ConditionalCheckFailedException({ message: "no", $metadata });
      stored.set(keyOf(Key), updated({ ...before, ...Key }, input));
      return {};
    }),
  );
  dynamodb.on(QueryCommand).callsFake(
    on("Query", ({ ExpressionAttributeValues: values = {}, ExclusiveStartKey }: QueryCommandInput) => {
      const [monitor = "", from = "", to = ""] = [":monitor", ":from", ":to"].map((name) => values[name]?.S);
      const after = ExclusiveStartKey?.["item"]?.S;
      const itemOf = ({ item }: Item): string => item?.S ?? "";
      const matches = [...stored.values()]
        .filter((each) => each["monitor"]?.S === monitor && from <= itemOf(each) && itemOf(each) <= to)
        .filter((each) => after === undefined || itemOf(each) > after)
        .sort((a, b) => (itemOf(a) < itemOf(b) ? -1 : 1));
      // Pages of two, to test pagination.
      const Items = matches.slice(0, 2);
      const last = Items.at(-1);
      return { Items, ...(matches.length > 2 && last && { LastEvaluatedKey: last }) };
    }),
  );

  return {
    ...stateTable(client, NAME, { clock, random: () => 0.5, json: sdkJson(client) }),
    updates: incidentUpdates(client, NAME),
    items: () => [...stored.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, item]) => valuesOf(item)),
    preload: (item) => {
      stored.set(keyOf(item), item);
    },
    requests: () => counts,
  };
}
