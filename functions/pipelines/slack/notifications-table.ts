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
import { acquireLease, ownLease, RELEASE_LEASE, renewLease, SET_LEASE } from "../../shared/lease";
import { parseJson } from "../../shared/input";
import { NOTIFICATION_KEYS } from "../contract";
import { notificationSchema } from "./notification";
import type { NotificationQueue, QueuedNotification, WebhookLeases, WebhookState } from "./slack-sender";

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

const itemSchema = z.object({
  [NOTIFICATION_KEYS.sort]: z.object({ S: z.string() }),
  /** JSON. */
  notification: z.object({ S: z.string() }),
});

export function notificationQueue(
  dynamodb: DynamoDBClient,
  table: string,
  { clock, random }: NotificationQueuePorts,
): NotificationQueue & { readonly add: (webhook: string, queued: readonly QueuedNotification[]) => Promise<void> } {
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

  const read: NotificationQueue["read"] = async (webhook, limit) => {
    const queued: QueuedNotification[] = [];
    let ExclusiveStartKey: Record<string, AttributeValue> | undefined;
    do {
      const page = await dynamodb.send(
        new QueryCommand({
          TableName: table,
          KeyConditionExpression: "#webhook = :webhook",
          ExpressionAttributeNames: { "#webhook": NOTIFICATION_KEYS.partition },
          ExpressionAttributeValues: { ":webhook": { S: webhook } },
          ConsistentRead: true, // A sender must see notifications that were added before its lease ended.
          Limit: limit - queued.length,
          ...(ExclusiveStartKey && { ExclusiveStartKey }),
        }),
      );
      for (const item of page.Items ?? []) {
        const { position, notification } = itemSchema.parse(item);
        queued.push({ position: position.S, notification: notificationSchema.parse(parseJson(notification.S)) });
      }
      ExclusiveStartKey = page.LastEvaluatedKey;
    } while (ExclusiveStartKey !== undefined && queued.length < limit);
    return queued;
  };

  return {
    read,
    add: async (webhook, queued) => {
      // Waves run one after the other, so that a sender never sees a later change of a key without the earlier one.
      for (const wave of wavesOf(queued)) {
        await write(
          wave.map(({ position, notification }) => ({
            PutRequest: { Item: { ...keyOf(webhook, position), notification: { S: JSON.stringify(notification) } } },
          })),
        );
      }
    },
    remove: (webhook, positions) =>
      write(positions.map((position) => ({ DeleteRequest: { Key: keyOf(webhook, position) } }))),
  };
}

function keyOf(webhook: string, position: string): Record<string, AttributeValue> {
  return { [NOTIFICATION_KEYS.partition]: { S: webhook }, [NOTIFICATION_KEYS.sort]: { S: position } };
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

const numberSchema = z
  .object({ N: z.coerce.number() })
  .default({ N: 0 })
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
