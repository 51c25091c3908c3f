import { InvokeCommand } from "@aws-sdk/client-lambda";
import * as z from "zod";

import { createDynamoDB } from "../shared/aws/clients/dynamodb";
import { createLambda } from "../shared/aws/clients/lambda";
import { invocationHandler } from "../shared/handlers/invocation-handler";
import { notifyEnvironment, type drainRequestSchema } from "./contract";
import type { Waiting } from "./slack/slack-sender";
import { noticeOf } from "./slack/notification";
import { noticesTable } from "./slack/notifications-table";

const imageSchema = z.record(z.string(), z.unknown());

/** What DynamoDB's stream hands over, as far as it is looked at. */
const streamEventSchema = z.object({
  Records: z.array(
    z.object({
      dynamodb: z.object({
        SequenceNumber: z.string(),
        /** Epoch seconds. */
        ApproximateCreationDateTime: z.number(),
        NewImage: imageSchema.optional(),
        OldImage: imageSchema.optional(),
      }),
    }),
  ),
});

/**
 * Puts each change of a channel's table into the line of notices for its webhook, and calls the drain. It waits for nothing but
 * DynamoDB, so the stream goes on whatever Slack does. What it throws makes Lambda try the batch again, then in halves: a notice has
 * its place by its sequence number, so one that is there already is put where it is.
 */
export const handler = invocationHandler(
  notifyEnvironment,
  { input: streamEventSchema },
  ({ environment, clock, logger }) => {
    const { CHANNEL: channel, CHANNEL_NAME: name, NOTICES_TABLE: table, DRAIN_FUNCTION: drain } = environment;
    const notices = noticesTable(createDynamoDB(), table, { clock, random: Math.random });
    const lambda = createLambda();
    return async ({ Records }) => {
      const webhook = channel.slack;
      if (webhook === undefined) return;
      const waiting = Records.flatMap(({ dynamodb }): Waiting[] => {
        const notice = noticeOf(name, channel, { before: dynamodb.OldImage, after: dynamodb.NewImage });
        return notice === undefined ? [] : [{ place: placeOf(name, dynamodb), notice }];
      });
      logger.info("noticed", { channel: name, changes: Records.length, notices: waiting.length });
      if (waiting.length === 0) return;
      await notices.add(webhook, waiting);
      const request: z.output<typeof drainRequestSchema> = { webhook };
      const Payload = Buffer.from(JSON.stringify(request));
      await lambda
        .send(new InvokeCommand({ FunctionName: drain, InvocationType: "Event", Payload }))
        // The notices are safe, and the drain's schedule comes within a minute: no reason to put them there again.
        .catch((error: unknown) => {
          logger.warn("drain not called", { error });
        });
    };
  },
);

/** Sequence numbers grow, for each key at any rate; digits of one length sort as numbers do. */
function placeOf(
  channel: string,
  {
    ApproximateCreationDateTime: seconds,
    SequenceNumber,
  }: { ApproximateCreationDateTime: number; SequenceNumber: string },
): string {
  return `${new Date(Math.floor(seconds) * 1_000).toISOString()}#${channel}#${SequenceNumber.padStart(40, "0")}`;
}
