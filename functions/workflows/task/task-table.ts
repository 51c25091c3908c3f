/** The table of tasks. */
import { QueryCommand, UpdateItemCommand, type DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { marshall, unmarshall } from "@aws-sdk/util-dynamodb";
import * as z from "zod";

import { errorName } from "../../shared/errors";
import { DAY_SECONDS } from "../../shared/time";
import { STATUS_INDEX, taskSchema, type Task, type TaskStatus } from "../contract";
import { momentOf, startOf, type Execution, type TaskEnd } from "./task";

export type TaskKey = Pick<Task, "taskId" | "timestamp">;

export interface TaskPage {
  readonly tasks: readonly Task[];
  /** Where the next page begins; undefined: there is none. */
  readonly next?: PageKey;
}

/** Where a page begins: after this item of the index. */
export const pageKeySchema = z.object({ taskId: z.string(), timestamp: z.number(), status: z.string() });
export type PageKey = z.output<typeof pageKeySchema>;

export interface TaskTable {
  /** The latest of an id, as it is at this moment. */
  read(taskId: string): Promise<Task | undefined>;
  /** Latest first, or oldest first. Of the last moments, some may be missing: an index is a little late. */
  list(
    status: TaskStatus,
    page: { readonly limit: number; readonly from?: PageKey | undefined; readonly oldestFirst?: boolean },
  ): Promise<TaskPage>;
  /**
   * Writes how a task's execution ended, whatever the row says so far; where there is no row, makes one. Returns false when the row
   * said so already.
   */
  settle(key: TaskKey, execution: Pick<Execution, "arn" | "startedAt">, end: TaskEnd): Promise<boolean>;
}

/** @param keepDays how long after its start a task's row is kept */
export function taskTable(dynamodb: DynamoDBClient, TableName: string, keepDays: number): TaskTable {
  return {
    read: async (taskId) => {
      const { Items = [] } = await dynamodb.send(
        new QueryCommand({
          TableName,
          ConsistentRead: true,
          KeyConditionExpression: "taskId = :id",
          ExpressionAttributeValues: { ":id": { S: taskId } },
          ScanIndexForward: false,
          Limit: 1,
        }),
      );
      return Items[0] && taskSchema.parse(unmarshall(Items[0]));
    },

    list: async (status, { limit, from, oldestFirst = false }) => {
      const { Items = [], LastEvaluatedKey } = await dynamodb.send(
        new QueryCommand({
          TableName,
          IndexName: STATUS_INDEX,
          KeyConditionExpression: "#status = :status",
          ExpressionAttributeNames: { "#status": "status" },
          ExpressionAttributeValues: { ":status": { S: status } },
          ScanIndexForward: oldestFirst,
          Limit: limit,
          ...(from && { ExclusiveStartKey: marshall(from) }),
        }),
      );
      return {
        tasks: Items.map((item) => taskSchema.parse(unmarshall(item))),
        ...(LastEvaluatedKey && { next: pageKeySchema.parse(unmarshall(LastEvaluatedKey)) }),
      };
    },

    settle: async ({ taskId, timestamp }, { arn, startedAt }, end) => {
      try {
        await dynamodb.send(
          new UpdateItemCommand({
            TableName,
            Key: marshall({ taskId, timestamp }),
            // An execution has one end. So whoever tells of it again is refused, and nothing goes back to STARTED: the
            // machine's own writes ask for a row that is STARTED or says the same.
            ConditionExpression: "attribute_not_exists(#status) OR #status <> :status",
            UpdateExpression: [
              "SET #status = :status, #history = list_append(if_not_exists(#history, :started), :moment)",
              "executionArn = if_not_exists(executionArn, :arn), #ttl = if_not_exists(#ttl, :ttl)",
              ...(end.reason === undefined ? [] : ["reason = :reason"]),
            ]
              .join(", ")
              .concat(end.reason === undefined ? " REMOVE reason" : ""),
            ExpressionAttributeNames: { "#status": "status", "#history": "history", "#ttl": "ttl" },
            ExpressionAttributeValues: marshall({
              ":status": end.status,
              ":started": [startOf(startedAt)],
              ":moment": [momentOf(end)],
              ":arn": arn,
              ":ttl": Math.floor(timestamp / 1_000) + keepDays * DAY_SECONDS,
              ...(end.reason !== undefined && { ":reason": end.reason }),
            }),
          }),
        );
        return true;
      } catch (error) {
        if (errorName(error) === "ConditionalCheckFailedException") return false;
        throw error;
      }
    },
  };
}
