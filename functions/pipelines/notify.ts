/** The handler of the stream of a pipeline's table: queues a notification for each change. */
import { InvokeCommand } from "@aws-sdk/client-lambda";
import * as z from "zod";

import { createDynamoDB } from "../shared/aws/clients/dynamodb";
import { createLambda } from "../shared/aws/clients/lambda";
import { invocationHandler } from "../shared/handlers/invocation-handler";
import { SECOND_MS } from "../shared/time";
import { notifyEnvironment, type sendRequestSchema } from "./contract";
import { notificationOf } from "./slack/notification";
import { notificationsTable } from "./slack/notifications-table";
import type { QueuedNotification } from "./slack/slack-sender";

const imageSchema = z.record(z.string(), z.unknown());

/** The last time that JavaScript has. */
const MAX_SECONDS = 8_640_000_000_000;

const streamRecordSchema = z.object({
  SequenceNumber: z.string(),
  /** Epoch seconds. */
  ApproximateCreationDateTime: z.number().min(0).max(MAX_SECONDS),
  NewImage: imageSchema.optional(),
  OldImage: imageSchema.optional(),
});
const recordSchema = z.object({ dynamodb: streamRecordSchema });
type StreamRecord = z.output<typeof recordSchema>;
const streamEventSchema = z.object({ Records: z.array(recordSchema) });

const EPOCH = "1970-01-01T00:00:00Z";

/**
 * Queues a notification for each change of a pipeline's table and invokes the send function. Waits for DynamoDB only, so an outage
 * of Slack does not block the stream. On an error Lambda retries the batch, then halves of it; a notification's position contains
 * its sequence number, so a retry overwrites it.
 */
export const handler = invocationHandler(
  notifyEnvironment,
  { input: streamEventSchema },
  ({ environment, clock, logger }) => {
    const { PIPELINE_CONFIG: pipeline, PIPELINE_NAME: name, NOTIFICATIONS_TABLE, SEND_FUNCTION } = environment;
    // Where `slack` is added to a pipeline, the stream has the changes of the day before.
    const from = Math.floor(Date.parse(environment.NOTIFY_FROM ?? EPOCH) / SECOND_MS);
    const isNew = ({ dynamodb }: StreamRecord): boolean => dynamodb.ApproximateCreationDateTime >= from;
    const table = notificationsTable(createDynamoDB(), NOTIFICATIONS_TABLE, { clock, random: Math.random });
    const lambda = createLambda();
    return async ({ Records }) => {
      const webhook = pipeline.slack;
      if (webhook === undefined) return;
      const queued = Records.filter(isNew).flatMap(({ dynamodb }): QueuedNotification[] => {
        const notification = notificationOf(name, pipeline, { before: dynamodb.OldImage, after: dynamodb.NewImage });
        return notification === undefined
          ? []
          : [{ pipeline: name, position: positionOf(name, dynamodb), notification }];
      });
      const keys = Records.map(({ dynamodb: { NewImage, OldImage } }) => keyOf(NewImage ?? OldImage));
      const counts = { changes: Records.length, notifications: queued.length };
      logger.info("queueing notifications", { pipeline: name, ...counts, keys });
      if (queued.length === 0) return;
      await table.add(queued);
      const request: z.output<typeof sendRequestSchema> = { webhook };
      const Payload = Buffer.from(JSON.stringify(request));
      await lambda
        .send(new InvokeCommand({ FunctionName: SEND_FUNCTION, InvocationType: "Event", Payload }))
        // The notifications are stored, and the schedule sends them within a minute.
        .catch((error: unknown) => {
          logger.warn("send function not invoked", { error });
        });
    };
  },
);

/** Of a row in DynamoDB's JSON. */
function keyOf(image: z.output<typeof imageSchema> | undefined): string | undefined {
  return z.object({ S: z.string() }).safeParse(image?.["key"]).data?.S;
}

/** Sequence numbers grow for each key. Padded, they sort as text. */
function positionOf(
  pipeline: string,
  { ApproximateCreationDateTime: seconds, SequenceNumber }: z.output<typeof streamRecordSchema>,
): string {
  const time = new Date(Math.floor(seconds) * SECOND_MS).toISOString();
  return `${time}#${pipeline}#${SequenceNumber.padStart(40, "0")}`;
}
