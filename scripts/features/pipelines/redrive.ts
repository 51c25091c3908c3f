/** Sends a pipeline's dead letters back: messages to its queue, changes to the function that notifies Slack. */
import type { _Record } from "@aws-sdk/client-dynamodb-streams";
import type { Message, MessageAttributeValue } from "@aws-sdk/client-sqs";
import * as z from "zod";
import { MESSAGE_ATTRIBUTES } from "../../../functions/pipelines/contract";
import { SECOND_MS } from "../../../functions/shared/time";
import { parseJson } from "../../shared/fields";
import type { IngressClient } from "../../shared/aws/ingress-client";
import { redriveDeadLetters, type Redriven, type RedriveTools } from "../redrive/dead-letters";
import type { Outgoing } from "./queue-sender";

/** Lambda's record of stream changes whose retries are exhausted. */
const lostChangesSchema = z.object({
  DDBStreamBatchInfo: z.object({
    shardId: z.string(),
    startSequenceNumber: z.string(),
    endSequenceNumber: z.string(),
    streamArn: z.string(),
  }),
});
export type LostChanges = z.output<typeof lostChangesSchema>["DDBStreamBatchInfo"];

export interface PipelineRedrive extends RedriveTools {
  readonly deadLetterQueueUrl: string;
  readonly send: (message: Outgoing) => Promise<void>;
  /** Reads the changes from the stream again, and notifies. Throws when the stream no longer has them. */
  readonly notify: (changes: LostChanges) => Promise<void>;
}

export function redrivePipeline(redrive: PipelineRedrive): Promise<Redriven> {
  const { deadLetterQueueUrl, send, notify, now } = redrive;
  return redriveDeadLetters(
    deadLetterQueueUrl,
    (message) => {
      const lost = lostChangesSchema.safeParse(parseJson(message.Body ?? ""));
      return {
        continueOnError: true,
        ...(lost.success
          ? { to: "Slack", send: () => notify(lost.data.DDBStreamBatchInfo) }
          : { to: "the queue", send: () => send(outgoing(message, now())) }),
      };
    },
    redrive,
  );
}

/** The ingress does not accept an edited message. */
class NotAcceptedError extends Error {
  override readonly name = "NotAcceptedError";
}

/** Sends a body in the place of one dead letter, which was edited: through the ingress, which validates it. */
export function redriveEdited(
  { id, body }: { readonly id: string; readonly body: string },
  send: IngressClient,
  redrive: RedriveTools & { readonly deadLetterQueueUrl: string },
): Promise<Redriven> {
  const sendEdited = async () => {
    const { status, text } = await send(body);
    if (status !== 202) throw new NotAcceptedError(`the ingress responds ${status}: ${text}`);
  };
  const target = { to: "the ingress", send: sendEdited, continueOnError: true };
  return redriveDeadLetters(redrive.deadLetterQueueUrl, () => target, { ...redrive, only: id });
}

function outgoing({ Body = "", MessageAttributes = {}, Attributes }: Message, now: number): Outgoing {
  const { [MESSAGE_ATTRIBUTES.pointers]: pointers } = MessageAttributes;
  const known = numbersOf(MessageAttributes);
  // Without the attribute, the message was received when it was first sent: SQS keeps that timestamp on dead letters.
  const receivedAt = known[MESSAGE_ATTRIBUTES.receivedAt] ?? Number(Attributes?.SentTimestamp ?? now);
  const attributes = {
    ...known,
    ...(pointers?.StringValue !== undefined && { [MESSAGE_ATTRIBUTES.pointers]: pointers.StringValue }),
    [MESSAGE_ATTRIBUTES.receivedAt]: receivedAt,
  };
  return { body: Body, attributes };
}

function numbersOf(attributes: Readonly<Record<string, MessageAttributeValue>>): Readonly<Record<string, number>> {
  return Object.fromEntries(
    Object.entries(attributes).flatMap(([name, { StringValue }]) =>
      StringValue === undefined || Number.isNaN(Number(StringValue)) ? [] : [[name, Number(StringValue)]],
    ),
  );
}

/** The event that Lambda invokes a function with. */
export function streamEvent(records: readonly _Record[]): object {
  return {
    Records: records.map(({ dynamodb }) => ({
      dynamodb: {
        ...dynamodb,
        ApproximateCreationDateTime: Math.floor((dynamodb?.ApproximateCreationDateTime?.getTime() ?? 0) / SECOND_MS),
      },
    })),
  };
}
