/** `almanac pipelines redrive <pipeline>`: sends a pipeline's dead letters back to where they failed. */
import { DynamoDBStreamsClient } from "@aws-sdk/client-dynamodb-streams";
import { InvokeCommand, LambdaClient } from "@aws-sdk/client-lambda";
import { SQSClient } from "@aws-sdk/client-sqs";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { notificationQueue } from "../../../functions/pipelines/slack/notifications-table";
import { systemClock } from "../../../functions/shared/clock";
import { findDeployed } from "../../environments/deployed";
import { sendAll } from "../../features/pipelines/queue-sender";
import { redrivePipeline, streamEvent, type LostChanges } from "../../features/pipelines/redrive";
import { readChanges } from "../../features/pipelines/stream-reader";
import {
  DocumentedCommand,
  EXIT,
  exitCodeOf,
  withEnvironment,
  type EnvironmentOptions,
} from "../../shared/command-line";
import type { AwsSettings } from "../../shared/aws-settings";
import { pipelineOf, type DeployedPipeline } from "../../shared/feature-outputs";

export const command = () =>
  withEnvironment(
    new DocumentedCommand({
      description: "Sends a pipeline's dead letters back to where they failed. Fix the cause first.",
      examples: ["npx almanac pipelines redrive jobOrder --env staging"],
      exitCodes: { [EXIT.ok]: "no dead letter is left", [EXIT.failure]: "some are left, or the command failed" },
    }),
  )
    .argument("<pipeline>", "its name in main.ts: jobOrder")
    .action(exitCodeOf(run));

/** The function that notifies Slack failed again on the changes. */
class NotifyFailedError extends Error {
  override readonly name = "NotifyFailedError";
}

async function run(name: string, options: EnvironmentOptions): Promise<number> {
  const deployed = await findDeployed(options);
  const pipeline = pipelineOf(deployed.name, name, deployed);
  const sqs = new SQSClient(deployed.aws);
  const lambda = new LambdaClient(deployed.aws);
  const streams = new DynamoDBStreamsClient(deployed.aws);
  const notify = async (lost: LostChanges): Promise<void> => {
    const Payload = Buffer.from(JSON.stringify(streamEvent(await readChanges(streams, lost))));
    const answer = await lambda.send(new InvokeCommand({ FunctionName: pipeline.notifyFunctionName, Payload }));
    if (answer.FunctionError !== undefined)
      throw new NotifyFailedError(`${pipeline.notifyFunctionName} failed again: see its logs`);
  };
  const { sent, left } = await redrivePipeline({
    sqs,
    deadLetterQueueUrl: pipeline.deadLetterQueueUrl,
    send: (message) => sendAll(sqs, pipeline.queueUrl, [message]),
    notify,
    now: Date.now,
    onProgress: console.log,
  });
  const restored = await restoreNotifications(pipeline, deployed.aws);
  if (restored > 0) console.log(`${pipeline.slackParameter}: ${restored} notifications are in the queue again.`);
  console.log(`${name}: ${sent} sent back${left === 0 ? "" : `, ${left} left`}.`);
  return left === 0 ? EXIT.ok : EXIT.failure;
}

/** @returns how many notifications, of all pipelines with the same webhook, are in its queue again */
async function restoreNotifications(pipeline: DeployedPipeline, aws: AwsSettings): Promise<number> {
  const { slackParameter: webhook, notificationsTableName } = pipeline;
  if (webhook === "") return 0;
  const dynamodb = new DynamoDBClient(aws);
  const queue = notificationQueue(dynamodb, notificationsTableName, { clock: systemClock, random: Math.random });
  const setAside = await queue.readSetAside(webhook, Infinity);
  for (const { position } of setAside) await queue.restore(webhook, position);
  return setAside.length;
}
