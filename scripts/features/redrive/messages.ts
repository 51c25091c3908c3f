import { SendMessageCommand } from "@aws-sdk/client-sqs";
import { redriveDeadLetters, type Redriven, type RedriveTools } from "./dead-letters";

/** A queue, and where its messages go that failed for good. */
export interface QueueWithDeadLetters {
  readonly queueUrl: string;
  readonly deadLetterQueueUrl: string;
}

/** The queues among a feature's outputs that have dead letters: `fires_queue_url` and `fires_dead_letter_queue_url`. */
export function queuesOf(outputs: Readonly<Record<string, unknown>>): readonly QueueWithDeadLetters[] {
  return Object.entries(outputs).flatMap(([name, deadLetterQueueUrl]) => {
    const role = /^(\w+)_dead_letter_queue_url$/.exec(name)?.[1];
    const queueUrl = role === undefined ? undefined : outputs[`${role}_queue_url`];
    return typeof queueUrl === "string" && typeof deadLetterQueueUrl === "string"
      ? [{ queueUrl, deadLetterQueueUrl }]
      : [];
  });
}

/** Sends every dead letter back to its queue, with the attributes that it had. */
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
