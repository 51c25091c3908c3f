/** The DynamoDB table of queued notifications and of the webhooks' leases. */
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
import { acquireLease, ownLease, RELEASE_LEASE, renewLease, SET_LEASE } from "../../shared/resilience/lease";
import { JsonSyntaxError, parseInput, parseJson, SchemaError } from "../../shared/input";
import { NOTIFICATION_KEYS } from "../contract";
import { notificationSchema } from "./notification";
import type {
  NotificationQueue,
  QueuedNotification,
  QueueItem,
  QueuePlace,
  UnreadableNotification,
  WebhookLeases,
  WebhookState,
} from "./slack-sender";

/** BatchWriteItem's limit. */
const WRITES_PER_CALL = 25;
const CONCURRENT_CALLS = 8;

/** Much shorter than a lease. */
const WRITE_TIMEOUT_MS = 15_000;

/** Notifications could not be added or removed. None is lost: notify retries, and send repeats the message. */
export class NotificationsNotWrittenError extends Error {
  override readonly name = "NotificationsNotWrittenError";
}

export interface NotificationQueuePorts {
  readonly clock: Clock;
  /** Uniform in [0, 1). */
  readonly random: () => number;
}

type Item = Readonly<Record<string, AttributeValue>>;

const positionSchema = z.object({ [NOTIFICATION_KEYS.sort]: z.object({ S: z.string() }) });
/** JSON. */
const contentSchema = z.object({ notification: z.object({ S: z.string() }) });

/** Those that cannot be read wait under a partition key of their own, which no sender reads. */
const setAsideKey = (pipeline: string): string => `set-aside ${pipeline}`;

/** A queue for each pipeline. */
export interface NotificationsTable {
  /** In order of position. Consistent. */
  readonly read: (pipeline: string, limit: number) => Promise<readonly QueueItem[]>;
  readonly add: (queued: readonly QueuedNotification[]) => Promise<void>;
  readonly remove: (places: readonly QueuePlace[]) => Promise<void>;
  readonly setAside: (unreadable: UnreadableNotification) => Promise<void>;
  /** Notifications that were set aside, in order. */
  readonly readSetAside: (pipeline: string, limit: number) => Promise<readonly SetAsideNotification[]>;
  /** Puts one that was set aside back into the queue, at its position. */
  readonly restore: (place: QueuePlace) => Promise<void>;
}

export interface SetAsideNotification {
  readonly position: string;
  readonly fault: string;
  /** The item as it was in the queue. */
  readonly item: Item;
}

export function notificationsTable(
  dynamodb: DynamoDBClient,
  table: string,
  { clock, random }: NotificationQueuePorts,
): NotificationsTable {
  const write = async (requests: readonly WriteRequest[]): Promise<void> => {
    const { items, errors } = await sendInBatches(requests, {
      batchSize: WRITES_PER_CALL,
      concurrency: CONCURRENT_CALLS,
      deadline: clock.now() + WRITE_TIMEOUT_MS,
      clock,
      random,
      send: async (batch) => {
        const command = new BatchWriteItemCommand({ RequestItems: { [table]: [...batch] } });
        return (await dynamodb.send(command)).UnprocessedItems?.[table] ?? [];
      },
    });
    if (items.length > 0)
      throw new NotificationsNotWrittenError(`${items.length} of ${requests.length} notifications not written`, {
        cause: errors[0],
      });
  };

  /** Of a partition, in order of position. */
  const items = async (partition: string, limit: number): Promise<readonly Item[]> => {
    const found: Item[] = [];
    let ExclusiveStartKey: Record<string, AttributeValue> | undefined;
    do {
      const page = await dynamodb.send(
        new QueryCommand({
          TableName: table,
          KeyConditionExpression: "#queue = :queue",
          ExpressionAttributeNames: { "#queue": NOTIFICATION_KEYS.partition },
          ExpressionAttributeValues: { ":queue": { S: partition } },
          ConsistentRead: true, // A sender must see notifications that were added before its lease ended.
          ...(limit < Infinity && { Limit: limit - found.length }),
          ...(ExclusiveStartKey && { ExclusiveStartKey }),
        }),
      );
      found.push(...(page.Items ?? []));
      ExclusiveStartKey = page.LastEvaluatedKey;
    } while (ExclusiveStartKey !== undefined && found.length < limit);
    return found;
  };

  /** Copies the item first: a crash in between leaves two of it, and never none. */
  const move = async (from: string, to: string, position: string, change: (item: Item) => Item): Promise<void> => {
    const { Items: [item] = [] } = await dynamodb.send(
      new QueryCommand({
        TableName: table,
        KeyConditionExpression: "#queue = :queue AND #position = :position",
        ExpressionAttributeNames: { "#queue": NOTIFICATION_KEYS.partition, "#position": NOTIFICATION_KEYS.sort },
        ExpressionAttributeValues: { ":queue": { S: from }, ":position": { S: position } },
        ConsistentRead: true,
      }),
    );
    if (item === undefined) return;
    await write([{ PutRequest: { Item: { ...change(item), ...keyOf(to, position) } } }]);
    await write([{ DeleteRequest: { Key: keyOf(from, position) } }]);
  };

  return {
    read: async (pipeline, limit) => (await items(pipeline, limit)).map((item) => readItem(pipeline, item)),
    add: async (queued) => {
      // Waves run one after the other, so that a sender never sees a later change of a key without the earlier one.
      for (const wave of wavesOf(queued)) {
        await write(
          wave.map(({ pipeline, position, notification }) => ({
            PutRequest: { Item: { ...keyOf(pipeline, position), notification: { S: JSON.stringify(notification) } } },
          })),
        );
      }
    },
    remove: (places) =>
      write(places.map(({ pipeline, position }) => ({ DeleteRequest: { Key: keyOf(pipeline, position) } }))),
    setAside: ({ pipeline, position, fault }) =>
      move(pipeline, setAsideKey(pipeline), position, (item) => ({ ...item, fault: { S: fault } })),
    readSetAside: async (pipeline, limit) =>
      (await items(setAsideKey(pipeline), limit)).map(({ fault, ...item }) => ({
        position: positionOf(item),
        fault: fault?.S ?? "",
        item,
      })),
    restore: ({ pipeline, position }) =>
      move(setAsideKey(pipeline), pipeline, position, ({ fault: _, ...item }) => item),
  };
}

