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
import { marshall } from "@aws-sdk/util-dynamodb";
import { mockClient } from "aws-sdk-client-mock";
import * as z from "zod";
import { valuesOf } from "../../functions/shared/aws/item";
import { taskTable, type TaskTable } from "../../functions/workflows/task/task-table";
import type { Json } from "../../modules/asl/values";
import { holds, updated, type Item, type Request } from "./dynamodb-expressions";
import { oncePerObject } from "./once-per-object";
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
  /** Writes rows as the machine does at a task's start. `startedAt`: epoch milliseconds. */
  readonly putStarted: (
    tasks: readonly { readonly taskId: string; readonly arn: string; readonly startedAt: number }[],
  ) => Promise<void>;
  /** Queries so far. */
  readonly queries: () => number;
  /** A task's row, without marshalling. */
  readonly row: (taskId: string) => Record<string, unknown> | undefined;
  /** The services of the machine's tasks. Errors have the names that Step Functions gives them. */
  readonly services: Readonly<Record<"dynamodb:putItem" | "dynamodb:updateItem", (request: Json) => Promise<Json>>>;
}

/**
 * @param onWrite called with every row that is written
 * @param seenBy the time as of which the index is read: reads of an index are eventually consistent. @default now
 */
export function fakeTaskTable(
  onWrite?: (row: Record<string, unknown>) => void,
  { now, seenBy }: { readonly now: () => number; readonly seenBy: () => number } = { now: () => 0, seenBy: () => 0 },
): FakeTaskTable {
  const stored = new Map<string, Item>();
  /** Oldest first. */
  const versions = new Map<string, { readonly at: number; readonly item: Item }[]>();
  const indexed = () => {
    const at = seenBy();
    return [...versions.values()].flatMap((each): Item[] => {
      const version = each.findLast((one) => one.at <= at);
      return version === undefined ? [] : [version.item];
    });
  };
  const keyOf = ({ taskId, timestamp }: Item) => `${taskId?.S ?? ""} ${timestamp?.N ?? ""}`;
  const write = (request: Request): void => {
    const key = keyOf(request.Item ?? request.Key ?? {});
    const before = stored.get(key);
    if (request.ConditionExpression !== undefined && !holds(request.ConditionExpression, before ?? {}, request))
      throw new ConditionalCheckFailedException({ message: "The conditional request failed", $metadata: {} });
    const item = structuredClone(request.Item ?? updated({ ...(before ?? request.Key) }, request));
    stored.set(key, item);
    versions.set(key, [...(versions.get(key) ?? []), { at: now(), item }]);
    onWrite?.(valuesOf(item));
  };

  const client = new DynamoDBClient({ region: "eu-central-1" });
  const dynamodb = mockClient(client);
  dynamodb.on(UpdateItemCommand).callsFake((input: UpdateItemCommandInput) => {
    write(input);
    return {};
  });
  let queries = 0;
  dynamodb.on(QueryCommand).callsFake((input: QueryCommandInput) => {
    queries++;
    const { IndexName, ExpressionAttributeValues: values = {}, ScanIndexForward, ExclusiveStartKey } = input;
    const direction = ScanIndexForward === false ? -1 : 1;
    const order = (a: Item, b: Item) =>
      direction * (Number(a["timestamp"]?.N) - Number(b["timestamp"]?.N) || (keyOf(a) < keyOf(b) ? -1 : 1));
    const matching = (IndexName === undefined ? [...stored.values()] : indexed())
      .filter((item) =>
        IndexName === undefined ? item["taskId"]?.S === values[":id"]?.S : item["status"]?.S === values[":status"]?.S,
      )
      .filter((item) => values[":since"] === undefined || Number(item["timestamp"]?.N) >= Number(values[":since"].N))
      // The key's item may no longer exist.
      .filter((item) => ExclusiveStartKey === undefined || order(item, ExclusiveStartKey) > 0)
      .filter((item) => ExclusiveStartKey === undefined || keyOf(item) !== keyOf(ExclusiveStartKey))
      .sort(order);
    const Items = pageOf(matching, input.Limit ?? Infinity);
    const last = Items.at(-1);
    if (last === undefined || matching.length <= Items.length) return { Items };
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
    putStarted: (tasks) => {
      for (const { taskId, arn, startedAt } of tasks) {
        const at = new Date(startedAt).toISOString();
        const Item = marshall({
          taskId,
          timestamp: Math.floor(startedAt / 1_000),
          status: "STARTED",
          executionArn: arn,
          startDate: at,
          inputHash: "0".repeat(32),
          history: [{ status: "STARTED", at }],
        });
        write({ Item });
      }
      return Promise.resolve();
    },
    queries: () => queries,
    row: (taskId) => {
      const item = [...stored.values()].find((each) => each["taskId"]?.S === taskId);
      return item && valuesOf(item);
    },
  };
}

/** In bytes. JSON is a little longer than the size that DynamoDB counts. An item is in page after page. */
const sizeOf = oncePerObject((item: Item) => Buffer.byteLength(JSON.stringify(valuesOf(item))));

/** Of 1 MB at most. */
function pageOf(items: readonly Item[], limit: number): Item[] {
  const page: Item[] = [];
  let bytes = 0;
  for (const item of items.slice(0, limit)) {
    bytes += sizeOf(item);
    if (bytes > 1_048_576) break;
    page.push(item);
  }
  return page;
}
