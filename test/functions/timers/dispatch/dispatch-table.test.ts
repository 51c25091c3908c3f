import { ConditionalCheckFailedException, DynamoDBClient, UpdateItemCommand } from "@aws-sdk/client-dynamodb";
import { mockClient } from "aws-sdk-client-mock";

import { LeaseLostError } from "../../../../functions/timers/dispatch/dispatcher";
import { dispatchTable } from "../../../../functions/timers/dispatch/dispatch-table";
import { timerRow } from "../../../../functions/timers/storage/timer-row";
import { storedTimer } from "../../../support/timers";

const TABLE = "almanac-test-timers";
const LEASE = { owner: "me", now: 1_000, until: 56_000 };
const AFTER = { timer: { S: "periodic#tea" }, slot: { S: "shard0#once" }, order: { N: "5" } };

const dynamodb = mockClient(DynamoDBClient);
const asked: [target: string, body: unknown][] = [];
let answer: unknown;
beforeEach(() => {
  dynamodb.reset();
  asked.length = 0;
});
const table = () => {
  const call = (target: string, body: string) => {
    asked.push([target, JSON.parse(body)]);
    return Promise.resolve(JSON.stringify(answer));
  };
  return dispatchTable(new DynamoDBClient(), { call, close: () => undefined }, TABLE);
};
const refused = (Item?: ConstructorParameters<typeof ConditionalCheckFailedException>[0]["Item"]) =>
  new ConditionalCheckFailedException({ message: "no", $metadata: {}, ...(Item && { Item }) });
const update = () => dynamodb.commandCalls(UpdateItemCommand)[0]?.args[0].input;

describe("the lease on a shard", () => {
  it("is taken where nobody has it, with the cursor and where an earlier run stood", async () => {
    const position = { M: { section: { S: "shard0#once@5" }, after: { M: { order: { M: { N: { S: "5" } } } } } } };
    dynamodb.on(UpdateItemCommand).resolves({ Attributes: { cursor: { N: "9" }, position } });
    expect(await table().acquire("shard0", LEASE)).toEqual({
      cursor: 9,
      position: { section: "shard0#once@5", after: { order: { N: "5" } } },
      taken: true,
    });
    expect(update()).toMatchObject({
      Key: { timer: { S: "cursor#shard0" } },
      ConditionExpression:
        "attribute_exists(#cursor) AND (attribute_not_exists(leaseOwner) OR leaseUntil < :now OR leaseOwner = :owner)",
      ExpressionAttributeValues: { ":owner": { S: "me" }, ":until": { N: "56000" }, ":now": { N: "1000" } },
      ReturnValuesOnConditionCheckFailure: "ALL_OLD",
    });
  });

  it("is another's, when somebody else has it", async () => {
    dynamodb.on(UpdateItemCommand).rejects(refused({ cursor: { N: "9" }, leaseOwner: { S: "other" } }));
    expect(await table().acquire("shard0", LEASE)).toEqual({ cursor: 9, taken: false });
  });

  it("is none where the shard has no timers", async () => {
    dynamodb.on(UpdateItemCommand).rejects(refused());
    expect(await table().acquire("shard0", LEASE)).toBeUndefined();
  });
});

describe("a cursor", () => {
  const save = (cursor: object, release: boolean) =>
    table().save("shard0", { owner: "me", before: 5, cursor: { cursor: 9, ...cursor }, release });

  it.each<[object, boolean, string]>([
    [{}, false, "SET #cursor = :cursor REMOVE #position"],
    [{}, true, "SET #cursor = :cursor REMOVE #position, leaseOwner, leaseUntil"],
    [{ position: { section: "s", after: AFTER } }, false, "SET #cursor = :cursor, #position = :position"],
    [
      { position: { section: "s" } },
      true,
      "SET #cursor = :cursor, #position = :position REMOVE leaseOwner, leaseUntil",
    ],
  ])("is saved with its position, or without one: %j, released: %j", async (position, release, expression) => {
    dynamodb.on(UpdateItemCommand).resolves({});
    await save(position, release);
    expect(update()).toMatchObject({
      UpdateExpression: expression,
      ConditionExpression: "leaseOwner = :owner AND #cursor = :before",
      ExpressionAttributeValues: { ":owner": { S: "me" }, ":cursor": { N: "9" }, ":before": { N: "5" } },
    });
    // DynamoDB refuses names and values that no expression has.
    const input = update();
    const used = `${input?.UpdateExpression ?? ""} ${input?.ConditionExpression ?? ""}`;
    const given = { ...input?.ExpressionAttributeNames, ...input?.ExpressionAttributeValues };
    for (const name of Object.keys(given)) expect(used).toContain(name);
  });

  it("comes back as it was saved", async () => {
    dynamodb.on(UpdateItemCommand).resolves({});
    await save({ position: { section: "s", after: AFTER } }, false);
    const position = update()?.ExpressionAttributeValues?.[":position"];
    if (position === undefined) throw new Error("no position was saved");
    dynamodb.on(UpdateItemCommand).resolves({ Attributes: { cursor: { N: "9" }, position } });
    expect(await table().acquire("shard0", LEASE)).toMatchObject({ position: { section: "s", after: AFTER } });
  });

  it("is not moved by who has lost the lease", async () => {
    dynamodb.on(UpdateItemCommand).rejects(refused());
    await expect(save({}, false)).rejects.toThrow(LeaseLostError);
  });
});

describe("a page of the index", () => {
  const timer = storedTimer();

  it("has timers in due order, from a key on, and tells where the next one begins", async () => {
    answer = { Items: [timerRow(timer, undefined)], LastEvaluatedKey: AFTER };
    const section = { slot: "shard0#once", recurring: false, from: 5, to: 9 };
    expect(await table().page(section, AFTER)).toEqual({ timers: [timer], corrupt: [], next: AFTER });
    expect(asked).toEqual([
      [
        "DynamoDB_20120810.Query",
        {
          TableName: TABLE,
          IndexName: "due",
          KeyConditionExpression: "#slot = :slot AND #order BETWEEN :from AND :to",
          ExpressionAttributeNames: { "#slot": "slot", "#order": "order" },
          ExpressionAttributeValues: { ":slot": { S: "shard0#once" }, ":from": { N: "5" }, ":to": { N: "9" } },
          ExclusiveStartKey: AFTER,
        },
      ],
    ]);
  });

  it("begins at the very first where its section has no beginning", async () => {
    answer = { Items: [] };
    expect(await table().page({ slot: "shard0#recurring", recurring: true, to: 9 })).toEqual({
      timers: [],
      corrupt: [],
    });
    expect(asked[0]?.[1]).toMatchObject({
      KeyConditionExpression: "#slot = :slot AND #order <= :to",
      ExpressionAttributeValues: { ":slot": { S: "shard0#recurring" }, ":to": { N: "9" } },
    });
  });

  it("has its other timers, too, when one row is nobody's", async () => {
    answer = { Items: [{ timer: { S: "bells#big" } }, timerRow(timer, undefined)] };
    const page = await table().page({ slot: "shard0#once", recurring: false, to: 9 });
    expect(page.timers).toEqual([timer]);
    expect(page.corrupt).toMatchObject([{ name: "CorruptRowError", message: 'the row "bells#big" is no timer\'s' }]);
  });

  it.each([{}, { Items: [7] }, []])("is none where DynamoDB answers anything else: %j", async (other) => {
    answer = other;
    await expect(table().page({ slot: "shard0#once", recurring: false, to: 9 })).rejects.toThrow();
  });
});
