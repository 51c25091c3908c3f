/** `almanac pipelines test <pipeline>`: posts a message to the pipeline's Slack webhook. */
import { SSMClient } from "@aws-sdk/client-ssm";
import { slackPost, slackText } from "../../../functions/shared/slack";
import { findDeployed } from "../../environments/deployed";
import {
  DocumentedCommand,
  EXIT,
  exitCodeOf,
  UsageError,
  withEnvironment,
  type EnvironmentOptions,
} from "../../shared/terminal/command-line";
import { pipelineOf } from "../../shared/feature-outputs";

export const command = () =>
  withEnvironment(
    new DocumentedCommand({
      description: "Posts a message to a pipeline's Slack webhook, and shows what Slack answers.",
      examples: ["npx almanac pipelines test jobOrder --env staging"],
      exitCodes: { [EXIT.ok]: "Slack has accepted it", [EXIT.failure]: "it has not, or the command failed" },
    }),
  )
    .argument("<pipeline>", "its name in main.ts: jobOrder")
    .action(exitCodeOf(run));

async function run(name: string, options: EnvironmentOptions): Promise<number> {
  const deployed = await findDeployed(options);
  const { slackParameter } = pipelineOf(deployed.name, name, deployed);
  if (slackParameter === "") throw new UsageError(`Pipeline ${name} does not notify Slack: it has no slack parameter.`);
  const text = slackText`Test of pipeline ${name}, environment ${deployed.name}`;
  const outcome = await slackPost(new SSMClient(deployed.aws))(slackParameter, { text, mrkdwn: false });
  switch (outcome.kind) {
    case "accepted":
      console.log(`${slackParameter}: Slack has accepted the message.`);
      return EXIT.ok;
    case "rateLimited":
      console.log(`${slackParameter}: Slack's rate limit. Try again in ${Math.ceil(outcome.retryAfterMs / 1_000)} s.`);
      return EXIT.failure;
    case "rejected":
    case "failed":
      console.log(`${slackParameter}: ${outcome.reason}`);
      return EXIT.failure;
  }
}
