/** Empties a queue of dead letters, each to where it failed. */
import { DeleteMessageCommand, ReceiveMessageCommand, type Message, type SQSClient } from "@aws-sdk/client-sqs";

/** Long enough to send a batch back; whatever is left is in the queue again after it. */
const VISIBILITY_SECONDS = 60;

/** SQS may answer with nothing though there is something. */
const FRUITLESS_RECEIVES = 3;

export interface RedriveTools {
  readonly sqs: SQSClient;
  /** Epoch milliseconds. */
  readonly now: () => number;
  readonly onProgress: (line: string) => void;
}

export interface Redriven {
  readonly sent: number;
  readonly left: number;
}

/** What becomes of a dead letter. */
export interface WayBack {
  /** A name for people. */
  readonly to: string;
  readonly send: () => Promise<unknown>;
}

/**
 * Sends every dead letter back. One is deleted only after it has been taken, so a crash in between means one twice, never none. What has
 * no way back stays in the queue, and so does what fails again meanwhile: this ends.
 */
export async function redriveDeadLetters(
  queueUrl: string,
  wayBackOf: (message: Message) => WayBack | undefined,
  { sqs, now, onProgress }: RedriveTools,
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
      const wayBack = wayBackOf(message);
      if (wayBack === undefined || Number(Attributes?.SentTimestamp ?? 0) > startedAt) {
        if (!left.has(id)) onProgress(`${id}: left, ${wayBack ? "it has failed again" : "nobody understands it"}`);
        left.add(id);
        continue;
      }
      await wayBack.send();
      await sqs.send(new DeleteMessageCommand({ QueueUrl: queueUrl, ReceiptHandle }));
      took += 1;
      onProgress(`${id}: sent back to ${wayBack.to}`);
    }
    sent += took;
    fruitless = took === 0 ? fruitless + 1 : 0;
  }
  return { sent, left: left.size };
}
