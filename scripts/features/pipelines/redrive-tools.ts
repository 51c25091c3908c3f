/** What a redrive of a pipeline needs of AWS. */
import { DynamoDBStreamsClient } from "@aws-sdk/client-dynamodb-streams";
import { InvokeCommand, LambdaClient } from "@aws-sdk/client-lambda";
import { SQSClient } from "@aws-sdk/client-sqs";
import type { AwsSettings } from "../../shared/aws/aws-settings";
import type { DeployedPipeline } from "../../shared/feature-outputs";
import { sendAll } from "./queue-sender";
import { streamEvent, type PipelineRedrive } from "./redrive";
import { readChanges } from "./stream-reader";

/** The function that notifies Slack failed again on the changes. */
class NotifyFailedError extends Error {
  override readonly name = "NotifyFailedError";
}

export function redriveTools(pipeline: DeployedPipeline, aws: AwsSettings): PipelineRedrive {
  const sqs = new SQSClient(aws);
  const lambda = new LambdaClient(aws);
  const streams = new DynamoDBStreamsClient(aws);
  return {
    sqs,
    deadLetterQueueUrl: pipeline.deadLetterQueueUrl,
    send: (message) => sendAll(sqs, pipeline.queueUrl, [message]),
    notify: async (lost) => {
      const Payload = Buffer.from(JSON.stringify(streamEvent(await readChanges(streams, lost))));
      const answer = await lambda.send(new InvokeCommand({ FunctionName: pipeline.notifyFunctionName, Payload }));
      if (answer.FunctionError !== undefined)
        throw new NotifyFailedError(`${pipeline.notifyFunctionName} failed again: see its logs`);
    },
    now: Date.now,
    onProgress: console.log,
  };
}