/**
 * The queues of a webhook's pipelines as one. A pipeline that gets another webhook takes along what it has queued.
 *
 * @param pipelinesOf the names of the pipelines that are notified by a webhook
 */
export function webhookQueue(
  table: Pick<NotificationsTable, "read" | "remove" | "setAside">,
  pipelinesOf: (webhook: string) => readonly string[],
): NotificationQueue {
  return {
    read: async (webhook, limit) => {
      const queues = await Promise.all(pipelinesOf(webhook).map((pipeline) => table.read(pipeline, limit)));
      return queues
        .flat()
        .sort((a, b) => (a.position < b.position ? -1 : 1))
        .slice(0, limit);
    },
    remove: (_webhook, places) => table.remove(places),
    setAside: (_webhook, unreadable) => table.setAside(unreadable),
  };
}

const positionOf = (item: Item): string => positionSchema.parse(item)[NOTIFICATION_KEYS.sort].S;

function readItem(pipeline: string, item: Item): QueueItem {
  const position = positionOf(item);
  try {
    const { notification } = parseInput(contentSchema, item);
    return { pipeline, position, notification: parseInput(notificationSchema, parseJson(notification.S)) };
  } catch (error) {
    if (error instanceof JsonSyntaxError || error instanceof SchemaError)
      return { pipeline, position, fault: error.message };
    throw error;
  }
}

function keyOf(queue: string, position: string): Record<string, AttributeValue> {
  return { [NOTIFICATION_KEYS.partition]: { S: queue }, [NOTIFICATION_KEYS.sort]: { S: position } };
}

/** Splits notifications into waves, in order, with each key at most once per wave. */
function wavesOf(queued: readonly QueuedNotification[]): readonly (readonly QueuedNotification[])[] {
  const waves: QueuedNotification[][] = [];
  const waveOfKey = new Map<string, number>();
  for (const each of queued) {
    const key = `${each.notification.pipeline} ${each.notification.key}`;
    const wave = waveOfKey.get(key) ?? 0;
    waveOfKey.set(key, wave + 1);
    (waves[wave] ??= []).push(each);
  }
  return waves;
}

/** An item that was changed by hand must not stop its webhook. */
const numberSchema = z
  .object({ N: z.coerce.number() })
  .catch({ N: 0 })
  .transform(({ N }) => N);
const webhookStateSchema = z.object({ nextMessageAt: numberSchema, failures: numberSchema, rejections: numberSchema });

/** Leases are items of the same table. Their partition keys differ from those of queues. */
export function webhookLeases(dynamodb: DynamoDBClient, table: string): WebhookLeases {
  /** Returns undefined when the condition is false. */
  const update = async (webhook: string, input: Omit<UpdateItemCommandInput, "TableName" | "Key">) => {
    const Key = keyOf(`lease ${webhook}`, "lease");
    try {
      return await dynamodb.send(new UpdateItemCommand({ TableName: table, Key, ...input }));
    } catch (error) {
      if (errorName(error) === "ConditionalCheckFailedException") return undefined;
      throw error;
    }
  };
  return {
    acquire: async (webhook, request): Promise<WebhookState | undefined> => {
      const { condition, values } = acquireLease(request);
      const updated = await update(webhook, {
        UpdateExpression: `SET ${SET_LEASE}`,
        ConditionExpression: condition,
        ExpressionAttributeValues: values,
        ReturnValues: "ALL_NEW",
      });
      return updated && webhookStateSchema.parse(updated.Attributes ?? {});
    },
    renew: async (webhook, lease, { nextMessageAt, failures, rejections }) => {
      const { condition, values } = renewLease(lease);
      const updated = await update(webhook, {
        UpdateExpression: `SET nextMessageAt = :next, failures = :failures, rejections = :rejections, ${SET_LEASE}`,
        ConditionExpression: condition,
        ExpressionAttributeValues: {
          ...values,
          ":next": number(nextMessageAt),
          ":failures": number(failures),
          ":rejections": number(rejections),
        },
      });
      return updated !== undefined;
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
