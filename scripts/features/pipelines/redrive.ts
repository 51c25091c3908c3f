/** Sends a channel's dead letters back: messages to its queue, and changes that could not be told to whom they are to be told. */
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

/** Long enough to send ten back; whatever is left is in the queue again after it. */
const VISIBILITY_SECONDS = 60;

/** SQS may answer with nothing though there is something. */
const FRUITLESS_RECEIVES = 3;

/** What Lambda notes when it gives up on changes of a stream: which they were. */
const lostChangesSchema = z.object({
  DDBStreamBatchInfo: z.object({
    shardId: z.string(),
    startSequenceNumber: z.string(),
    endSequenceNumber: z.string(),
    streamArn: z.string(),
  }),
});
export type LostChanges = z.output<typeof lostChangesSchema>["DDBStreamBatchInfo"];

export interface ChannelRedrive {
  readonly sqs: SQSClient;
  readonly deadLetterQueueUrl: string;
  readonly send: (message: Outgoing) => Promise<void>;
  /** Reads changes from the stream again, and has them told. Throws when the stream has them no more. */
  readonly tell: (changes: LostChanges) => Promise<void>;
  /** Epoch milliseconds. */
  readonly now: () => number;
  readonly onProgress: (line: string) => void;
}

/**
 * Each dead letter is deleted only after it was sent back: a crash in between means one twice, never none. What fails again
 * meanwhile stays.
 */
export async function redriveChannel(
  redrive: ChannelRedrive,
): Promise<{ readonly sent: number; readonly left: number }> {
  const { sqs, deadLetterQueueUrl: QueueUrl, now, onProgress } = redrive;
  const startedAt = now();
  const left = new Set<string>();
  let sent = 0;
  for (let fruitless = 0; fruitless < FRUITLESS_RECEIVES;) {
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
    let took = 0;
    for (const message of Messages) {
      const id = message.MessageId ?? "";
      if (Number(message.Attributes?.SentTimestamp ?? 0) > startedAt) {
        left.add(id);
        continue;
      }
      try {
        await sendBack(message, redrive);
        await sqs.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle: message.ReceiptHandle }));
        took += 1;
      } catch (error) {
        if (!left.has(id)) onProgress(`${id}: left: ${errorMessage(error)}`);
        left.add(id);
      }
    }
    sent += took;
    if (took > 0) onProgress(`${sent} sent back`);
    fruitless = took === 0 ? fruitless + 1 : 0;
  }
  return { sent, left: left.size };
}

async function sendBack(
  { Body = "", MessageAttributes = {}, Attributes }: Message,
  redrive: ChannelRedrive,
): Promise<void> {
  const lost = lostChangesSchema.safeParse(parseJson(Body));
  if (lost.success) {
    await redrive.tell(lost.data.DDBStreamBatchInfo);
    return;
  }
  const known = numbersOf(MessageAttributes);
  // One that came without a time was received when it was sent first: a dead letter keeps that as its own.
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

/** Changes as Lambda hands them to a function. */
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
