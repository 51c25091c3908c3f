/** The cursor rows and the index of the timers table, as the dispatcher sees them. */
import { ConditionalCheckFailedException, UpdateItemCommand, type DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { marshall, unmarshall } from "@aws-sdk/util-dynamodb";
import * as z from "zod";

import type { AwsJson } from "../../shared/aws/aws-json";
import { acquireLease, ownLease, RELEASE_LEASE, SET_LEASE } from "../../shared/lease";
import { DUE_INDEX, TIMER_KEYS } from "../contract";
import { LeaseLostError, type Cursor, type DispatchTable } from "./dispatcher";
import { readTimerRow, type Row } from "../storage/timer-row";
import { cursorKey } from "../storage/timer-table";
import type { StoredTimer } from "../schedule/timer";

const cursorSchema = z.object({
  cursor: z.number(),
  position: z.object({ section: z.string(), after: z.record(z.string(), z.unknown()).optional() }).optional(),
});

/** As far as it is looked at; rows are read one by one. */
const queryAnswerSchema = z.object({
  Items: z.array(z.custom<Row>((row) => typeof row === "object" && row !== null)),
  LastEvaluatedKey: z.record(z.string(), z.unknown()).optional(),
});

/**
 * @param pages reads the index: to read a page with the SDK takes longer than to send all its fires
 */
export function dispatchTable(dynamodb: DynamoDBClient, pages: AwsJson, TableName: string): DispatchTable {
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
        return { ...readCursor(Attributes ?? {}), taken: true };
      } catch (error) {
        if (!(error instanceof ConditionalCheckFailedException)) throw error;
        if (error.Item === undefined) return undefined;
        return { ...readCursor(error.Item), taken: false };
      }
    },

    save: async (shard, { owner, before, cursor: { cursor, position }, release }) => {
      const { condition, values } = ownLease(owner);
      const gone = [...(position ? [] : ["#position"]), ...(release ? [RELEASE_LEASE] : [])];
      try {
        await dynamodb.send(
          new UpdateItemCommand({
            TableName,
            Key: Key(shard),
            UpdateExpression:
              `SET #cursor = :cursor${position ? ", #position = :position" : ""}` +
              (gone.length > 0 ? ` REMOVE ${gone.join(", ")}` : ""),
            ConditionExpression: `${condition} AND #cursor = :before`,
            ExpressionAttributeNames: { "#cursor": "cursor", "#position": "position" },
            ExpressionAttributeValues: {
              ...values,
              ":cursor": { N: String(cursor) },
              ":before": { N: String(before) },
              ...(position && { ":position": { M: marshall(position) } }),
            },
          }),
        );
      } catch (cause) {
        if (!(cause instanceof ConditionalCheckFailedException)) throw cause;
        throw new LeaseLostError(`another run is at work on ${shard}`, { cause });
      }
    },

    page: async ({ slot, from, to }, after) => {
      const answer = queryAnswerSchema.parse(
        JSON.parse(
          await pages.call(
            "DynamoDB_20120810.Query",
            JSON.stringify({
              TableName,
              IndexName: DUE_INDEX.name,
              KeyConditionExpression: `#slot = :slot AND #order ${from === undefined ? "<= :to" : "BETWEEN :from AND :to"}`,
              ExpressionAttributeNames: { "#slot": DUE_INDEX.partition, "#order": DUE_INDEX.sort },
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
      for (const row of answer.Items) {
        try {
          timers.push(readTimerRow(row));
        } catch (error) {
          corrupt.push(error);
        }
      }
      return { timers, corrupt, ...(answer.LastEvaluatedKey && { next: answer.LastEvaluatedKey }) };
    },
  };
}

function readCursor(item: Row): Cursor {
  const { cursor, position } = cursorSchema.parse(unmarshall(item));
  if (position === undefined) return { cursor };
  const { section, after } = position;
  return { cursor, position: { section, ...(after && { after }) } };
}
