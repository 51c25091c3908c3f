/** {@link DispatchTable} in DynamoDB: the cursor rows and the index of the timers table. */
import { ConditionalCheckFailedException, UpdateItemCommand, type DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { marshall, unmarshall } from "@aws-sdk/util-dynamodb";
import * as z from "zod";

import type { AwsJson } from "../../shared/aws/aws-json";
import { acquireLease, ownLease, RELEASE_LEASE, SET_LEASE } from "../../shared/lease";
import { parseJson } from "../../shared/input";
import { DUE_INDEX, TIMER_KEYS } from "../contract";
import type { StoredTimer } from "../schedule/timer";
import { readTimerRow, type Row } from "../storage/timer-row";
import { cursorKey } from "../storage/timer-table";
import { LeaseLostError, type Cursor, type DispatchTable } from "./dispatcher";

const cursorSchema = z.object({
  cursor: z.number(),
  position: z.object({ range: z.string(), after: z.record(z.string(), z.unknown()).optional() }).optional(),
});

/** Rows are parsed one by one. */
const queryResponseSchema = z.object({
  Items: z.array(z.custom<Row>((row) => typeof row === "object" && row !== null)),
  LastEvaluatedKey: z.record(z.string(), z.unknown()).optional(),
});

/** @param queries reads the index: the SDK needs more time to parse a page than to send all its fires */
export function dispatchTable(dynamodb: DynamoDBClient, queries: AwsJson, TableName: string): DispatchTable {
  const Key = (shard: string) => ({ [TIMER_KEYS.partition]: { S: cursorKey(shard) } });

  return {
    acquire: async (shard, request) => {
      const { condition, values } = acquireLease(request);
      try {
        const { Attributes } = await dynamodb.send(
          new UpdateItemCommand({
            TableName,
            Key: Key(shard),
            UpdateExpression: `SET ${SET_LEASE}`,
            ConditionExpression: `attribute_exists(#cursor) AND ${condition}`,
            ExpressionAttributeNames: { "#cursor": "cursor" },
            ExpressionAttributeValues: values,
            ReturnValues: "ALL_NEW",
            ReturnValuesOnConditionCheckFailure: "ALL_OLD",
          }),
        );
        return { ...readCursor(Attributes ?? {}), acquired: true };
      } catch (error) {
        if (!(error instanceof ConditionalCheckFailedException)) throw error;
        if (error.Item === undefined) return undefined;
        return { ...readCursor(error.Item), acquired: false };
      }
    },

    save: async (shard, { owner, previous, cursor: { cursor, position }, release }) => {
      const { condition, values } = ownLease(owner);
      const removed = [...(position ? [] : ["#position"]), ...(release ? [RELEASE_LEASE] : [])];
      try {
        await dynamodb.send(
          new UpdateItemCommand({
            TableName,
            Key: Key(shard),
            UpdateExpression:
              `SET #cursor = :cursor${position ? ", #position = :position" : ""}` +
              (removed.length > 0 ? ` REMOVE ${removed.join(", ")}` : ""),
            ConditionExpression: `${condition} AND #cursor = :previous`,
            ExpressionAttributeNames: { "#cursor": "cursor", "#position": "position" },
            ExpressionAttributeValues: {
              ...values,
              ":cursor": { N: String(cursor) },
              ":previous": { N: String(previous) },
              ...(position && { ":position": { M: marshall(position) } }),
            },
          }),
        );
      } catch (cause) {
        if (!(cause instanceof ConditionalCheckFailedException)) throw cause;
        throw new LeaseLostError(`another run has the lease on ${shard}`, { cause });
      }
    },

    page: async ({ slot, from, to }, after) => {
      const response = queryResponseSchema.parse(
        parseJson(
          await queries.call(
            "DynamoDB_20120810.Query",
            JSON.stringify({
              TableName,
              IndexName: DUE_INDEX.name,
              KeyConditionExpression: `#slot = :slot AND #dueMs ${from === undefined ? "<= :to" : "BETWEEN :from AND :to"}`,
              ExpressionAttributeNames: { "#slot": DUE_INDEX.partition, "#dueMs": DUE_INDEX.sort },
              ExpressionAttributeValues: {
                ":slot": { S: slot },
                ...(from !== undefined && { ":from": { N: String(from) } }),
                ":to": { N: String(to) },
              },
              ...(after && { ExclusiveStartKey: after }),
            }),
          ),
        ),
      );
      const timers: StoredTimer[] = [];
      const corrupt: unknown[] = [];
      for (const row of response.Items) {
        try {
          timers.push(readTimerRow(row));
        } catch (error) {
          corrupt.push(error);
        }
      }
      return { timers, corrupt, ...(response.LastEvaluatedKey && { next: response.LastEvaluatedKey }) };
    },
  };
}

function readCursor(item: Row): Cursor {
  const { cursor, position } = cursorSchema.parse(unmarshall(item));
  if (position === undefined) return { cursor };
  const { range, after } = position;
  return { cursor, position: { range, ...(after && { after }) } };
}
