import { ConditionalCheckFailedException, DynamoDBClient, UpdateItemCommand } from "@aws-sdk/client-dynamodb";
import { mockClient } from "aws-sdk-client-mock";

import { LeaseLostError } from "../../../../functions/timers/dispatch/dispatcher";
import { dispatchTable } from "../../../../functions/timers/dispatch/dispatch-table";
import { DISPATCHED_ATTRIBUTES, timerRow } from "../../../../functions/timers/storage/timer-row";
import { sdkJson } from "../../../support/sdk-json";
import { virtualClock } from "../../../support/virtual-clock";
import { storedTimer } from "../../../support/timers";

const TABLE = "almanac-test-timers";
const LEASE = { owner: "me", now: 1_000, until: 56_000 };
const AFTER = { timer: { S: "periodic#tea" }, slot: { S: "shard0#once" }, dueMs: { N: "5" } };

const dynamodb = mockClient(DynamoDBClient);
const queries: [target: string, body: unknown][] = [];
let response: unknown;
beforeEach(() => {
  dynamodb.reset();
  queries.length = 0;
});
const table = () => {
  const sdk = sdkJson();
  const call = (target: string, body: string) => {
    if (!target.endsWith(".Query")) return sdk.call(target, body);
    queries.push([target, JSON.parse(body)]);
    return Promise.resolve(JSON.stringify(response));
  };
  const services = { clock: virtualClock(), random: () => 0.5 };
  return dispatchTable({ call, close: () => undefined }, TABLE, services);
};
const conditionFailed = (Item?: ConstructorParameters<typeof ConditionalCheckFailedException>[0]["Item"]) =>
  new ConditionalCheckFailedException({ message: "no", $metadata: {}, ...(Item && { Item }) });
const update = () => dynamodb.commandCalls(UpdateItemCommand)[0]?.args[0].input;

describe("the lease on a shard", () => {
  it("is acquired when free, with the cursor and the position of an earlier run", async () => {
    const position = { S: '{"range":"shard0#once@5","after":{"dueMs":{"N":"5"}}}' };
    dynamodb.on(UpdateItemCommand).resolves({ Attributes: { cursor: { N: "9" }, position } });
    expect(await table().acquire("shard0", LEASE)).toEqual({
      cursor: 9,
      position: { range: "shard0#once@5", after: { dueMs: { N: "5" } } },
      acquired: true,
    });
    expect(update()).toMatchObject({
      Key: { partition: { S: "cursor" }, timer: { S: "cursor#shard0" } },
      ConditionExpression:
        "attribute_exists(#cursor) AND (attribute_not_exists(leaseOwner) OR NOT leaseUntil >= :now OR leaseOwner = :owner)",
      ExpressionAttributeValues: { ":owner": { S: "me" }, ":until": { N: "56000" }, ":now": { N: "1000" } },
      ReturnValuesOnConditionCheckFailure: "ALL_OLD",
    });
  });

  it("is not acquired while another run has it", async () => {
    dynamodb.on(UpdateItemCommand).rejects(conditionFailed({ cursor: { N: "9" }, leaseOwner: { S: "other" } }));
    expect(await table().acquire("shard0", LEASE)).toEqual({ cursor: 9, acquired: false });
  });

  it("does not exist for a shard without timers", async () => {
    dynamodb.on(UpdateItemCommand).rejects(conditionFailed());
    expect(await table().acquire("shard0", LEASE)).toBeUndefined();
  });
});

