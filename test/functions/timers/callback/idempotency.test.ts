import {
  ConditionalCheckFailedException,
  DeleteItemCommand,
  DynamoDBClient,
  UpdateItemCommand,
} from "@aws-sdk/client-dynamodb";
import { mockClient } from "aws-sdk-client-mock";

import { completion, idempotencyStore } from "../../../../functions/timers/callback/idempotency";
import { fire } from "../../../support/timers";

const TABLE = "almanac-test-timers-claims";
const KEY = { fireId: { S: "periodic#tea#v1#2026-11-21T07:05:00.000Z" } };
const NOW = Date.parse("2026-11-21T07:05:00.100Z");
const CLAIM = { owner: "me", now: NOW, until: NOW + 30_000 };

const dynamodb = mockClient(DynamoDBClient);
beforeEach(() => dynamodb.reset());
const store = () => idempotencyStore(new DynamoDBClient(), TABLE);
const conditionFailed = (Item?: ConstructorParameters<typeof ConditionalCheckFailedException>[0]["Item"]) =>
  new ConditionalCheckFailedException({ message: "no", $metadata: {}, ...(Item && { Item }) });
const throttled = Object.assign(new Error("slow down"), { name: "ThrottlingException" });

describe("an idempotency record", () => {
  it("is claimed until the invocation's end, and retained as long as the fire may be redelivered", async () => {
    dynamodb.on(UpdateItemCommand).resolves({});
    expect(await store().claim(fire(), CLAIM)).toEqual({ outcome: "claimed" });
    expect(dynamodb.commandCalls(UpdateItemCommand)[0]?.args[0].input).toMatchObject({
      Key: KEY,
      ConditionExpression:
        "attribute_not_exists(#completed) AND (attribute_not_exists(leaseOwner) OR NOT leaseUntil >= :now OR leaseOwner = :owner)",
      ExpressionAttributeValues: {
        ":owner": { S: "me" },
        ":until": { N: String(NOW + 30_000) },
        ":now": { N: String(NOW) },
        ":ttl": { N: String(Math.ceil(NOW / 1_000) + 20 * 86_400) },
      },
    });
  });

  it.each([
    ["completed", { completed: { BOOL: true }, leaseUntil: { N: "5" } }, { outcome: "completed" }],
    ["claimed by another owner until then", { leaseUntil: { N: "5" } }, { outcome: "inProgress", until: 5 }],
    ["claimed by another owner, which has just released it", undefined, { outcome: "inProgress", until: NOW }],
  ])("is %s", async (_, item, outcome) => {
    dynamodb.on(UpdateItemCommand).rejects(conditionFailed(item));
    expect(await store().claim(fire(), CLAIM)).toEqual(outcome);
  });

  it("is completed only by its owner", async () => {
    dynamodb.on(UpdateItemCommand).resolvesOnce({}).rejects(conditionFailed());
    await store().complete(fire(), "me");
    expect(dynamodb.commandCalls(UpdateItemCommand)[0]?.args[0].input).toEqual({
      TableName: TABLE,
      Key: KEY,
      UpdateExpression: "SET #completed = :completed",
      ConditionExpression: "leaseOwner = :owner",
      ExpressionAttributeNames: { "#completed": "completed" },
      ExpressionAttributeValues: { ":owner": { S: "me" }, ":completed": { BOOL: true } },
    });
    await expect(store().complete(fire(), "me")).rejects.toThrow(ConditionalCheckFailedException);
  });

  it("is released only by its owner, and not once completed", async () => {
    dynamodb.on(DeleteItemCommand).resolves({});
    await store().release(fire(), "me");
    expect(dynamodb.commandCalls(DeleteItemCommand)[0]?.args[0].input).toMatchObject({
      Key: KEY,
      ConditionExpression: "leaseOwner = :owner AND attribute_not_exists(#completed)",
    });
    dynamodb.on(DeleteItemCommand).rejects(conditionFailed());
    await expect(store().release(fire(), "me")).resolves.toBeUndefined();
  });

  it("fails with any other error of DynamoDB", async () => {
    dynamodb.on(UpdateItemCommand).rejects(throttled).on(DeleteItemCommand).rejects(throttled);
    await expect(store().claim(fire(), CLAIM)).rejects.toThrow(throttled);
    await expect(store().release(fire(), "me")).rejects.toThrow(throttled);
  });

  it("is completed in a transaction of the handler, together with its writes", () => {
    expect(completion(TABLE, fire(), "me").Update).toMatchObject({
      TableName: TABLE,
      Key: KEY,
      UpdateExpression: "SET #completed = :completed",
      ConditionExpression: "leaseOwner = :owner AND attribute_not_exists(#completed)",
    });
  });
});
