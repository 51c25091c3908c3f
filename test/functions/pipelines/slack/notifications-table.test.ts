import { BatchWriteItemCommand, DynamoDBClient, QueryCommand, UpdateItemCommand } from "@aws-sdk/client-dynamodb";
import { mockClient } from "aws-sdk-client-mock";
import { notificationQueue, webhookLeases } from "../../../../functions/pipelines/slack/notifications-table";
import type { QueuedNotification } from "../../../../functions/pipelines/slack/slack-sender";
import { systemClock } from "../../../../functions/shared/clock";

describe("notifications on their way into the queue", () => {
  it("go in waves, in which each key is once", async () => {
    const client = new DynamoDBClient({});
    const dynamodb = mockClient(client);
    dynamodb.on(BatchWriteItemCommand).resolves({});
    const queued = ["a", "b", "a", "a", "b"].map((key, position): QueuedNotification => ({
      position: String(position),
      notification: { pipeline: "c", key, kind: "new", receivedAt: "", fields: [] },
    }));
    await notificationQueue(client, "table", { clock: systemClock, random: Math.random }).add("webhook", queued);
    const waves = dynamodb
      .commandCalls(BatchWriteItemCommand)
      .map(({ args: [{ input }] }) =>
        input.RequestItems?.["table"]?.map(({ PutRequest }) => PutRequest?.Item?.["position"]?.S),
      );
    expect(waves).toEqual([["0", "1"], ["2", "4"], ["3"]]);
  });
});

describe("a notification that was set aside", () => {
  it("goes back to its position in the queue, as it was", async () => {
    const client = new DynamoDBClient({});
    const dynamodb = mockClient(client);
    dynamodb.on(BatchWriteItemCommand).resolves({});
    const content = { position: { S: "7" }, notification: { S: "{}" }, more: { N: "1" } };
    const item = { webhook: { S: "set-aside w" }, ...content, fault: { S: "no key" } };
    dynamodb.on(QueryCommand).resolves({ Items: [item] });
    const queue = notificationQueue(client, "table", { clock: systemClock, random: Math.random });
    expect(await queue.readSetAside("w", 1)).toMatchObject([{ position: "7", fault: "no key", item: content }]);
    await queue.restore("w", "7");
    expect(dynamodb.commandCalls(BatchWriteItemCommand).map(({ args: [{ input }] }) => input.RequestItems)).toEqual([
      { table: [{ PutRequest: { Item: { webhook: { S: "w" }, ...content } } }] },
      { table: [{ DeleteRequest: { Key: { webhook: { S: "set-aside w" }, position: { S: "7" } } } }] },
    ]);
  });
});

describe("the lease of a webhook", () => {
  it("has the state that its owners share, also when it was changed by hand", async () => {
    const client = new DynamoDBClient({});
    const dynamodb = mockClient(client);
    const Attributes = { nextMessageAt: { N: "5" }, failures: { N: "2" }, rejections: { S: "x" } };
    dynamodb.on(UpdateItemCommand).resolves({ Attributes });
    const leases = webhookLeases(client, "table");
    expect(await leases.acquire("w", { owner: "me", now: 1, until: 9 })).toEqual({
      nextMessageAt: 5,
      failures: 2,
      rejections: 0,
    });
    expect(await leases.renew("w", { owner: "me", until: 9 }, { nextMessageAt: 7, failures: 3, rejections: 1 })).toBe(
      true,
    );
    const [, renewed] = dynamodb.commandCalls(UpdateItemCommand).map(({ args: [{ input }] }) => input);
    expect(renewed).toMatchObject({
      Key: { webhook: { S: "lease w" } },
      UpdateExpression: expect.stringMatching(
        /^SET nextMessageAt = :next, failures = :failures, rejections = :rejections, /,
      ) as unknown,
      ExpressionAttributeValues: { ":next": { N: "7" }, ":failures": { N: "3" }, ":rejections": { N: "1" } },
    });
  });
});
