import { randomUUID } from "node:crypto";

import { ChangeMessageVisibilityCommand } from "@aws-sdk/client-sqs";
import type { TransactWriteItem } from "@aws-sdk/client-dynamodb";
import type { Context, SQSBatchResponse } from "aws-lambda";
import * as z from "zod";

import { createDynamoDB } from "../shared/aws/clients/dynamodb";
import { createSqs } from "../shared/aws/clients/sqs";
import type { Logger } from "../shared/logger";
import { invoke, onColdStart } from "../shared/handlers/services";
import { callBack, type CallbackPorts, type Delivery } from "./callback/process-deliveries";
import { claims, completion } from "./callback/idempotency";
import { MESSAGE_ATTRIBUTES, callbackEnvironment } from "./contract";
import { timerTable } from "./storage/timer-table";
import type { Fire, TimerKind } from "./schedule/timer";

/** A timer has fired. */
export interface TimerFired {
  readonly kind: TimerKind;
  readonly id: string;
  /** The same however often this fire is delivered: a key for whatever must happen once. */
  readonly fireId: string;
  readonly version: string;
  /** `shard0` */
  readonly shard: string;
  /** When it was to fire; it is not earlier than that now. */
  readonly due: Date;
  /** The timer's `timerCallbackData`. */
  readonly data: unknown;
  /** The same as JSON text, every digit of it. */
  readonly text: string;
}

export interface TimerTools {
  readonly logger: Logger;
  /**
   * Only with `exactlyOnce`: an item for a DynamoDB transaction of the handler's own. What is written in it happens exactly once, even
   * when the function dies in the middle.
   */
  readonly completion?: TransactWriteItem;
}

export type TimerHandler = (fired: TimerFired, tools: TimerTools) => Promise<void> | void;

export interface OnTimerOptions {
  /**
   * True: the handler is not called again for a fire that it has been through without an error. Two writes a fire. It may be called
   * again where the function died after its effect and before that was noted; `tools.completion` closes that gap, too.
   *
   * @default false: at least once
   */
  readonly exactlyOnce?: boolean;
}

const attribute = z.object({ stringValue: z.string() });

const recordSchema = z.looseObject({
  messageId: z.string(),
  receiptHandle: z.string(),
  body: z.string(),
  attributes: z.looseObject({ ApproximateReceiveCount: z.coerce.number().default(1) }),
  messageAttributes: z.looseObject({
    [MESSAGE_ATTRIBUTES.kind]: z.object({ stringValue: z.enum(["periodic", "oneshot"]) }),
    [MESSAGE_ATTRIBUTES.id]: attribute,
    [MESSAGE_ATTRIBUTES.version]: attribute,
    [MESSAGE_ATTRIBUTES.shard]: attribute,
    [MESSAGE_ATTRIBUTES.due]: z.object({ stringValue: z.iso.datetime() }),
    [MESSAGE_ATTRIBUTES.fireId]: attribute,
  }),
});

const eventSchema = z.object({ Records: z.array(z.looseObject({ messageId: z.string() })) });

/**
 * Makes a Lambda handler for the queue of fires out of what is to happen when a timer fires. It owns what is common: a fire is not called back before
 * its time, nor when its timer has been deleted or replaced; what fails comes again by itself, alone, and in the end is a dead
 * letter; metrics are kept.
 *
 * Delivery is at least once: the handler has to bear the same fire twice, or ask for `exactlyOnce`.
 *
 * @example
 * export const handler = onTimer(async ({ id, data }) => {
 *   await remind(id, data);
 * });
 */
export function onTimer(
  handler: TimerHandler,
  { exactlyOnce = false }: OnTimerOptions = {},
): (event: unknown, context: Context) => Promise<SQSBatchResponse> {
  const start = onColdStart(callbackEnvironment, ({ environment, clock, logger, metrics }) => {
    const dynamodb = createDynamoDB();
    const sqs = createSqs();
    const QueueUrl = environment.FIRES_QUEUE;
    const ports: Omit<CallbackPorts, "owner" | "deadline"> = {
      table: timerTable(dynamodb, environment.TIMERS_TABLE, { clock, random: Math.random }),
      giveBack: async ({ receipt: ReceiptHandle }, VisibilityTimeout) => {
        await sqs.send(new ChangeMessageVisibilityCommand({ QueueUrl, ReceiptHandle, VisibilityTimeout }));
      },
      happen: async (fire, owner) => {
        const done = owner === undefined ? undefined : completion(environment.TIMERS_TABLE, fire, owner);
        await handler(firedOf(fire), { logger, ...(done && { completion: done }) });
      },
      ...(exactlyOnce && { claims: claims(dynamodb, environment.TIMERS_TABLE) }),
      clock,
      report: {
        fired: (_, lateMs) => {
          metrics.count("fired", 1);
          metrics.milliseconds("late", lateMs);
        },
        fenced: ({ fireId }) => {
          metrics.count("fenced", 1);
          logger.info("fenced", { fireId });
        },
        duplicate: ({ fireId }) => {
          metrics.count("duplicates", 1);
          logger.info("duplicate", { fireId });
        },
        failed: ({ fireId }, error) => {
          logger.error("callback failed", { fireId, error });
        },
      },
    };
    return (deliveries: readonly Delivery[], deadline: number) =>
      callBack(deliveries, { ...ports, owner: randomUUID(), deadline });
  });

  return (event, context) =>
    invoke(start, context, async ({ logger, work }, deadline) => {
      const { Records } = eventSchema.parse(event);
      const deliveries: Delivery[] = [];
      const failures: string[] = [];
      for (const record of Records) {
        const parsed = recordSchema.safeParse(record);
        if (parsed.success) deliveries.push(deliveryOf(parsed.data));
        else {
          logger.error("not a fire", { messageId: record.messageId, error: parsed.error });
          failures.push(record.messageId);
        }
      }
      const again = await work(deliveries, deadline);
      failures.push(...again.map(({ messageId }) => messageId));
      return { batchItemFailures: failures.map((itemIdentifier) => ({ itemIdentifier })) };
    });
}

function deliveryOf(record: z.output<typeof recordSchema>): Delivery {
  const { messageId, receiptHandle, body, attributes, messageAttributes: told } = record;
  return {
    messageId,
    receipt: receiptHandle,
    receives: attributes.ApproximateReceiveCount,
    fire: {
      kind: told[MESSAGE_ATTRIBUTES.kind].stringValue,
      id: told[MESSAGE_ATTRIBUTES.id].stringValue,
      version: told[MESSAGE_ATTRIBUTES.version].stringValue,
      shard: told[MESSAGE_ATTRIBUTES.shard].stringValue,
      due: Date.parse(told[MESSAGE_ATTRIBUTES.due].stringValue),
      fireId: told[MESSAGE_ATTRIBUTES.fireId].stringValue,
      data: body,
    },
  };
}

function firedOf({ kind, id, fireId, version, shard, due, data }: Fire): TimerFired {
  return { kind, id, fireId, version, shard, due: new Date(due), data: JSON.parse(data) as unknown, text: data };
}
