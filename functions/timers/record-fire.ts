import { PutItemCommand, type DynamoDBClient } from "@aws-sdk/client-dynamodb";

import { createDynamoDB } from "../shared/aws/clients/dynamodb";
import { DAY_SECONDS } from "../shared/time";
import { RECORDED_FIRE_KEYS, recordFireEnvironment } from "./contract";
import { onTimer } from "./on-timer";

const RETENTION_SECONDS = 7 * DAY_SECONDS;

let connection: { readonly dynamodb: DynamoDBClient; readonly table: string } | undefined;

/** The default callback: records each fire in a table, with the time of its first delivery. */
export const handler = onTimer(async ({ kind, id, fireId, due, text }) => {
  connection ??= {
    dynamodb: createDynamoDB(),
    table: recordFireEnvironment.parse(process.env).RECORDED_FIRES_TABLE,
  };
  const now = new Date();
  try {
    await connection.dynamodb.send(
      new PutItemCommand({
        TableName: connection.table,
        Item: {
          [RECORDED_FIRE_KEYS.partition]: { S: `${kind}#${id}` },
          [RECORDED_FIRE_KEYS.sort]: { S: fireId },
          dueAt: { S: due.toISOString() },
          firedAt: { S: now.toISOString() },
          lateMs: { N: String(now.getTime() - due.getTime()) },
          data: { S: text },
          [RECORDED_FIRE_KEYS.timeToLive]: { N: String(Math.ceil(now.getTime() / 1_000) + RETENTION_SECONDS) },
        },
        ConditionExpression: "attribute_not_exists(#fire)",
        ExpressionAttributeNames: { "#fire": RECORDED_FIRE_KEYS.sort },
      }),
    );
  } catch (error) {
    if (!(error instanceof Error && error.name === "ConditionalCheckFailedException")) throw error;
  }
});
