/** `almanac pipelines redrive <pipeline>`: sends a pipeline's dead letters back to where they failed. */
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { findDeployed } from "../../environments/deployed";
import { notificationsOf } from "../../features/pipelines/notifications";
import { redrivePipeline } from "../../features/pipelines/redrive";
import { redriveTools } from "../../features/pipelines/redrive-tools";
import {
  DocumentedCommand,
  EXIT,
  exitCodeOf,
  withEnvironment,
  type EnvironmentOptions,
} from "../../shared/terminal/command-line";
import type { AwsSettings } from "../../shared/aws/aws-settings";
import { pipelineOf, type DeployedPipeline } from "../../shared/feature-outputs";

export const command = () =>
  withEnvironment(
    new DocumentedCommand({
      description:
        "Sends a pipeline's dead letters back to where they failed, and notifications that were set aside into their queue. Fix the cause first: npx almanac pipelines dead ls <pipeline>.",
      examples: ["npx almanac pipelines redrive jobOrder --env staging"],
      exitCodes: { [EXIT.ok]: "no dead letter is left", [EXIT.failure]: "some are left, or the command failed" },
    }),
  )
    .argument("<pipeline>", "its name in main.ts: jobOrder")
    .action(exitCodeOf(run));

async function run(name: string, options: EnvironmentOptions): Promise<number> {
  const deployed = await findDeployed(options);
  const pipeline = pipelineOf(deployed.name, name, deployed);
  const { sent, left } = await redrivePipeline(redriveTools(pipeline, deployed.aws));
  const restored = await restoreNotifications(pipeline, deployed.aws);
  if (restored > 0) console.log(`${name}: ${restored} notifications are in the queue again.`);
  console.log(`${name}: ${sent} sent back${left === 0 ? "" : `, ${left} left`}.`);
  return left === 0 ? EXIT.ok : EXIT.failure;
}

/** @returns how many notifications are in the queue again */
async function restoreNotifications(pipeline: DeployedPipeline, aws: AwsSettings): Promise<number> {
  const notifications = notificationsOf(pipeline, new DynamoDBClient(aws));
  if (notifications === undefined) return 0;
  const { table } = notifications;
  const setAside = await table.readSetAside(pipeline.name, Infinity);
  for (const { position } of setAside) await table.restore({ pipeline: pipeline.name, position });
  return setAside.length;
}
