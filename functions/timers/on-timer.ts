/** Makes the handler of a callback's queue from your own function. */
import { randomUUID } from "node:crypto";

import type { TransactWriteItem } from "@aws-sdk/client-dynamodb";
import { ChangeMessageVisibilityCommand } from "@aws-sdk/client-sqs";
import type { Context, SQSBatchResponse } from "aws-lambda";
import * as z from "zod";

import { createAwsJsonClient } from "../shared/aws/clients/aws-json";
import { createDynamoDB } from "../shared/aws/clients/dynamodb";
import { createSqs } from "../shared/aws/clients/sqs";
import { withoutContent } from "../shared/errors";
import { invoke, onColdStart, type Services } from "../shared/handlers/services";
import type { Logger } from "../shared/telemetry/logger";
import { parseInput, parseJson } from "../shared/input";
import { deliverySchema, type Delivery } from "./callback/delivery";
import { completion, idempotencyStore } from "./callback/idempotency";
import { processDeliveries, type CallbackPorts } from "./callback/process-deliveries";
import { runningFires } from "./callback/running-fires";
import { callbackEnvironment } from "./contract";
import { deadLetterSender } from "./queue/sqs-sender";
import type { Fire, TimerKind } from "./schedule/timer";
import { history } from "./storage/history";
import { timerTable } from "./storage/timer-table";

/** Both are within the reserve that a batch has when its last callback ends: they must not cost its result. */
const RECORD_TIMEOUT_MS = 2_000;
const SEND_TIMEOUT_MS = 2_000;

/** A timer has fired. */
export interface TimerFired {
  readonly kind: TimerKind;
  readonly id: string;
  /** The same for every delivery of this fire: an idempotency key. */
  readonly fireId: string;
  readonly version: string;
  /** `shard0` */
  readonly shard: string;
  /** Not in the future. */
  readonly due: Date;
  /** The timer's `timerCallbackData`, parsed. */
  readonly data: unknown;
  /** `timerCallbackData` as JSON text, with full number precision. */
  readonly text: string;
}

export interface TimerTools {
  readonly logger: Logger;
  /**
   * Only with `exactlyOnce`: an item for the handler's own DynamoDB transaction. The writes of that transaction take effect exactly once, even
   * when the function crashes.
   */
  readonly completion?: TransactWriteItem;
}

export type TimerHandler = (fired: TimerFired, tools: TimerTools) => Promise<void> | void;

export interface OnTimerOptions {
  /**
   * True: the handler is not called again for a fire once it has succeeded, at the cost of two writes per fire. After a crash between its
   * effect and the completion it is called again; `tools.completion` closes that gap.
   *
   * @default false: at least once
   */
  readonly exactlyOnce?: boolean;
}

const eventSchema = z.object({ Records: z.array(z.looseObject({ messageId: z.string() })) });

/**
 * A Lambda handler for the queue of fires. It calls `handler` at the due time or later, and not after the timer was deleted, replaced or
 * disabled; retries failed fires one by one until they go to the dead-letter queue; writes metrics.
 *
 * Delivery is at least once: the handler must be idempotent, or use `exactlyOnce`.
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
  const start = onColdStart(callbackEnvironment, (services) => {
    const ports = createPorts(handler, exactlyOnce, services);
    return (deliveries: readonly Delivery[], deadline: number) =>
      processDeliveries(deliveries, { ...ports, owner: randomUUID(), deadline });
  });

  return (event, context) =>
    invoke(start, context, async ({ logger, work }, deadline) => {
      const { Records } = parseInput(eventSchema, event);
      const deliveries: Delivery[] = [];
      const failures: string[] = [];
      for (const record of Records) {
        const parsed = deliverySchema.safeParse(record);
        if (parsed.success) deliveries.push(parsed.data);
        else {
          logger.error("invalid message", { messageId: record.messageId, error: parsed.error });
          failures.push(record.messageId);
        }
      }
      const redeliveries = await work(deliveries, deadline);
      failures.push(...redeliveries.map(({ messageId }) => messageId));
      return { batchItemFailures: failures.map((itemIdentifier) => ({ itemIdentifier })) };
    });
}

function createPorts(
  handler: TimerHandler,
  exactlyOnce: boolean,
  { environment, clock, logger, metrics }: Services<ReturnType<typeof callbackEnvironment.parse>>,
): Omit<CallbackPorts, "owner" | "deadline"> {
  const { TIMERS_TABLE, FIRES_QUEUE_URL: QueueUrl, CLAIMS_TABLE: claims, HISTORY_TABLE, HISTORY } = environment;
  const { FIRES_DEAD_LETTER_QUEUE_URL: deadLetters } = environment;
  const sqs = createSqs();
  const tables = createAwsJsonClient({ service: "dynamodb", connections: 4 });
  const services = { clock, random: Math.random };
  const observedFires = history(tables, HISTORY_TABLE, services);
  const sendToDeadLetters = deadLetterSender(createAwsJsonClient({ service: "sqs", connections: 2 }), deadLetters);
  return {
    table: timerTable(tables, TIMERS_TABLE, services),
    running: runningFires(createDynamoDB(), claims),
    history: HISTORY === "true",
    record: async (fires) => {
      const unrecorded = await observedFires.record(fires, clock.now() + RECORD_TIMEOUT_MS);
      if (unrecorded > 0) logger.warn("fires are missing in the history", { fires: unrecorded });
    },
    sendToDeadLetters: (delivery) => sendToDeadLetters(delivery.fire, clock.now() + SEND_TIMEOUT_MS),
    changeVisibility: async ({ receiptHandle: ReceiptHandle }, VisibilityTimeout) => {
      await sqs.send(new ChangeMessageVisibilityCommand({ QueueUrl, ReceiptHandle, VisibilityTimeout }));
    },
    invoke: async (fire, owner) => {
      await handler(firedOf(fire), {
        logger,
        ...(owner !== undefined && { completion: completion(claims, fire, owner) }),
      });
    },
    ...(exactlyOnce && { idempotency: idempotencyStore(createDynamoDB(), claims) }),
    clock,
    observer: {
      fired: (_, lateMs) => {
        metrics.count("fired", 1);
        metrics.milliseconds("lateness", lateMs);
      },
      fenced: ({ fireId }) => {
        metrics.count("fenced", 1);
        logger.info("fenced", { fireId });
      },
      duplicate: ({ fireId }) => {
        metrics.count("duplicates", 1);
        logger.info("duplicate", { fireId });
      },
      dropped: ({ fireId }) => {
        metrics.count("dropped", 1);
        logger.info("dropped", { fireId });
      },
      skipped: ({ fireId }) => {
        metrics.count("skipped", 1);
        logger.info("skipped", { fireId });
      },
      failed: ({ fireId }, error) => {
        logger.error("callback failed", { fireId, error: withoutContent(error) });
      },
    },
  };
}

function firedOf({ kind, id, fireId, version, shard, due, data }: Fire): TimerFired {
  return { kind, id, fireId, version, shard, due: new Date(due), data: parseJson(data), text: data };
}
