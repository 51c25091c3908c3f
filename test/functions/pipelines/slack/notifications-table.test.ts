import { BatchWriteItemCommand, DynamoDBClient } from "@aws-sdk/client-dynamodb";
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
