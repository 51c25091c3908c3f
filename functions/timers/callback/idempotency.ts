/** {@link IdempotencyStore} in DynamoDB: a table of its own, because every list of timers would read millions of claims. */
import {
  ConditionalCheckFailedException,
  DeleteItemCommand,
  UpdateItemCommand,
  type DynamoDBClient,
  type TransactWriteItem,
  type Update,
} from "@aws-sdk/client-dynamodb";

import { acquireLease, leaseOf, ownLease, SET_LEASE } from "../../shared/resilience/lease";
import { DAY_SECONDS } from "../../shared/time";
import { CLAIM_KEYS } from "../contract";
import type { Fire } from "../schedule/timer";
import type { IdempotencyStore } from "./process-deliveries";

/** Longer than a message can be redelivered: 4 days in the queue, 14 in the dead-letter queue. */
const RETENTION_SECONDS = 20 * DAY_SECONDS;

export function idempotencyStore(dynamodb: DynamoDBClient, TableName: string): IdempotencyStore {
  return {
    claim: async (fire, request) => {
      const { condition, values } = acquireLease(request);
      const ttl = Math.ceil(request.now / 1_000) + RETENTION_SECONDS;
      try {
        await dynamodb.send(
          new UpdateItemCommand({
            TableName,
            Key: keyOf(fire),
            UpdateExpression: `SET ${SET_LEASE}, #ttl = :ttl`,
            ConditionExpression: `attribute_not_exists(#completed) AND ${condition}`,
            ExpressionAttributeNames: { ...NAMES, "#ttl": CLAIM_KEYS.timeToLive },
            ExpressionAttributeValues: { ...values, ":ttl": { N: String(ttl) } },
            ReturnValuesOnConditionCheckFailure: "ALL_OLD",
          }),
        );
        return { outcome: "claimed" };
      } catch (error) {
        if (!(error instanceof ConditionalCheckFailedException)) throw error;
        if (error.Item?.["completed"] !== undefined) return { outcome: "completed" };
        return { outcome: "inProgress", until: leaseOf(error.Item)?.until ?? request.now };
      }
    },

    complete: async (fire, owner) => {
      await dynamodb.send(new UpdateItemCommand(completionUpdate(TableName, fire, owner)));
    },

    release: async (fire, owner) => {
      const { condition, values } = ownLease(owner);
      try {
        await dynamodb.send(
          new DeleteItemCommand({
            TableName,
            Key: keyOf(fire),
            ConditionExpression: `${condition} AND attribute_not_exists(#completed)`,
            ExpressionAttributeNames: NAMES,
            ExpressionAttributeValues: values,
          }),
        );
      } catch (error) {
        // Another owner has claimed the fire.
        if (!(error instanceof ConditionalCheckFailedException)) throw error;
      }
    },
  };
}

const NAMES = { "#completed": "completed" };

function keyOf({ fireId }: Fire) {
  return { [CLAIM_KEYS.partition]: { S: fireId } };
}

/** Completes a fire in a transaction of the callback's own: its writes and the completion succeed or fail together. */
export function completion(table: string, fire: Fire, owner: string): TransactWriteItem {
  const update = completionUpdate(table, fire, owner);
  return {
    Update: {
      ...update,
      ConditionExpression: `${update.ConditionExpression ?? ""} AND attribute_not_exists(#completed)`,
    },
  };
}

function completionUpdate(TableName: string, fire: Fire, owner: string): Update {
  const { condition, values } = ownLease(owner);
  return {
    TableName,
    Key: keyOf(fire),
    UpdateExpression: "SET #completed = :completed",
    ConditionExpression: condition,
    ExpressionAttributeNames: NAMES,
    ExpressionAttributeValues: { ...values, ":completed": { BOOL: true } },
  };
}
