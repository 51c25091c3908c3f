/** The tables of schedules in memory: DynamoDB's part behind functions/schedules/storage. */
import type { DynamoCall } from "../../functions/schedules/storage/runs-table";
import { holds, updated, type Item, type Request } from "./dynamodb-expressions";

interface Input extends Request {
  readonly TableName: string;
  readonly RequestItems?: Readonly<Record<string, { readonly Keys: readonly Item[] }>>;
  readonly ScanIndexForward?: boolean;
  readonly Limit?: number;
  readonly FilterExpression?: string;
}

class ConditionError extends Error {
  override readonly name = "ConditionalCheckFailedException";
}

export interface MemoryRuns {
  readonly call: DynamoCall;
  readonly items: Map<string, Item>;
}

/** @param fault called before and after each call takes effect; it may throw */
export function memoryRuns(fault: (action: string, moment: "before" | "after") => void = () => undefined): MemoryRuns {
  const items = new Map<string, Item>();
  /** Of the runs table, or of the state table of heartbeats. */
  const keyOf = (item: Item = {}) =>
    `${(item["schedule"] ?? item["monitor"])?.S ?? ""}\n${(item["run"] ?? item["item"])?.S ?? ""}`;
  const check = (input: Input, item: Item | undefined): void => {
    if (input.ConditionExpression !== undefined && !holds(input.ConditionExpression, item ?? {}, input))
      throw new ConditionError("The conditional request failed");
  };

  const actions: Readonly<Record<string, (input: Input) => unknown>> = {
    BatchGetItem: ({ RequestItems = {} }) => ({
      Responses: Object.fromEntries(
        Object.entries(RequestItems).map(([table, { Keys }]) => [
          table,
          Keys.map((key) => items.get(keyOf(key))).filter((item) => item !== undefined),
        ]),
      ),
    }),
    Query: (input) => {
      const { ExpressionAttributeValues = {}, ScanIndexForward = true, Limit = Infinity, FilterExpression } = input;
      const partition = Object.values(ExpressionAttributeValues)[0]?.S;
      const found = [...items.values()].filter(({ schedule }) => schedule?.S === partition);
      const sorted = found.toSorted((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
      const page = (ScanIndexForward ? sorted : sorted.toReversed()).slice(0, Limit);
      return { Items: page.filter((item) => FilterExpression === undefined || holds(FilterExpression, item, input)) };
    },
    PutItem: (input) => {
      check(input, items.get(keyOf(input.Item)));
      items.set(keyOf(input.Item), input.Item ?? {});
      return {};
    },
    UpdateItem: (input) => {
      const item = items.get(keyOf(input.Key));
      check(input, item);
      const next = updated({ ...input.Key, ...item }, input);
      items.set(keyOf(input.Key), next);
      return { Attributes: next };
    },
  };

  return {
    items,
    call: async (action, input) => {
      await Promise.resolve();
      fault(action, "before");
      const response = overTheWire(actions[action]?.(overTheWire(input) as Input));
      fault(action, "after");
      return response;
    },
  };
}

/** A copy as it arrives: sets become lists, what is undefined is not there, and nothing is shared. */
function overTheWire(value: unknown): unknown {
  if (value instanceof Set) return [...(value as ReadonlySet<unknown>)];
  if (Array.isArray(value)) return value.map(overTheWire);
  if (typeof value !== "object" || value === null) return value;
  const sent: Record<string, unknown> = {};
  for (const [key, each] of Object.entries(value)) if (each !== undefined) sent[key] = overTheWire(each);
  return sent;
}
