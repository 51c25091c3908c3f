/** {@link RunningFires} in the table of claims. */
import { ConditionalCheckFailedException, UpdateItemCommand, type DynamoDBClient } from "@aws-sdk/client-dynamodb";

import { acquireLease, leaseOf, ownLease, RELEASE_LEASE, SET_LEASE } from "../../shared/resilience/lease";
import { DAY_SECONDS } from "../../shared/time";
import { CLAIM_KEYS } from "../contract";
import type { Fire } from "../schedule/timer";
import { timerKey } from "../storage/timer-row";
import type { RunningFires } from "./process-deliveries";

/** Longer than a lease, so that a timer that no longer fires leaves nothing. */
const RETENTION_SECONDS = DAY_SECONDS;

export function runningFires(dynamodb: DynamoDBClient, TableName: string): RunningFires {
  return {
    begin: async (fire, request) => {
      const { condition, values } = acquireLease(request);
      const ttl = Math.ceil(request.until / 1_000) + RETENTION_SECONDS;
      try {
        await dynamodb.send(
          new UpdateItemCommand({
            TableName,
            Key: keyOf(fire),
            UpdateExpression: `SET ${SET_LEASE}, #running = :fire, #ttl = :ttl`,
            ConditionExpression: condition,
            ExpressionAttributeNames: { "#running": "running", "#ttl": CLAIM_KEYS.timeToLive },
            ExpressionAttributeValues: { ...values, ":fire": { S: fire.fireId }, ":ttl": { N: String(ttl) } },
            ReturnValuesOnConditionCheckFailure: "ALL_OLD",
          }),
        );
        return { outcome: "acquired" };
      } catch (error) {
        if (!(error instanceof ConditionalCheckFailedException)) throw error;
        const fireId = error.Item?.["running"]?.S ?? "";
        return { outcome: "held", fireId, ...(leaseOf(error.Item) ?? { owner: "", until: request.now }) };
      }
    },

    end: async (fire, owner) => {
      const { condition, values } = ownLease(owner);
      try {
        await dynamodb.send(
          new UpdateItemCommand({
            TableName,
            Key: keyOf(fire),
            UpdateExpression: `REMOVE ${RELEASE_LEASE}`,
            ConditionExpression: condition,
            ExpressionAttributeValues: values,
            ReturnValuesOnConditionCheckFailure: "ALL_OLD",
          }),
        );
        return undefined;
      } catch (error) {
        // It was never acquired, or has expired.
        if (!(error instanceof ConditionalCheckFailedException)) throw error;
        return leaseOf(error.Item);
      }
    },
  };
}

function keyOf({ kind, id }: Fire) {
  return { [CLAIM_KEYS.partition]: { S: `running#${timerKey(kind, id)}` } };
}
