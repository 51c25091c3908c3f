import {
  ConditionalCheckFailedException,
  DeleteItemCommand,
  DynamoDBClient,
  UpdateItemCommand,
} from "@aws-sdk/client-dynamodb";
import { mockClient } from "aws-sdk-client-mock";

import { claims, completion } from "../../../../functions/timers/callback/idempotency";
import { fire } from "../../../support/timers";

const TABLE = "almanac-test-timers";
const KEY = { timer: { S: "claim#periodic#tea#v1#2026-11-21T07:05:00.000Z" } };
const NOW = Date.parse("2026-11-21T07:05:00.100Z");
const CLAIM = { owner: "me", now: NOW, until: NOW + 30_000 };

const dynamodb = mockClient(DynamoDBClient);
beforeEach(() => dynamodb.reset());
const table = () => claims(new DynamoDBClient(), TABLE);
const refused = (Item?: ConstructorParameters<typeof ConditionalCheckFailedException>[0]["Item"]) =>
  new ConditionalCheckFailedException({ message: "no", $metadata: {}, ...(Item && { Item }) });
const throttled = Object.assign(new Error("slow down"), { name: "ThrottlingException" });

describe("a claim on a fire", () => {
  it("is taken until the invocation's end, and kept for as long as the fire may come again", async () => {
    dynamodb.on(UpdateItemCommand).resolves({});
    expect(await table().claim(fire(), CLAIM)).toEqual({ outcome: "claimed" });
    expect(dynamodb.commandCalls(UpdateItemCommand)[0]?.args[0].input).toMatchObject({
      Key: KEY,
      ConditionExpression:
        "attribute_not_exists(#done) AND (attribute_not_exists(leaseOwner) OR leaseUntil < :now OR leaseOwner = :owner)",
      ExpressionAttributeValues: {
        ":owner": { S: "me" },
        ":until": { N: String(NOW + 30_000) },
        ":now": { N: String(NOW) },
        ":ttl": { N: String(Math.ceil(NOW / 1_000) + 20 * 86_400) },
      },
    });
  });

  it.each([
    ["done", { done: { BOOL: true }, leaseUntil: { N: "5" } }, { outcome: "done" }],
    ["another's, until then", { leaseUntil: { N: "5" } }, { outcome: "taken", until: 5 }],
    ["another's that is gone by now", undefined, { outcome: "taken", until: NOW }],
  ])("is %s", async (_, item, outcome) => {
    dynamodb.on(UpdateItemCommand).rejects(refused(item));
    expect(await table().claim(fire(), CLAIM)).toEqual(outcome);
  });

  it("is noted as done by its owner alone", async () => {
    dynamodb.on(UpdateItemCommand).resolvesOnce({}).rejects(refused());
    await table().done(fire(), "me");
    expect(dynamodb.commandCalls(UpdateItemCommand)[0]?.args[0].input).toEqual({
      TableName: TABLE,
      Key: KEY,
      UpdateExpression: "SET #done = :done",
      ConditionExpression: "leaseOwner = :owner",
      ExpressionAttributeNames: { "#done": "done" },
      ExpressionAttributeValues: { ":owner": { S: "me" }, ":done": { BOOL: true } },
    });
    await expect(table().done(fire(), "me")).rejects.toThrow(ConditionalCheckFailedException);
  });

  it("is given back by its owner, and never once the fire is done", async () => {
    dynamodb.on(DeleteItemCommand).resolves({});
    await table().release(fire(), "me");
    expect(dynamodb.commandCalls(DeleteItemCommand)[0]?.args[0].input).toMatchObject({
      Key: KEY,
      ConditionExpression: "leaseOwner = :owner AND attribute_not_exists(#done)",
    });
    dynamodb.on(DeleteItemCommand).rejects(refused());
    await expect(table().release(fire(), "me")).resolves.toBeUndefined();
  });

  it("fails with whatever else DynamoDB says", async () => {
    dynamodb.on(UpdateItemCommand).rejects(throttled).on(DeleteItemCommand).rejects(throttled);
    await expect(table().claim(fire(), CLAIM)).rejects.toThrow(throttled);
    await expect(table().release(fire(), "me")).rejects.toThrow(throttled);
  });

  it("is done within a handler's own transaction, or neither is", () => {
    expect(completion(TABLE, fire(), "me").Update).toMatchObject({
      TableName: TABLE,
      Key: KEY,
      UpdateExpression: "SET #done = :done",
      ConditionExpression: "leaseOwner = :owner AND attribute_not_exists(#done)",
    });
  });
});
