/** Sends a pipeline's dead letters back: messages to its queue, changes to the function that notifies Slack. */
import type { _Record } from "@aws-sdk/client-dynamodb-streams";
import {
  DeleteMessageCommand,
  ReceiveMessageCommand,
  type Message,
  type MessageAttributeValue,
  type SQSClient,
} from "@aws-sdk/client-sqs";
import { z } from "zod";
import { errorMessage } from "../../../functions/shared/errors";
import { MESSAGE_ATTRIBUTES } from "../../../functions/pipelines/contract";
import type { Outgoing } from "./queue-sender";

/** Long enough to send ten back; the rest becomes visible again after it. */
const VISIBILITY_SECONDS = 60;

/** SQS may answer with no messages although the queue has some. */
const EMPTY_RECEIVES = 3;

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

export interface PipelineRedrive {
  readonly sqs: SQSClient;
  readonly deadLetterQueueUrl: string;
  readonly send: (message: Outgoing) => Promise<void>;
  /** Reads the changes from the stream again, and notifies. Throws when the stream no longer has them. */
  readonly notify: (changes: LostChanges) => Promise<void>;
  /** Epoch milliseconds. */
  readonly now: () => number;
  readonly onProgress: (line: string) => void;
}

/**
 * Each dead letter is deleted only after it was sent back: a crash in between duplicates one and loses none. Those that fail again
 * during the redrive stay in the queue.
 */
export async function redrivePipeline(
  redrive: PipelineRedrive,
): Promise<{ readonly sent: number; readonly left: number }> {
  const { sqs, deadLetterQueueUrl: QueueUrl, now, onProgress } = redrive;
  const startedAt = now();
  const left = new Set<string>();
  let sent = 0;
  for (let empty = 0; empty < EMPTY_RECEIVES;) {
    const { Messages = [] } = await sqs.send(
      new ReceiveMessageCommand({
        QueueUrl,
        MaxNumberOfMessages: 10,
        WaitTimeSeconds: 1,
        VisibilityTimeout: VISIBILITY_SECONDS,
        MessageAttributeNames: ["All"],
        MessageSystemAttributeNames: ["SentTimestamp"],
      }),
    );
    let redriven = 0;
    for (const message of Messages) {
      const id = message.MessageId ?? "";
      if (Number(message.Attributes?.SentTimestamp ?? 0) > startedAt) {
        left.add(id);
        continue;
      }
      try {
        await sendBack(message, redrive);
        await sqs.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle: message.ReceiptHandle }));
        redriven += 1;
      } catch (error) {
        if (!left.has(id)) onProgress(`${id}: left: ${errorMessage(error)}`);
        left.add(id);
      }
    }
    sent += redriven;
    if (redriven > 0) onProgress(`${sent} sent back`);
    empty = redriven === 0 ? empty + 1 : 0;
  }
  return { sent, left: left.size };
}

async function sendBack(
  { Body = "", MessageAttributes = {}, Attributes }: Message,
  redrive: PipelineRedrive,
): Promise<void> {
  const lost = lostChangesSchema.safeParse(parseJson(Body));
  if (lost.success) {
    await redrive.notify(lost.data.DDBStreamBatchInfo);
    return;
  }
  const known = numbersOf(MessageAttributes);
  // Without the attribute, the message was received when it was first sent: SQS keeps that timestamp on dead letters.
  const receivedAt = known[MESSAGE_ATTRIBUTES.receivedAt] ?? Number(Attributes?.SentTimestamp ?? redrive.now());
  await redrive.send({ body: Body, attributes: { ...known, [MESSAGE_ATTRIBUTES.receivedAt]: receivedAt } });
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
        ApproximateCreationDateTime: Math.floor((dynamodb?.ApproximateCreationDateTime?.getTime() ?? 0) / 1_000),
      },
    })),
  };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
