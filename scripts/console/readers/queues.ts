/** Depths of the environment's queues. */
import { GetQueueAttributesCommand, type SQSClient } from "@aws-sdk/client-sqs";
import { mapConcurrently } from "../../../functions/shared/resilience/concurrency";
import type { Environment } from "./source";

export interface QueueDepth {
  readonly feature: string;
  readonly name: string;
  readonly url: string;
  readonly isDeadLetters: boolean;
  /** Waiting, delayed, and being processed. */
  readonly messages: number;
}

const CONCURRENCY = 8;

const DEAD_LETTERS = /(^|-)(dlq|dead-letters?)$/;

export async function readDepths({
  resources,
  sqs,
}: Pick<Environment, "resources" | "sqs">): Promise<readonly QueueDepth[]> {
  const queues = resources.flatMap(({ type, module, values }) => {
    const url = values["url"] ?? values["id"];
    if (type !== "aws_sqs_queue" || typeof url !== "string") return [];
    return [{ feature: module, name: String(values["name"]), url }];
  });
  return mapConcurrently(queues, CONCURRENCY, async (queue) => ({
    ...queue,
    isDeadLetters: DEAD_LETTERS.test(queue.name),
    messages: await depthOf(queue.url, sqs),
  }));
}

export async function depthOf(QueueUrl: string, sqs: SQSClient): Promise<number> {
  const { Attributes = {} } = await sqs.send(
    new GetQueueAttributesCommand({
      QueueUrl,
      AttributeNames: [
        "ApproximateNumberOfMessages",
        "ApproximateNumberOfMessagesDelayed",
        "ApproximateNumberOfMessagesNotVisible",
      ],
    }),
  );
  return Object.values(Attributes).reduce((sum, text) => sum + Number(text), 0);
}
