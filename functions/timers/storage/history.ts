/** The history of fires, for seven days: one item for each fire, of its last delivery. */
import * as z from "zod";

import { isConditionFailure, type AwsJson } from "../../shared/aws/aws-json";
import { sendInBatches } from "../../shared/aws/batches";
import { mapConcurrently } from "../../shared/resilience/concurrency";
import { parseJson } from "../../shared/input";
import { DAY_SECONDS, SECOND_MS } from "../../shared/time";
import { HISTORY_KEYS } from "../contract";
import { FIRE_OUTCOMES, type Fire, type FireOutcome } from "../schedule/timer";
import { timerKey, type Row } from "./timer-row";
import type { TimerId, TimerTableServices } from "./timer-table";

const RETENTION_SECONDS = 7 * DAY_SECONDS;

/** BatchWriteItem's limit. */
const ITEMS_PER_WRITE = 25;

const CONCURRENT_PUTS = 10;

/** One delivery of a fire to a live timer. */
export interface ObservedFire {
  readonly fire: Fire;
  readonly outcome: FireOutcome;
  /** When it was delivered, epoch milliseconds. */
  readonly firedAt: number;
  /** Of the callback, milliseconds. */
  readonly durationMs: number;
  /** Deliveries so far. */
  readonly attempts: number;
}

/** A fire that has been delivered. Times in epoch milliseconds. */
export interface RecordedFire {
  readonly fireId: string;
  readonly version: string;
  readonly due: number;
  readonly firedAt: number;
  readonly durationMs: number;
  readonly attempts: number;
  readonly outcome: FireOutcome;
}

export interface HistoryPage {
  readonly fires: readonly RecordedFire[];
  /** For the next page; undefined on the last. */
  readonly next?: string;
}

const number = z.object({ N: z.coerce.number() });
const text = z.object({ S: z.string() });
const itemSchema = z.looseObject({
  [HISTORY_KEYS.sort]: text,
  fireId: text,
  version: text,
  dueMs: number,
  firedMs: number,
  durationMs: number,
  attempts: number,
  outcome: z.object({ S: z.enum(FIRE_OUTCOMES) }),
});
const queryResponse = z.object({
  Items: z.array(itemSchema).default([]),
  LastEvaluatedKey: z.looseObject({ [HISTORY_KEYS.sort]: text }).optional(),
});
const writeResponse = z.object({
  UnprocessedItems: z.record(z.string(), z.array(z.custom<object>((item) => typeof item === "object"))).default({}),
});

export interface History {
  /**
   * One write unit for each fire; one BatchWriteItem for 25 that have succeeded.
   *
   * @returns the number of fires that could not be recorded. Never rejects
   */
  record(fires: readonly ObservedFire[], deadline: number): Promise<number>;
  /** Of all versions of a timer, the latest due time first. @param after the `next` of the page before */
  read(timer: TimerId, limit: number, after?: string): Promise<HistoryPage>;
}

export function history(dynamodb: AwsJson, TableName: string, { clock, random }: TimerTableServices): History {
  const call = async (action: string, input: object, deadline?: number): Promise<unknown> =>
    parseJson(await dynamodb.call(`DynamoDB_20120810.${action}`, JSON.stringify(input), deadline));

  /** A second delivery of a fire that has succeeded is dropped or skipped, or fails: it has succeeded all the same. */
  async function putUnlessSucceeded(observed: ObservedFire, deadline: number): Promise<boolean> {
    const input = {
      TableName,
      Item: itemOf(observed),
      ConditionExpression: "attribute_not_exists(#outcome) OR #outcome <> :succeeded",
      ExpressionAttributeNames: { "#outcome": "outcome" },
      ExpressionAttributeValues: { ":succeeded": { S: "succeeded" } },
    };
    try {
      await call("PutItem", input, deadline);
      return true;
    } catch (error) {
      return isConditionFailure(error);
    }
  }

  return {
    record: async (fires, deadline) => {
      const succeeded = fires.filter(({ outcome }) => outcome === "succeeded");
      const others = fires.filter(({ outcome }) => outcome !== "succeeded");
      // A batch must not have an item twice: SQS may deliver a fire twice at once.
      const unique = new Map(succeeded.map((observed) => [observed.fire.fireId, observed]));
      const requests: object[] = [...unique.values()].map((observed) => ({ PutRequest: { Item: itemOf(observed) } }));
      const unwritten = mapConcurrently(others, CONCURRENT_PUTS, (observed) => putUnlessSucceeded(observed, deadline));
      const { items } = await sendInBatches(requests, {
        batchSize: ITEMS_PER_WRITE,
        concurrency: 1,
        deadline,
        clock,
        random,
        send: async (batch) => {
          const response = await call("BatchWriteItem", { RequestItems: { [TableName]: batch } }, deadline);
          return writeResponse.parse(response).UnprocessedItems[TableName] ?? [];
        },
      });
      return items.length + (await unwritten).filter((isWritten) => !isWritten).length;
    },

    read: async ({ kind, id }, limit, after) => {
      const timer = { S: timerKey(kind, id) };
      const start = { [HISTORY_KEYS.partition]: timer, [HISTORY_KEYS.sort]: { S: after } };
      const response = await call("Query", {
        TableName,
        Limit: limit,
        ScanIndexForward: false,
        KeyConditionExpression: "#timer = :timer",
        ExpressionAttributeNames: { "#timer": HISTORY_KEYS.partition },
        ExpressionAttributeValues: { ":timer": timer },
        ...(after !== undefined && { ExclusiveStartKey: start }),
      });
      const { Items, LastEvaluatedKey } = queryResponse.parse(response);
      const next = LastEvaluatedKey?.[HISTORY_KEYS.sort].S;
      return { fires: Items.map(readItem), ...(next !== undefined && { next }) };
    },
  };
}

function itemOf({ fire, outcome, firedAt, durationMs, attempts }: ObservedFire): Row {
  const ttl = Math.ceil(fire.due / SECOND_MS) + RETENTION_SECONDS;
  return {
    [HISTORY_KEYS.partition]: { S: timerKey(fire.kind, fire.id) },
    [HISTORY_KEYS.sort]: { S: sortOf(fire) },
    fireId: { S: fire.fireId },
    version: { S: fire.version },
    dueMs: { N: String(fire.due) },
    firedMs: { N: String(firedAt) },
    durationMs: { N: String(durationMs) },
    attempts: { N: String(attempts) },
    outcome: { S: outcome },
    [HISTORY_KEYS.timeToLive]: { N: String(Math.max(ttl, Math.ceil(firedAt / SECOND_MS) + RETENTION_SECONDS)) },
  };
}

/** In the order of due times. */
function sortOf({ kind, id, due, fireId }: Fire): string {
  return `${new Date(due).toISOString()}#${fireId.slice(timerKey(kind, id).length + 1)}`;
}

function readItem(item: z.output<typeof itemSchema>): RecordedFire {
  return {
    fireId: item.fireId.S,
    version: item.version.S,
    due: item.dueMs.N,
    firedAt: item.firedMs.N,
    durationMs: item.durationMs.N,
    attempts: item.attempts.N,
    outcome: item.outcome.S,
  };
}
