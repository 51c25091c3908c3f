/** Makes a handler for the messages of an SQS queue: each fails alone. */
import type { Context, SQSBatchResponse } from "aws-lambda";
import * as z from "zod";

import type { EnvironmentSchema } from "../environment";
import { parseInput } from "../input";
import { invoke, onColdStart, type Services } from "./services";

/** The event of an SQS event source, as far as handlers use it. */
const queueEventSchema = z.object({
  Records: z.array(
    z.object({
      messageId: z.string(),
      body: z.string(),
      attributes: z.looseObject({ SentTimestamp: z.string().regex(/^\d{1,15}$/, "is not a time") }),
      messageAttributes: z.record(z.string(), z.looseObject({ stringValue: z.string().optional() })).default({}),
    }),
  ),
});

export interface QueueMessage {
  readonly id: string;
  readonly body: string;
  /** When SQS received it, epoch milliseconds. */
  readonly sentAt: number;
  /** String and number attributes, as text. */
  readonly attributes: Readonly<Record<string, string>>;
}

export interface MessageFailure {
  readonly id: string;
  readonly error: unknown;
}

/**
 * A Lambda handler for an SQS queue. Parses batches, logs failed messages by ID and reports them to SQS one by one (the event source
 * mapping needs `ReportBatchItemFailures`), flushes metrics. `build` runs once, on cold start. The work gets whole batches and returns
 * the messages that failed; an error fails the whole batch.
 *
 * SQS delivers at least once, so the work must be idempotent.
 */
export function queueHandler<Environment>(
  schema: EnvironmentSchema<Environment>,
  build: (
    services: Services<Environment>,
  ) => (batch: readonly QueueMessage[], deadline: number) => Promise<readonly MessageFailure[]>,
): (event: unknown, context: Context) => Promise<SQSBatchResponse> {
  const start = onColdStart(schema, build);
  return (event, context) =>
    invoke(start, context, async ({ logger, work }, deadline) => {
      const batch = parseInput(queueEventSchema, event).Records.map(messageOf);
      const failures = await work(batch, deadline);
      for (const { id, error } of failures) logger.error("message failed", { messageId: id, error });
      return { batchItemFailures: failures.map(({ id }) => ({ itemIdentifier: id })) };
    });
}

function messageOf({
  messageId: id,
  body,
  attributes,
  messageAttributes,
}: z.output<typeof queueEventSchema>["Records"][number]): QueueMessage {
  const texts = Object.entries(messageAttributes).flatMap(([name, { stringValue }]) =>
    stringValue === undefined ? [] : [[name, stringValue] as const],
  );
  return { id, body, sentAt: Number(attributes.SentTimestamp), attributes: Object.fromEntries(texts) };
}
