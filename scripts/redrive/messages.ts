import { SendMessageCommand } from "@aws-sdk/client-sqs";
import { redriveQueue, type QueueTools, type Redriven } from "./queue";

/** Sends every dead letter back to the queue that it was a message of, as it was. */
export function redriveMessages(deadLettersUrl: string, queueUrl: string, tools: QueueTools): Promise<Redriven> {
  return redriveQueue(deadLettersUrl, tools, async ({ Body: MessageBody, MessageAttributes }) => {
    await tools.sqs.send(new SendMessageCommand({ QueueUrl: queueUrl, MessageBody, MessageAttributes }));
    return queueUrl.split("/").at(-1) ?? queueUrl;
  });
}
