/** As much of DynamoDB as the state table asks for, in memory: conditions are kept, transactions are whole or not at all. */
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
  type AttributeValue,
  type BatchGetItemCommandInput,
  type GetItemCommandInput,
  type Put,
  type PutItemCommandInput,
  type QueryCommandInput,
  type TransactWriteItemsCommandInput,
  type UpdateItemCommandInput,
} from "@aws-sdk/client-dynamodb";
import { unmarshall } from "@aws-sdk/util-dynamodb";
import { mockClient } from "aws-sdk-client-mock";

import { stateTable, type StateTable } from "../../functions/heartbeats/monitors/state-table";
import type { Clock } from "../../functions/shared/clock";

type Item = Record<string, AttributeValue>;

const NAME = "almanac-test-heartbeats-state";
const $metadata = {};

export interface FakeStateTable extends StateTable {
  /** All that is stored, sorted by key, without marshalling. */
  readonly items: () => readonly Record<string, unknown>[];
  /** Requests so far, by command. */
  readonly requests: () => Readonly<Record<string, number>>;
}

/** A state table over a client of its own. Each request takes a turn of the event loop, so that concurrent rounds interleave. */
export function fakeStateTable(clock: Clock): FakeStateTable {
  const stored = new Map<string, Item>();
  const counts: Record<string, number> = {};
  const client = new DynamoDBClient({ region: "eu-central-1" });
  const dynamodb = mockClient(client);
  const keyOf = (item: Item): string => `${item["subject"]?.S ?? ""} ${item["item"]?.S ?? ""}`;
  const holds = ({ Item = {}, ConditionExpression, ExpressionAttributeValues = {} }: Put): boolean => {
    const before = stored.get(keyOf(Item));
    if (ConditionExpression === undefined) return true;
    if (ConditionExpression === "attribute_not_exists(subject)") return before === undefined;
    if (ConditionExpression === "revision = :before")
      return before?.["revision"]?.N === ExpressionAttributeValues[":before"]?.N;
    throw new Error(`what is ${ConditionExpression}?`);
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
      if (!holds(input)) throw new ConditionalCheckFailedException({ message: "no", $metadata });
      put(input);
      return {};
    }),
  );
  dynamodb.on(TransactWriteItemsCommand).callsFake(
    on("TransactWriteItems", ({ TransactItems = [] }: TransactWriteItemsCommandInput) => {
      const puts = TransactItems.flatMap(({ Put }) => Put ?? []);
      if (new Set(puts.map(({ Item = {} }) => keyOf(Item))).size < puts.length) throw new Error("an item twice");
      const CancellationReasons = puts.map((each) => ({ Code: holds(each) ? "None" : "ConditionalCheckFailed" }));
      if (!puts.every(holds)) throw new TransactionCanceledException({ message: "no", CancellationReasons, $metadata });
      puts.forEach(put);
      return {};
    }),
  );
  dynamodb.on(UpdateItemCommand).callsFake(
    on("UpdateItem", ({ Key = {}, UpdateExpression = "", ExpressionAttributeValues = {} }: UpdateItemCommandInput) => {
      const members = ExpressionAttributeValues[":subjects"]?.SS;
      if (members !== undefined) {
        const before = stored.get(keyOf(Key))?.["subjects"]?.SS ?? [];
        const kept = before.filter((each) => !members.includes(each));
        const SS = UpdateExpression.startsWith("ADD") ? [...kept, ...members] : kept;
        stored.set(keyOf(Key), { ...Key, ...(SS.length > 0 && { subjects: { SS } }) }); // there are no empty sets
        return {};
      }
      const at = ExpressionAttributeValues[":at"];
      if (at === undefined) throw new Error("no time");
      if (Number(stored.get(keyOf(Key))?.["reportedAt"]?.N ?? -Infinity) >= Number(at.N))
        throw new ConditionalCheckFailedException({ message: "no", $metadata });
      stored.set(keyOf(Key), { ...Key, reportedAt: at });
      return {};
    }),
  );
  dynamodb.on(QueryCommand).callsFake(
    on("Query", ({ ExpressionAttributeValues: values = {}, ExclusiveStartKey }: QueryCommandInput) => {
      const [subject = "", from = "", to = ""] = [":subject", ":from", ":to"].map((name) => values[name]?.S);
      const found = [...stored.values()]
        .filter((item) => item["subject"]?.S === subject)
        .filter(({ item }) => from <= (item?.S ?? "") && (item?.S ?? "") <= to)
        .sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1))
        .filter((item) => ExclusiveStartKey === undefined || keyOf(item) > keyOf(ExclusiveStartKey));
      // Pages of two, to see that all of them are read.
      const Items = found.slice(0, 2);
      const last = Items.at(-1);
      return { Items, ...(found.length > 2 && last && { LastEvaluatedKey: last }) };
    }),
  );

  return {
    ...stateTable(client, NAME, { clock, random: () => 0.5 }),
    items: () => [...stored.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, item]) => unmarshall(item)),
    requests: () => counts,
  };
}
