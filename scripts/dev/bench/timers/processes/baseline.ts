/** Benchmark process: a baseline dispatcher with the plain AWS SDK. Pages in sequence, one SendMessage per timer, all of a page at once. */
import { DynamoDBClient, QueryCommand, type AttributeValue } from "@aws-sdk/client-dynamodb";
import { SendMessageCommand, SQSClient } from "@aws-sdk/client-sqs";
import { unmarshall } from "@aws-sdk/util-dynamodb";

import type { Scenario } from "../messages";
import { measure } from "../scenario";

const TIMERS = 20_000;

async function dispatch({ until, cursor }: Scenario): Promise<void> {
  const dynamodb = new DynamoDBClient();
  const sqs = new SQSClient();
  let key: Record<string, AttributeValue> | undefined;
  do {
    const { Items = [], LastEvaluatedKey } = await dynamodb.send(
      new QueryCommand({
        TableName: "almanac-bench-timers",
        IndexName: "due",
        KeyConditionExpression: "#slot = :slot AND #dueMs BETWEEN :from AND :to",
        ExpressionAttributeNames: { "#slot": "slot", "#dueMs": "dueMs" },
        ExpressionAttributeValues: {
          ":slot": { S: "shard0#once" },
          ":from": { N: String(cursor + 1) },
          ":to": { N: String(until) },
        },
        ...(key && { ExclusiveStartKey: key }),
      }),
    );
    await Promise.all(
      Items.map((item) => {
        const timer = unmarshall(item);
        const text = (name: string) => ({ DataType: "String", StringValue: String(timer[name]) });
        return sqs.send(
          new SendMessageCommand({
            QueueUrl: process.env["FIRES_QUEUE_URL"],
            MessageBody: String(timer["data"]),
            DelaySeconds: Math.max(0, Math.min(900, Math.floor((Number(timer["at"]) - Date.now()) / 1_000))),
            MessageAttributes: {
              timerId: text("timer"),
              timerVersion: text("version"),
              shardId: text("shard"),
              dueAt: text("at"),
            },
          }),
        );
      }),
    );
    key = LastEvaluatedKey;
  } while (key !== undefined);
}

async function main(): Promise<void> {
  await measure("oneshot", 1_000, dispatch);
  process.send?.({ runs: [await measure("oneshot", TIMERS, dispatch)] });
}

void main();
