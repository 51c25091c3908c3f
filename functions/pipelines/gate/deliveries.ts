/** The DynamoDB table of webhook deliveries that were accepted, so that a repeated one changes nothing. */
import { GetItemCommand, PutItemCommand, type DynamoDBClient } from "@aws-sdk/client-dynamodb";

import { DAY_SECONDS, SECOND_MS } from "../../shared/time";
import { DELIVERY_KEYS } from "../contract";

/** Senders that sign a time are refused after minutes. Of the others, a delivery can be repeated for ever. */
const KEEP_SECONDS = 30 * DAY_SECONDS;

export interface Deliveries {
  readonly has: (pipeline: string, delivery: string) => Promise<boolean>;
  /** After SQS has accepted the message: a crash in between leads to a duplicate, which ingest ignores. */
  readonly add: (pipeline: string, delivery: string, now: number) => Promise<void>;
}

export function deliveriesTable(dynamodb: DynamoDBClient, TableName: string): Deliveries {
  const keyOf = (pipeline: string, delivery: string) => ({
    [DELIVERY_KEYS.partition]: { S: `${pipeline} ${delivery}` },
  });
  return {
    has: async (pipeline, delivery) => {
      const Key = keyOf(pipeline, delivery);
      const { Item } = await dynamodb.send(new GetItemCommand({ TableName, Key, ConsistentRead: true }));
      return Item !== undefined;
    },
    add: async (pipeline, delivery, now) => {
      const expiresAt = { N: String(Math.ceil(now / SECOND_MS) + KEEP_SECONDS) };
      const Item = { ...keyOf(pipeline, delivery), [DELIVERY_KEYS.expiresAt]: expiresAt };
      await dynamodb.send(new PutItemCommand({ TableName, Item }));
    },
  };
}
