/** The table of notices: the line before each webhook, and whose turn it is there. */
import {
  BatchWriteItemCommand,
  QueryCommand,
  UpdateItemCommand,
  type AttributeValue,
  type DynamoDBClient,
  type UpdateItemCommandInput,
  type WriteRequest,
} from "@aws-sdk/client-dynamodb";
import * as z from "zod";

import { sendInBatches } from "../../shared/aws/batches";
import type { Clock } from "../../shared/clock";
import { errorName } from "../../shared/errors";
import { acquireLease, ownLease, RELEASE_LEASE, renewLease, SET_LEASE } from "../../shared/lease";
import { NOTICE_KEYS } from "../contract";
import type { Outbox, Turn, Turns, Waiting } from "./slack-sender";
import { noticeSchema } from "./notification";

/** BatchWriteItem's own limit. */
const WRITES_A_CALL = 25;
const CONCURRENT_CALLS = 8;

/** Writing and removing has to be over within this time: much shorter than a lease. */
const WRITING_MS = 15_000;

/** Notices could not be written or removed. Nothing is lost: the caller tries again, or the drain tells them twice. */
export class NoticesNotWrittenError extends Error {
  override readonly name = "NoticesNotWrittenError";
}

export interface NoticesPorts {
  readonly clock: Clock;
  readonly random: () => number;
}

const rowSchema = z.object({
  [NOTICE_KEYS.sort]: z.object({ S: z.string() }),
  content: z.object({ S: z.string() }),
});

export function noticesTable(
  dynamodb: DynamoDBClient,
  table: string,
  { clock, random }: NoticesPorts,
): Outbox & { readonly add: (webhook: string, waiting: readonly Waiting[]) => Promise<void> } {
  const keyOf = (webhook: string, place: string) => ({
    [NOTICE_KEYS.partition]: { S: webhook },
    [NOTICE_KEYS.sort]: { S: place },
  });
  const write = async (requests: readonly WriteRequest[]): Promise<void> => {
    const { items, errors } = await sendInBatches(requests, {
      batchSize: WRITES_A_CALL,
      concurrency: CONCURRENT_CALLS,
      deadline: clock.now() + WRITING_MS,
      clock,
      random,
      send: async (batch) => {
        const command = new BatchWriteItemCommand({ RequestItems: { [table]: [...batch] } });
        return (await dynamodb.send(command)).UnprocessedItems?.[table] ?? [];
      },
    });
    if (items.length > 0)
      throw new NoticesNotWrittenError(`${items.length} of ${requests.length} notices not written`, {
        cause: errors[0],
      });
  };

  const read: Outbox["read"] = async (webhook, limit) => {
    const found: Waiting[] = [];
    let ExclusiveStartKey: Record<string, AttributeValue> | undefined;
    do {
      const page = await dynamodb.send(
        new QueryCommand({
          TableName: table,
          KeyConditionExpression: "#webhook = :webhook",
          ExpressionAttributeNames: { "#webhook": NOTICE_KEYS.partition },
          ExpressionAttributeValues: { ":webhook": { S: webhook } },
          ConsistentRead: true, // whoever gives the turn back must not overlook what has just been written
          Limit: limit - found.length,
          ...(ExclusiveStartKey && { ExclusiveStartKey }),
        }),
      );
      for (const item of page.Items ?? []) {
        const { notice: place, content } = rowSchema.parse(item);
        found.push({ place: place.S, notice: noticeSchema.parse(JSON.parse(content.S)) });
      }
      ExclusiveStartKey = page.LastEvaluatedKey;
    } while (ExclusiveStartKey !== undefined && found.length < limit);
    return found;
  };

  return {
    read,
    add: async (webhook, waiting) => {
      // What is about one key comes one after the other, so that the drain never sees a later one without an earlier.
      for (const wave of wavesOf(waiting)) {
        await write(
          wave.map(({ place, notice }) => ({
            PutRequest: { Item: { ...keyOf(webhook, place), content: { S: JSON.stringify(notice) } } },
          })),
        );
      }
    },
    remove: (webhook, places) => write(places.map((place) => ({ DeleteRequest: { Key: keyOf(webhook, place) } }))),
  };
}

/** Waves in which each key is there once, in order. */
export function wavesOf(waiting: readonly Waiting[]): readonly (readonly Waiting[])[] {
  const waves: Waiting[][] = [];
  const seen = new Map<string, number>();
  for (const each of waiting) {
    const key = `${each.notice.channel} ${each.notice.key}`;
    const wave = seen.get(key) ?? 0;
    seen.set(key, wave + 1);
    (waves[wave] ??= []).push(each);
  }
  return waves;
}

const turnSchema = z.object({
  nextAt: z.object({ N: z.coerce.number() }).default({ N: 0 }),
  failures: z.object({ N: z.coerce.number() }).default({ N: 0 }),
  refusals: z.object({ N: z.coerce.number() }).default({ N: 0 }),
});

/** Turns as items of the same table, under a key that no webhook's line has. */
export function turnsTable(dynamodb: DynamoDBClient, table: string): Turns {
  /** Undefined: its condition does not hold. */
  const update = async (webhook: string, input: Omit<UpdateItemCommandInput, "TableName" | "Key">) => {
    const Key = { [NOTICE_KEYS.partition]: { S: `turn ${webhook}` }, [NOTICE_KEYS.sort]: { S: "turn" } };
    try {
      return await dynamodb.send(new UpdateItemCommand({ TableName: table, Key, ...input }));
    } catch (error) {
      if (errorName(error) === "ConditionalCheckFailedException") return undefined;
      throw error;
    }
  };
  return {
    take: async (webhook, request): Promise<Turn | undefined> => {
      const { condition, values } = acquireLease(request);
      const taken = await update(webhook, {
        UpdateExpression: `SET ${SET_LEASE}`,
        ConditionExpression: condition,
        ExpressionAttributeValues: values,
        ReturnValues: "ALL_NEW",
      });
      if (taken === undefined) return undefined;
      const { nextAt, failures, refusals } = turnSchema.parse(taken.Attributes ?? {});
      return { nextAt: nextAt.N, failures: failures.N, refusals: refusals.N };
    },
    keep: async (webhook, lease, { nextAt, failures, refusals }) => {
      const { condition, values } = renewLease(lease);
      const kept = await update(webhook, {
        UpdateExpression: `SET nextAt = :nextAt, failures = :failures, refusals = :refusals, ${SET_LEASE}`,
        ConditionExpression: condition,
        ExpressionAttributeValues: {
          ...values,
          ":nextAt": number(nextAt),
          ":failures": number(failures),
          ":refusals": number(refusals),
        },
      });
      return kept !== undefined;
    },
    release: async (webhook, owner) => {
      const { condition, values } = ownLease(owner);
      await update(webhook, {
        UpdateExpression: `REMOVE ${RELEASE_LEASE}`,
        ConditionExpression: condition,
        ExpressionAttributeValues: values,
      });
    },
  };
}

const number = (value: number): AttributeValue => ({ N: String(value) });
