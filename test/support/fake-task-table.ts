/**
 * An in-memory table of tasks, for the machine's requests and for the functions' through the SDK. Evaluates expressions, so a wrong
 * condition fails here too.
 */
import {
  ConditionalCheckFailedException,
  DynamoDBClient,
  QueryCommand,
  UpdateItemCommand,
  type QueryCommandInput,
  type UpdateItemCommandInput,
} from "@aws-sdk/client-dynamodb";
import { unmarshall } from "@aws-sdk/util-dynamodb";
import { mockClient } from "aws-sdk-client-mock";
import * as z from "zod";
import { taskTable, type TaskTable } from "../../functions/workflows/task/task-table";
import type { Json } from "../../modules/asl/values";
import { holds, updated, type Item, type Request } from "./dynamodb-expressions";
import { StatesError } from "./states-interpreter";

const requestSchema = z.strictObject({
  TableName: z.string(),
  Item: z.custom<Item>().optional(),
  Key: z.custom<Item>().optional(),
  ConditionExpression: z.string().optional(),
  UpdateExpression: z.string().optional(),
  ExpressionAttributeNames: z.record(z.string(), z.string()).optional(),
  ExpressionAttributeValues: z.custom<Item>().optional(),
});

export interface FakeTaskTable extends TaskTable {
  /** A task's row, without marshalling. */
  readonly row: (taskId: string) => Record<string, unknown> | undefined;
  /** The services of the machine's tasks. Errors have the names that Step Functions gives them. */
  readonly services: Readonly<Record<"dynamodb:putItem" | "dynamodb:updateItem", (request: Json) => Promise<Json>>>;
}

/** @param onWrite called with every row that is written */
export function fakeTaskTable(onWrite: (row: Record<string, unknown>) => void = () => undefined): FakeTaskTable {
  const stored = new Map<string, Item>();
  const keyOf = ({ taskId, timestamp }: Item) => `${taskId?.S ?? ""} ${timestamp?.N ?? ""}`;
  const write = (request: Request): void => {
    const key = keyOf(request.Item ?? request.Key ?? {});
    const before = stored.get(key);
    if (request.ConditionExpression !== undefined && !holds(request.ConditionExpression, before ?? {}, request))
      throw new ConditionalCheckFailedException({ message: "The conditional request failed", $metadata: {} });
    const after = request.Item ?? updated({ ...(before ?? request.Key) }, request);
    stored.set(key, structuredClone(after));
    onWrite(unmarshall(after));
  };

  const client = new DynamoDBClient({ region: "eu-central-1" });
  const dynamodb = mockClient(client);
  dynamodb.on(UpdateItemCommand).callsFake((input: UpdateItemCommandInput) => {
    write(input);
    return {};
  });
  dynamodb.on(QueryCommand).callsFake((input: QueryCommandInput) => {
    const { IndexName, ExpressionAttributeValues: values = {}, ScanIndexForward, Limit = 1, ExclusiveStartKey } = input;
    const direction = ScanIndexForward === false ? -1 : 1;
    const order = (a: Item, b: Item) =>
      direction * (Number(a["timestamp"]?.N) - Number(b["timestamp"]?.N) || (keyOf(a) < keyOf(b) ? -1 : 1));
    const matching = [...stored.values()]
      .filter((item) =>
        IndexName === undefined ? item["taskId"]?.S === values[":id"]?.S : item["status"]?.S === values[":status"]?.S,
      )
      // The key's item may no longer exist.
      .filter((item) => ExclusiveStartKey === undefined || order(item, ExclusiveStartKey) > 0)
      .filter((item) => ExclusiveStartKey === undefined || keyOf(item) !== keyOf(ExclusiveStartKey))
      .sort(order);
    const Items = matching.slice(0, Limit);
    const last = Items.at(-1);
    if (last === undefined || matching.length <= Limit) return { Items };
    const { taskId, timestamp, status } = last;
    return { Items, LastEvaluatedKey: { taskId, timestamp, status } };
  });
  const service = (request: Json): Promise<Json> => {
    try {
      write(requestSchema.parse(request));
      return Promise.resolve({});
    } catch (error) {
      if (error instanceof ConditionalCheckFailedException)
        return Promise.reject(new StatesError(`DynamoDB.${error.name}`, error.message));
      throw error;
    }
  };

  return {
    ...taskTable(client, "tasks", 90),
    services: { "dynamodb:putItem": service, "dynamodb:updateItem": service },
    row: (taskId) => {
      const item = [...stored.values()].find((each) => each["taskId"]?.S === taskId);
      return item && unmarshall(item);
    },
  };
}
