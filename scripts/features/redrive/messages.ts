/** Redrives the messages of dead-letter queues. */
import { SendMessageCommand } from "@aws-sdk/client-sqs";
import { redriveDeadLetters, type Redriven, type RedriveTools } from "./dead-letters";

/** A queue and its dead-letter queue. */
export interface QueueWithDeadLetters {
  readonly queueUrl: string;
  readonly deadLetterQueueUrl: string;
}

/** The queues with dead-letter queues among a feature's outputs: `fires_queue_url` and `fires_dead_letter_queue_url`. */
export function queuesOf(outputs: Readonly<Record<string, unknown>>): readonly QueueWithDeadLetters[] {
  return Object.entries(outputs).flatMap(([name, deadLetterQueueUrl]) => {
    const prefix = /^(\w+)_dead_letter_queue_url$/.exec(name)?.[1];
    const queueUrl = prefix === undefined ? undefined : outputs[`${prefix}_queue_url`];
    return typeof queueUrl === "string" && typeof deadLetterQueueUrl === "string"
      ? [{ queueUrl, deadLetterQueueUrl }]
      : [];
  });
}

/** Sends every dead letter back to its queue, with its attributes. */
export function redriveMessages(
  { queueUrl: QueueUrl, deadLetterQueueUrl }: QueueWithDeadLetters,
  tools: RedriveTools,
): Promise<Redriven> {
  return redriveDeadLetters(
    deadLetterQueueUrl,
    ({ Body: MessageBody, MessageAttributes }) => ({
      to: QueueUrl.split("/").at(-1) ?? QueueUrl,
      send: () => tools.sqs.send(new SendMessageCommand({ QueueUrl, MessageBody, MessageAttributes })),
    }),
    tools,
  );
}