describe("a cursor", () => {
  const save = (cursor: object, release: boolean) =>
    table().save("shard0", { owner: "me", previous: 5, cursor: { cursor: 9, ...cursor }, release });

  it.each<[object, boolean, string]>([
    [{}, false, "SET #cursor = :cursor REMOVE #position, #behind"],
    [{}, true, "SET #cursor = :cursor REMOVE #position, #behind, leaseOwner, leaseUntil"],
    [{ position: { range: "s", after: AFTER } }, false, "SET #cursor = :cursor, #position = :position REMOVE #behind"],
    [
      { position: { range: "s" }, behind: { billing: { cursor: 5 } } },
      true,
      "SET #cursor = :cursor, #position = :position, #behind = :behind REMOVE leaseOwner, leaseUntil",
    ],
  ])(
    "is saved with its position and the callbacks that are behind, or without: %j, released: %j",
    async (position, release, expression) => {
      dynamodb.on(UpdateItemCommand).resolves({});
      await save(position, release);
      expect(update()).toMatchObject({
        UpdateExpression: expression,
        ConditionExpression: "leaseOwner = :owner AND #cursor = :previous",
        ExpressionAttributeValues: { ":owner": { S: "me" }, ":cursor": { N: "9" }, ":previous": { N: "5" } },
      });
      // DynamoDB rejects unused names and values.
      const input = update();
      const used = `${input?.UpdateExpression ?? ""} ${input?.ConditionExpression ?? ""}`;
      const defined = { ...input?.ExpressionAttributeNames, ...input?.ExpressionAttributeValues };
      for (const name of Object.keys(defined)) expect(used).toContain(name);
    },
  );

  it("is read as it was saved", async () => {
    dynamodb.on(UpdateItemCommand).resolves({});
    const position = { range: "s", after: AFTER };
    const saved = { position, behind: { billing: { cursor: 5, position }, default: { cursor: 6 } } };
    await save(saved, false);
    const { ":position": savedPosition, ":behind": behind } = update()?.ExpressionAttributeValues ?? {};
    if (savedPosition === undefined || behind === undefined) throw new Error("not saved");
    dynamodb.on(UpdateItemCommand).resolves({ Attributes: { cursor: { N: "9" }, position: savedPosition, behind } });
    expect(await table().acquire("shard0", LEASE)).toEqual({ cursor: 9, acquired: true, ...saved });
  });

  it("is not saved without the lease", async () => {
    dynamodb.on(UpdateItemCommand).rejects(conditionFailed());
    await expect(save({}, false)).rejects.toThrow(LeaseLostError);
  });
});

describe("a page of the index", () => {
  const timer = storedTimer();

  it("has timers in due order, from a key on, and the key of the next page", async () => {
    response = { Items: [timerRow(timer, undefined)], LastEvaluatedKey: AFTER };
    const range = { slot: "shard0#once", recurring: false, from: 5, to: 9 };
    expect(await table().page(range, AFTER)).toEqual({ timers: [timer], corrupt: [], next: AFTER });
    expect(queries).toEqual([
      [
        "DynamoDB_20120810.Query",
        {
          TableName: TABLE,
          IndexName: "due",
          Limit: 1_250,
          KeyConditionExpression: "#slot = :slot AND #dueMs BETWEEN :from AND :to",
          ProjectionExpression: DISPATCHED_ATTRIBUTES.map((name) => `#${name}`).join(", "),
          ExpressionAttributeNames: {
            ...Object.fromEntries(DISPATCHED_ATTRIBUTES.map((name) => [`#${name}`, name])),
            "#slot": "slot",
            "#dueMs": "dueMs",
          },
          ExpressionAttributeValues: { ":slot": { S: "shard0#once" }, ":from": { N: "5" }, ":to": { N: "9" } },
          ExclusiveStartKey: AFTER,
        },
      ],
    ]);
  });

  it("has no lower bound when its range has none", async () => {
    response = { Items: [] };
    expect(await table().page({ slot: "shard0#recurring", recurring: true, to: 9 })).toEqual({
      timers: [],
      corrupt: [],
    });
    expect(queries[0]?.[1]).toMatchObject({
      KeyConditionExpression: "#slot = :slot AND #dueMs <= :to",
      ExpressionAttributeValues: { ":slot": { S: "shard0#recurring" }, ":to": { N: "9" } },
    });
  });

  it("has the other timers when one row is corrupt", async () => {
    response = { Items: [{ timer: { S: "bells#big" } }, timerRow(timer, undefined)] };
    const page = await table().page({ slot: "shard0#once", recurring: false, to: 9 });
    expect(page.timers).toEqual([timer]);
    expect(page.corrupt).toMatchObject([{ name: "CorruptRowError", message: 'row "bells#big" is not a timer' }]);
  });

  it.each([{}, { Items: [7] }, []])("rejects any other response: %j", async (other) => {
    response = other;
    await expect(table().page({ slot: "shard0#once", recurring: false, to: 9 })).rejects.toThrow();
  });
});
