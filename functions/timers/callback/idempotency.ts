/** Claims on fires, rows of the timers table. */
import {
  ConditionalCheckFailedException,
  DeleteItemCommand,
  UpdateItemCommand,
  type DynamoDBClient,
  type TransactWriteItem,
  type Update,
} from "@aws-sdk/client-dynamodb";

import { acquireLease, leaseUntil, ownLease, SET_LEASE } from "../../shared/lease";
import { DAY_SECONDS } from "../../shared/time";
import type { Claims } from "./process-deliveries";
import { TIMER_KEYS } from "../contract";
import type { Fire } from "../schedule/timer";

/** As long as a message can come again: 4 days in the queue, 14 among dead letters. Seconds. */
const KEPT_SECONDS = 20 * DAY_SECONDS;

export function claims(dynamodb: DynamoDBClient, TableName: string): Claims {
  return {
    claim: async (fire, request) => {
      const { condition, values } = acquireLease(request);
      const ttl = Math.ceil(request.now / 1_000) + KEPT_SECONDS;
      try {
        await dynamodb.send(
          new UpdateItemCommand({
            TableName,
            Key: keyOf(fire),
            UpdateExpression: `SET ${SET_LEASE}, #ttl = :ttl`,
            ConditionExpression: `attribute_not_exists(#done) AND ${condition}`,
            ExpressionAttributeNames: { ...NAMES, "#ttl": TIMER_KEYS.timeToLive },
            ExpressionAttributeValues: { ...values, ":ttl": { N: String(ttl) } },
            ReturnValuesOnConditionCheckFailure: "ALL_OLD",
          }),
        );
        return { outcome: "claimed" };
      } catch (error) {
        if (!(error instanceof ConditionalCheckFailedException)) throw error;
        if (error.Item?.["done"] !== undefined) return { outcome: "done" };
        return { outcome: "taken", until: leaseUntil(error.Item) ?? request.now };
      }
    },

    done: async (fire, owner) => {
      await dynamodb.send(new UpdateItemCommand(completionUpdate(TableName, fire, owner)));
    },

    release: async (fire, owner) => {
      const { condition, values } = ownLease(owner);
      try {
        await dynamodb.send(
          new DeleteItemCommand({
            TableName,
            Key: keyOf(fire),
            ConditionExpression: `${condition} AND attribute_not_exists(#done)`,
            ExpressionAttributeNames: NAMES,
            ExpressionAttributeValues: values,
          }),
        );
      } catch (error) {
        // It is somebody else's by now.
        if (!(error instanceof ConditionalCheckFailedException)) throw error;
      }
    },
  };
}

const NAMES = { "#done": "done" };

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
  const { condition, values } = ownLease(owner);
  return {
    TableName,
    Key: keyOf(fire),
    UpdateExpression: "SET #done = :done",
    ConditionExpression: condition,
    ExpressionAttributeNames: NAMES,
    ExpressionAttributeValues: { ...values, ":done": { BOOL: true } },
  };
}
