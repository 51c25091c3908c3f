/**
 * As much of DynamoDB as tasks ask for, in memory: for the machine's own requests, and for the functions' through the SDK. Its
 * expressions are evaluated, not recognised: a condition that is wrong is wrong here, too.
 */
import {
  ConditionalCheckFailedException,
  DynamoDBClient,
  QueryCommand,
  UpdateItemCommand,
  type AttributeValue,
  type QueryCommandInput,
  type UpdateItemCommandInput,
} from "@aws-sdk/client-dynamodb";
import { unmarshall } from "@aws-sdk/util-dynamodb";
import { mockClient } from "aws-sdk-client-mock";
import * as z from "zod";
import { taskTable, type TaskTable } from "../../functions/workflow/task-table";
import type { Json } from "../../modules/asl/fields";
import { StatesError } from "./states-interpreter";

type Item = Record<string, AttributeValue>;

interface Request {
  readonly Item?: Item | undefined;
  readonly Key?: Item | undefined;
  readonly ConditionExpression?: string | undefined;
  readonly UpdateExpression?: string | undefined;
  readonly ExpressionAttributeNames?: Record<string, string> | undefined;
  readonly ExpressionAttributeValues?: Item | undefined;
}

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
  /** What the machine's tasks ask for, with the errors that Step Functions makes of DynamoDB's. */
  readonly services: Readonly<Record<"dynamodb:putItem" | "dynamodb:updateItem", (request: Json) => Promise<Json>>>;
}

/** @param onWrite hears of every row that was written */
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
    const found = [...stored.values()]
      .filter((item) =>
        IndexName === undefined ? item["taskId"]?.S === values[":id"]?.S : item["status"]?.S === values[":status"]?.S,
      )
      // By the key, whether its item is still there or not.
      .filter((item) => ExclusiveStartKey === undefined || order(item, ExclusiveStartKey) > 0)
      .filter((item) => ExclusiveStartKey === undefined || keyOf(item) !== keyOf(ExclusiveStartKey))
      .sort(order);
    const Items = found.slice(0, Limit);
    const last = Items.at(-1);
    if (last === undefined || found.length <= Limit) return { Items };
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

/** Of conditions: `A OR B`, where each is `attribute_not_exists(a)`, `a = b`, `a <> b` or `a IN (b, c)`. */
function holds(condition: string, item: Item, request: Request): boolean {
  return condition.split(" OR ").some((part) => {
    const [, absent] = /^attribute_not_exists\((.+)\)$/.exec(part) ?? [];
    if (absent !== undefined) return valueOf(absent, item, request) === undefined;
    const [, one, list] = /^(\S+) IN \((.+)\)$/.exec(part) ?? [];
    if (one !== undefined && list !== undefined)
      return list.split(", ").some((other) => same(valueOf(one, item, request), valueOf(other, item, request)));
    const [, left = "", operator, right = ""] = /^(\S+) (=|<>) (\S+)$/.exec(part) ?? [];
    if (operator === undefined) throw new Error(`what is ${part}?`);
    return same(valueOf(left, item, request), valueOf(right, item, request)) === (operator === "=");
  });
}

function same(a: AttributeValue | undefined, b: AttributeValue | undefined): boolean {
  return a !== undefined && JSON.stringify(a) === JSON.stringify(b);
}

/** Of updates: `SET a = b, c[1] = d REMOVE e`, where what is set may be a function of what there is. */
function updated(item: Item, request: Request): Item {
  const [, set = "", remove = ""] = /^SET (.*?)(?: REMOVE (.*))?$/.exec(request.UpdateExpression ?? "") ?? [];
  const before = structuredClone(item);
  for (const assignment of splitOutside(set)) {
    const [target = "", value = ""] = assignment.split(" = ");
    const [, name = "", index] = /^([^[]+)(?:\[(\d+)\])?$/.exec(target) ?? [];
    const found = valueOf(value, before, request);
    if (found === undefined) throw new Error(`${value} is nothing`);
    const attribute = nameOf(name, request);
    if (index === undefined) item[attribute] = found;
    else {
      const list = [...(before[attribute]?.L ?? [])];
      list[Math.min(Number(index), list.length)] = found; // beyond its end, DynamoDB appends
      item[attribute] = { L: list };
    }
  }
  for (const name of remove === "" ? [] : remove.split(", ")) Reflect.deleteProperty(item, nameOf(name, request));
  return item;
}

function valueOf(operand: string, item: Item, request: Request): AttributeValue | undefined {
  if (operand.startsWith(":")) {
    const value = request.ExpressionAttributeValues?.[operand];
    if (value === undefined) throw new Error(`${operand} is not given`);
    return value;
  }
  const [, call, inner = ""] = /^(\w+)\((.*)\)$/.exec(operand) ?? [];
  if (call === undefined) return item[nameOf(operand, request)];
  const [first, second] = splitOutside(inner).map((each) => valueOf(each, item, request));
  if (call === "if_not_exists") return first ?? second;
  if (call === "list_append") return { L: [...(first?.L ?? []), ...(second?.L ?? [])] };
  throw new Error(`what is ${call}?`);
}

function nameOf(name: string, { ExpressionAttributeNames = {} }: Request): string {
  if (!name.startsWith("#")) return name;
  const found = ExpressionAttributeNames[name];
  if (found === undefined) throw new Error(`${name} is not given`);
  return found;
}

/** At commas that are in no brackets. */
function splitOutside(text: string): string[] {
  const parts = [""];
  let depth = 0;
  for (const sign of text) {
    depth += sign === "(" ? 1 : sign === ")" ? -1 : 0;
    if (sign === "," && depth === 0) parts.push("");
    else parts.push((parts.pop() ?? "") + sign);
  }
  return parts.map((part) => part.trim());
}
