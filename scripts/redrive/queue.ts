import { DeleteMessageCommand, ReceiveMessageCommand, type Message, type SQSClient } from "@aws-sdk/client-sqs";

/** Long enough to send a batch back; whatever is left is in the queue again after it. */
const VISIBILITY_SECONDS = 60;

/** SQS may answer with nothing though there is something. */
const FRUITLESS_RECEIVES = 3;

export interface QueueTools {
  readonly sqs: SQSClient;
  /** Epoch milliseconds. */
  readonly now: () => number;
  readonly onProgress: (line: string) => void;
}

export interface Redriven {
  readonly sent: number;
  readonly left: number;
}

/**
 * Sends every dead letter of a queue back. One is deleted only after it has been taken, so a crash in between means it twice, never
 * not at all. What nobody understands stays in the queue, and so does what fails again meanwhile: this ends.
 *
 * @param sendBack tells where it sent the message; undefined: nobody understands it
 */
export async function redriveQueue(
  queueUrl: string,
  { sqs, now, onProgress }: QueueTools,
  sendBack: (message: Message) => Promise<string | undefined>,
): Promise<Redriven> {
  const startedAt = now();
  const left = new Set<string>();
  let sent = 0;
  for (let fruitless = 0; fruitless < FRUITLESS_RECEIVES;) {
    const { Messages = [] } = await sqs.send(
      new ReceiveMessageCommand({
        QueueUrl: queueUrl,
        MaxNumberOfMessages: 10,
        WaitTimeSeconds: 1,
        VisibilityTimeout: VISIBILITY_SECONDS,
        MessageAttributeNames: ["All"],
        MessageSystemAttributeNames: ["SentTimestamp"],
      }),
    );
    let took = 0;
    for (const message of Messages) {
      const { MessageId: id = "", ReceiptHandle, Attributes } = message;
      const isNew = Number(Attributes?.SentTimestamp ?? 0) > startedAt;
      const to = isNew ? undefined : await sendBack(message);
      if (to === undefined) {
        if (!left.has(id)) onProgress(`${id}: left, ${isNew ? "it has failed again" : "nobody understands it"}`);
        left.add(id);
        continue;
      }
      await sqs.send(new DeleteMessageCommand({ QueueUrl: queueUrl, ReceiptHandle }));
      took += 1;
      onProgress(`${id}: sent back to ${to}`);
    }
    sent += took;
    fruitless = took === 0 ? fruitless + 1 : 0;
  }
  return { sent, left: left.size };
}
