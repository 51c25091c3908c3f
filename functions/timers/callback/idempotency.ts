/** Claims on fires, rows of the timers table. */
import {
  ConditionalCheckFailedException,
  DeleteItemCommand,
  UpdateItemCommand,
  type DynamoDBClient,
  type TransactWriteItem,
  type Update,
} from "@aws-sdk/client-dynamodb";

import type { Claims } from "./process-deliveries";
import { TIMER_KEYS } from "../contract";
import type { Fire } from "../schedule/timer";

/** As long as a message can come again: 4 days in the queue, 14 among dead letters. Seconds. */
const KEPT_SECONDS = 20 * 86_400;

export function claims(dynamodb: DynamoDBClient, TableName: string): Claims {
  return {
    claim: async (fire, { owner, now, until }) => {
      try {
        await dynamodb.send(
          new UpdateItemCommand({
            TableName,
            Key: keyOf(fire),
            UpdateExpression: "SET #owner = :owner, #until = :until, #ttl = :ttl",
            ConditionExpression:
              "attribute_not_exists(#owner) OR #owner = :owner OR (attribute_not_exists(#done) AND #until < :now)",
            ExpressionAttributeNames: { ...NAMES, "#until": "claimedUntil", "#ttl": TIMER_KEYS.timeToLive },
            ExpressionAttributeValues: {
              ":owner": { S: owner },
              ":until": { N: String(until) },
              ":now": { N: String(now) },
              ":ttl": { N: String(Math.ceil(now / 1_000) + KEPT_SECONDS) },
            },
            ReturnValuesOnConditionCheckFailure: "ALL_OLD",
          }),
        );
        return { outcome: "claimed" };
      } catch (error) {
        if (!(error instanceof ConditionalCheckFailedException)) throw error;
        if (error.Item?.["done"] !== undefined) return { outcome: "done" };
        return { outcome: "taken", until: Number(error.Item?.["claimedUntil"]?.N ?? now) };
      }
    },

    done: async (fire, owner) => {
      await dynamodb.send(new UpdateItemCommand(completionUpdate(TableName, fire, owner)));
    },

    release: async (fire, owner) => {
      try {
        await dynamodb.send(
          new DeleteItemCommand({
            TableName,
            Key: keyOf(fire),
            ConditionExpression: "#owner = :owner AND attribute_not_exists(#done)",
            ExpressionAttributeNames: NAMES,
            ExpressionAttributeValues: { ":owner": { S: owner } },
          }),
        );
      } catch (error) {
        // It is somebody else's by now.
        if (!(error instanceof ConditionalCheckFailedException)) throw error;
      }
    },
  };
}

const NAMES = { "#owner": "claimOwner", "#done": "done" };

function keyOf({ fireId }: Fire) {
  return { [TIMER_KEYS.partition]: { S: `claim#${fireId}` } };
}

/** Notes that a fire has happened; for a transaction, with what makes it happen: then both are true, or neither. */
export function completion(table: string, fire: Fire, owner: string): TransactWriteItem {
  const update = completionUpdate(table, fire, owner);
  return {
    Update: { ...update, ConditionExpression: `${update.ConditionExpression ?? ""} AND attribute_not_exists(#done)` },
  };
}

function completionUpdate(TableName: string, fire: Fire, owner: string): Update {
  return {
    TableName,
    Key: keyOf(fire),
    UpdateExpression: "SET #done = :done",
    ConditionExpression: "#owner = :owner",
    ExpressionAttributeNames: NAMES,
    ExpressionAttributeValues: { ":owner": { S: owner }, ":done": { BOOL: true } },
  };
}
