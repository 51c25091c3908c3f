import type { Context, SQSBatchResponse } from "aws-lambda";
import * as z from "zod";

import type { EnvironmentSchema } from "../environment";
import { invoke, onColdStart, type Services } from "./services";

/** What SQS hands over, as far as it is looked at. */
const queueEventSchema = z.object({
  Records: z.array(
    z.object({
      messageId: z.string(),
      body: z.string(),
      attributes: z.looseObject({ SentTimestamp: z.string() }),
      messageAttributes: z.record(z.string(), z.looseObject({ stringValue: z.string().optional() })).default({}),
    }),
  ),
});

export interface QueueMessage {
  readonly id: string;
  readonly body: string;
  /** When SQS got it, epoch milliseconds. */
  readonly sentAt: number;
  /** Its attributes that are text or numbers, as text. */
  readonly attributes: Readonly<Record<string, string>>;
}

/** A message that is not done with, and why. */
export interface MessageFailure {
  readonly id: string;
  readonly error: unknown;
}

/**
 * A Lambda handler for a queue. It owns what is common: batches parsed, failures logged by id and given back to SQS one by one
 * (the mapping has to have `ReportBatchItemFailures`), metrics flushed. `build` is called once, at the first batch; the work it
 * returns gets whole batches, and names the messages that failed. What it throws fails all of them.
 *
 * SQS delivers at least once: the work must bear the same message twice.
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
      const batch = queueEventSchema.parse(event).Records.map(messageOf);
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
