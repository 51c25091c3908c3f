/** The DynamoDB table of tasks. */
import { QueryCommand, UpdateItemCommand, type DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { marshall, unmarshall } from "@aws-sdk/util-dynamodb";
import * as z from "zod";

import { keyNumberSchema, keyTextSchema } from "../../shared/aws/dynamodb-limits";
import { errorName } from "../../shared/errors";
import { DAY_SECONDS } from "../../shared/time";
import { STATUS_INDEX, taskSchema, type Task, type TaskStatus } from "../contract";
import { endEntry, startEntry, type Execution, type TaskEnd } from "./task";

export type TaskKey = Pick<Task, "taskId" | "timestamp">;

export interface TaskPage {
  readonly tasks: readonly Task[];
  /** Undefined on the last page. */
  readonly next?: PageKey;
}

/** A page begins after this item of the index. */
export const pageKeySchema = z.object({
  taskId: keyTextSchema("partition"),
  timestamp: keyNumberSchema,
  status: z.string(),
});
export type PageKey = z.output<typeof pageKeySchema>;

export interface TaskTable {
  /** The latest task with this ID. Strongly consistent. */
  read(taskId: string): Promise<Task | undefined>;
  /** By time, latest first by default. The index is eventually consistent. */
  list(
    status: TaskStatus,
    page: { readonly limit: number; readonly from?: PageKey | undefined; readonly oldestFirst?: boolean },
  ): Promise<TaskPage>;
  /**
   * Writes the end of a task's execution, whatever the row's status, and creates a missing row. Returns false when the row has this
   * status already.
   */
  writeEnd(key: TaskKey, execution: Pick<Execution, "arn" | "startedAt">, end: TaskEnd): Promise<boolean>;
}

/** @param keepDays a row expires this long after its task's start */
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

    writeEnd: async ({ taskId, timestamp }, { arn, startedAt }, end) => {
      try {
        await dynamodb.send(
          new UpdateItemCommand({
            TableName,
            Key: marshall({ taskId, timestamp }),
            // An execution has one end, so a second write of it is rejected. The machine's own writes require a row that is
            // STARTED or has the same status, so a status never goes back.
            ConditionExpression: "attribute_not_exists(#status) OR #status <> :status",
            UpdateExpression: [
              "SET #status = :status, #history = list_append(if_not_exists(#history, :started), :end)",
              "executionArn = if_not_exists(executionArn, :arn), #ttl = if_not_exists(#ttl, :ttl)",
              ...(end.reason === undefined ? [] : ["reason = :reason"]),
            ]
              .join(", ")
              .concat(end.reason === undefined ? " REMOVE reason" : ""),
            ExpressionAttributeNames: { "#status": "status", "#history": "history", "#ttl": "ttl" },
            ExpressionAttributeValues: marshall({
              ":status": end.status,
              ":started": [startEntry(startedAt)],
              ":end": [endEntry(end)],
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
