/** The DynamoDB table of tasks. */
import { QueryCommand, UpdateItemCommand, type DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { marshall } from "@aws-sdk/util-dynamodb";
import * as z from "zod";

import { keyTextSchema } from "../../shared/aws/dynamodb-limits";
import { valuesOf } from "../../shared/aws/item";
import { errorName } from "../../shared/errors";
import { NotFoundError } from "../../shared/handlers/http-errors";
import { DAY_SECONDS } from "../../shared/time";
import {
  NO_INPUT,
  STATUS_INDEX,
  taskRowSchema,
  type Approval,
  type Task,
  type TaskRow,
  type TaskStatus,
} from "../contract";
import { endEntry, startEntries, startEntry, taskInputOf, type Execution, type TaskEnd } from "./task";

export type TaskKey = Pick<Task, "taskId" | "timestamp">;

/** `input`: the row that its machine did not write has its hash. @default unknown */
export type EndedExecution = Pick<Execution, "arn" | "startedAt" | "redrivenAt"> & Partial<Pick<Execution, "input">>;

export interface TaskPage {
  readonly tasks: readonly TaskRow[];
  /** IDs of rows that are not tasks: another program wrote them. */
  readonly malformed: readonly string[];
  /** Undefined on the last page. */
  readonly next?: PageKey;
}

/** A page begins after this item of the index. */
export const pageKeySchema = z.object({
  taskId: keyTextSchema("partition"),
  /** A number's digits: of a row that another program wrote, a double may not hold it. DynamoDB keeps 38. */
  timestamp: z.string().regex(/^-?(\d{1,38}|\d{1,19}\.\d{1,19})$/),
  status: z.string(),
});
export type PageKey = z.output<typeof pageKeySchema>;

const lastKeySchema = z
  .object({
    taskId: z.object({ S: z.string() }),
    timestamp: z.object({ N: z.string() }),
    status: z.object({ S: z.string() }),
  })
  .transform(({ taskId, timestamp, status }): PageKey => ({
    taskId: taskId.S,
    timestamp: timestamp.N,
    status: status.S,
  }));

export type RecordedDecision = Required<Pick<Approval, "decision" | "decidedAt" | "decidedBy" | "comment">>;

export interface TaskTable {
  /** The latest task with this ID. Strongly consistent. Passes over rows that are not tasks: another program wrote them. */
  read(taskId: string): Promise<TaskRow | undefined>;
  /** By time, latest first by default. The index is eventually consistent. */
  list(
    status: TaskStatus,
    page: {
      /** @default 1 MB */
      readonly limit?: number;
      readonly from?: PageKey | undefined;
      readonly oldestFirst?: boolean;
      /** Epoch seconds. @default all */
      readonly since?: number;
    },
  ): Promise<TaskPage>;
  /**
   * Writes the end of a task's execution into its row if that is STARTED, and creates a missing row. Returns false when the row has an end
   * already, belongs to another execution, or was redriven after this end.
   */
  writeEnd(key: TaskKey, execution: EndedExecution, end: TaskEnd): Promise<boolean>;
  /** Makes a task that has ended STARTED again. Returns false when it was changed meanwhile. Times in epoch milliseconds. */
  writeRedrive(row: TaskRow, times: { readonly at: number; readonly endedAt: number }): Promise<boolean>;
  /** Records how the row's approval with this token was decided. */
  writeDecision(row: TaskRow, token: string, recorded: RecordedDecision): Promise<void>;
}

/** A task has one row, unless its execution was started by hand, or another program wrote some. */
const MAX_ROWS_READ = 10;

/** @throws {@link NotFoundError} */
export async function requireRow(table: Pick<TaskTable, "read">, taskId: string): Promise<TaskRow> {
  const row = await table.read(taskId);
  if (row === undefined) throw new NotFoundError("there is no task with this id");
  return row;
}

/**
 * @param keepDays a row expires this long after its task's end
 * @param onMalformed called for a task whose read passed over rows. @default nothing
 */
export function taskTable(
  dynamodb: DynamoDBClient,
  TableName: string,
  keepDays: number,
  onMalformed: (taskId: string) => void = () => undefined,
): TaskTable {
  return {
    read: async (taskId) => {
      const { Items = [] } = await dynamodb.send(
        new QueryCommand({
          TableName,
          ConsistentRead: true,
          KeyConditionExpression: "taskId = :id",
          ExpressionAttributeValues: { ":id": { S: taskId } },
          ScanIndexForward: false,
          Limit: MAX_ROWS_READ,
        }),
      );
      const rows = Items.map((item) => taskRowSchema.safeParse(valuesOf(item)).data);
      const row = rows.find((each) => each !== undefined);
      if (rows[0] === undefined && rows.length > 0) onMalformed(taskId);
      return row;
    },

    list: async (status, { limit, from, since, oldestFirst = false }) => {
      const { Items = [], LastEvaluatedKey } = await dynamodb.send(
        new QueryCommand({
          TableName,
          IndexName: STATUS_INDEX,
          KeyConditionExpression: `#status = :status${since === undefined ? "" : " AND #timestamp >= :since"}`,
          ExpressionAttributeNames: { "#status": "status", ...(since !== undefined && { "#timestamp": "timestamp" }) },
          ExpressionAttributeValues: {
            ":status": { S: status },
            ...(since !== undefined && { ":since": { N: String(since) } }),
          },
          ScanIndexForward: oldestFirst,
          ...(limit !== undefined && { Limit: limit }),
          ...(from && {
            ExclusiveStartKey: {
              taskId: { S: from.taskId },
              timestamp: { N: from.timestamp },
              status: { S: from.status },
            },
          }),
        }),
      );
      const parsed = Items.map((item) => ({ item, row: taskRowSchema.safeParse(valuesOf(item)).data }));
      return {
        tasks: parsed.flatMap(({ row }) => row ?? []),
        malformed: parsed.filter(({ row }) => row === undefined).map(({ item }) => item["taskId"]?.S ?? ""),
        ...(LastEvaluatedKey && { next: lastKeySchema.parse(LastEvaluatedKey) }),
      };
    },

    writeEnd: async ({ taskId, timestamp }, { arn, startedAt, redrivenAt, input }, end) => {
      const inputHash = input === undefined ? undefined : (taskInputOf({ input })?.inputHash ?? NO_INPUT);
      try {
        await dynamodb.send(
          new UpdateItemCommand({
            TableName,
            Key: marshall({ taskId, timestamp }),
            // The first end stays, so a status never goes back: work that is DONE is done, also when its execution is stopped while it
            // ends. The machine's own writes have the same condition.
            ConditionExpression:
              "attribute_not_exists(#status) OR #status = :running AND executionArn = :arn " +
              "AND (attribute_not_exists(redrivenAfter) OR redrivenAfter < :endedAt)",
            UpdateExpression: [
              "SET #status = :status, #history = list_append(if_not_exists(#history, :started), :end)",
              "executionArn = :arn, startDate = if_not_exists(startDate, :startDate), #ttl = :ttl",
              ...(end.reason === undefined ? [] : ["reason = :reason"]),
              ...(inputHash === undefined ? [] : ["inputHash = if_not_exists(inputHash, :inputHash)"]),
            ].join(", "),
            ExpressionAttributeNames: { "#status": "status", "#history": "history", "#ttl": "ttl" },
            ExpressionAttributeValues: marshall({
              ":status": end.status,
              ":running": "STARTED",
              ":started": startEntries({ startedAt, redrivenAt }),
              ":end": [endEntry(end)],
              ":arn": arn,
              ":endedAt": end.at,
              ":startDate": new Date(startedAt).toISOString(),
              ":ttl": Math.floor(end.at / 1_000) + keepDays * DAY_SECONDS,
              ...(end.reason !== undefined && { ":reason": end.reason }),
              ...(inputHash !== undefined && { ":inputHash": inputHash }),
            }),
          }),
        );
        return true;
      } catch (error) {
        return whenUnchanged(error);
      }
    },

    writeRedrive: async ({ taskId, timestamp, status, executionArn, history }, { at, endedAt }) => {
      try {
        await dynamodb.send(
          new UpdateItemCommand({
            TableName,
            Key: marshall({ taskId, timestamp }),
            // Of two calls, one writes it.
            ConditionExpression: "#status = :status AND executionArn = :arn AND #history = :history",
            UpdateExpression:
              "SET #status = :started, #history = list_append(#history, :entry), redrivenAfter = :endedAt REMOVE reason, #ttl",
            ExpressionAttributeNames: { "#status": "status", "#history": "history", "#ttl": "ttl" },
            ExpressionAttributeValues: marshall({
              ":status": status,
              ":arn": executionArn,
              ":history": history,
              ":started": "STARTED",
              ":entry": [startEntry(at)],
              ":endedAt": endedAt,
            }),
          }),
        );
        return true;
      } catch (error) {
        return whenUnchanged(error);
      }
    },

    writeDecision: async ({ taskId, timestamp, approvals = [] }, token, recorded) => {
      const index = approvals.findIndex((each) => each.token === token);
      const approval = approvals[index];
      if (approval === undefined) return;
      try {
        await dynamodb.send(
          new UpdateItemCommand({
            TableName,
            Key: marshall({ taskId, timestamp }),
            // By its place: the machine goes on, and may have added another one.
            ConditionExpression: `approvals[${index}].#token = :token`,
            UpdateExpression: `SET approvals[${index}] = :approval`,
            ExpressionAttributeNames: { "#token": "token" },
            ExpressionAttributeValues: marshall({ ":token": token, ":approval": { ...approval, ...recorded } }),
          }),
        );
      } catch (error) {
        whenUnchanged(error);
      }
    },
  };
}

/** False: the condition did not hold. @throws every other error */
function whenUnchanged(error: unknown): false {
  if (errorName(error) === "ConditionalCheckFailedException") return false;
  throw error;
}
