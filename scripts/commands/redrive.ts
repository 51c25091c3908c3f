/** `almanac redrive <feature>`: sends dead letters back to where they failed. */
import { LambdaClient } from "@aws-sdk/client-lambda";
import { SQSClient } from "@aws-sdk/client-sqs";
import * as z from "zod";
import { findDeployed } from "../environments/deployed";
import { redriveInvocations } from "../features/redrive/invocations";
import { queuesOf, redriveMessages } from "../features/redrive/messages";
import { mapConcurrently } from "../../functions/shared/resilience/concurrency";
import { ownValue } from "../../functions/shared/own-value";
import { describeDeadLetters, summary } from "../features/redrive/describe-dead-letters";
import { readDeadLetters } from "../features/redrive/dead-letters";
import {
  DocumentedCommand,
  EXIT,
  exitCodeOf,
  withEnvironment,
  type EnvironmentOptions,
  type JsonOption,
} from "../shared/terminal/command-line";
import { NotInEnvironmentError } from "../shared/feature-outputs";

export const command = () =>
  withEnvironment(
    new DocumentedCommand({
      description:
        "Sends a feature's dead letters back: events to their functions, messages to their queues. Fix the cause first: --list shows it. " +
        "Dead letters of one pipeline: npx almanac pipelines redrive <pipeline>.",
      examples: [
        "npx almanac redrive timers",
        "npx almanac redrive heartbeats --list",
        "npx almanac redrive heartbeats --env staging",
      ],
      exitCodes: { [EXIT.ok]: "no dead letter is left", [EXIT.failure]: "some are left, or the command failed" },
    }),
  )
    .argument("<feature>", "heartbeats, timers, exports, pipelines, workflows or schedules")
    .option("--list", "only show the dead letters, with the error that each ended with", false)
    .option("--json", "with --list: one JSON document on standard output", false)
    .action(exitCodeOf(run));

const outputsSchema = z.looseObject({ dead_letter_queue_url: z.string() });

interface Options extends EnvironmentOptions, JsonOption {
  readonly list: boolean;
}

async function run(feature: string, options: Options): Promise<number> {
  const { name, features, aws } = await findDeployed(options);
  const outputs = outputsSchema.safeParse(ownValue(features, feature));
  if (!outputs.success) {
    throw new NotInEnvironmentError(
      `${name} has no feature "${feature}" with dead letters. It has: ${Object.keys(features).join(", ")}`,
    );
  }
  const sqs = new SQSClient(aws);
  const queues = queuesOf(outputs.data);
  if (options.list) {
    const urls = [outputs.data.dead_letter_queue_url, ...queues.map(({ deadLetterQueueUrl }) => deadLetterQueueUrl)];
    const letters = (await mapConcurrently(urls, urls.length, (url) => readDeadLetters(url, sqs))).flat();
    console.log(options.json ? JSON.stringify(letters.map(summary), undefined, 2) : describeDeadLetters(letters));
    return EXIT.ok;
  }
  const tools = { sqs, now: Date.now, onProgress: console.log };
  const lambda = new LambdaClient(aws);
  const redriven = [await redriveInvocations(outputs.data.dead_letter_queue_url, { ...tools, lambda })];
  for (const queue of queues) redriven.push(await redriveMessages(queue, tools));
  const sent = redriven.reduce((sum, one) => sum + one.sent, 0);
  const left = redriven.reduce((sum, one) => sum + one.left, 0);
  console.log(`${feature}: ${sent} sent back${left === 0 ? "" : `, ${left} left`}.`);
  return left === 0 ? EXIT.ok : EXIT.failure;
}
