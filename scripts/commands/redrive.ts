/** `npm run redrive -- <environment> <feature>`: sends dead letters back to where they failed. */
import { LambdaClient } from "@aws-sdk/client-lambda";
import { SQSClient } from "@aws-sdk/client-sqs";
import * as z from "zod";
import { DEFAULT_HOME } from "../emulator/home";
import { describeError, EXIT, npmCommand } from "../shared/command-line";
import { findDeployed, NotDeployedError, type DeployedOptions } from "../environments/deployed";
import { redriveInvocations } from "../features/redrive/invocations";
import { queuesOf, redriveMessages } from "../features/redrive/messages";

const command = npmCommand(
  "npm run redrive --",
  "Sends dead letters back to where they failed: events to their functions, messages to their queues. Mend the cause first.",
)
  .argument("<environment>", "as main.ts names it: staging")
  .argument(
    "<feature>",
    "heartbeats, timers, exports, pipelines, workflow; of one channel: npm run channel -- <environment> redrive <name>",
  )
  .option("--app <file>", "the app that has the environment", "main.ts")
  .option("--home <folder>", "for local: the folder that was given to npm start", DEFAULT_HOME)
  .parse();

const outputsSchema = z.looseObject({ dead_letter_queue_url: z.string() });

async function main(environment: string, feature: string, options: DeployedOptions): Promise<number> {
  const { features, aws } = await findDeployed(environment, options);
  const outputs = outputsSchema.safeParse(features[feature]);
  if (!outputs.success) {
    throw new NotDeployedError(
      `${environment} has no feature "${feature}" with dead letters: ${Object.keys(features).join(", ")}`,
    );
  }
  const tools = { sqs: new SQSClient(aws), now: Date.now, onProgress: console.log };
  const lambda = new LambdaClient(aws);
  const redriven = [await redriveInvocations(outputs.data.dead_letter_queue_url, { ...tools, lambda })];
  for (const queue of queuesOf(outputs.data)) redriven.push(await redriveMessages(queue, tools));
  const sent = redriven.reduce((sum, one) => sum + one.sent, 0);
  const left = redriven.reduce((sum, one) => sum + one.left, 0);
  console.log(`${feature}: ${sent} sent back${left === 0 ? "" : `, ${left} left`}.`);
  return left === 0 ? EXIT.ok : EXIT.failure;
}

main(command.args[0] ?? "", command.args[1] ?? "", command.opts<DeployedOptions>()).then(
  (code) => {
    process.exitCode = code;
  },
  (error: unknown) => {
    console.error(`npm run redrive: ${describeError(error)}`);
    process.exitCode = EXIT.failure;
  },
);
