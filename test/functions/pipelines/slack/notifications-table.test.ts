import { BatchWriteItemCommand, DynamoDBClient, QueryCommand } from "@aws-sdk/client-dynamodb";
import { mockClient } from "aws-sdk-client-mock";
import { notificationQueue } from "../../../../functions/pipelines/slack/notifications-table";
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
