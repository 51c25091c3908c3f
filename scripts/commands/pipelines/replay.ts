/** `almanac pipelines replay <pipeline>`: sends archived messages through a pipeline again. */
import { SQSClient } from "@aws-sdk/client-sqs";
import { InvalidArgumentError } from "commander";
import { findDeployed } from "../../environments/deployed";
import { sendAll } from "../../features/pipelines/queue-sender";
import { replay } from "../../features/pipelines/replay";
import {
  DocumentedCommand,
  EXIT,
  exitCodeOf,
  UsageError,
  withEnvironment,
  type EnvironmentOptions,
} from "../../shared/terminal/command-line";
import { parseTime } from "../../shared/terminal/time";
import { pipelineOf } from "../../shared/feature-outputs";
import { createS3Client } from "../../shared/aws/s3-client";

interface Options extends EnvironmentOptions {
  readonly from: number;
  readonly to?: number;
  readonly into?: string;
  readonly quiet: boolean;
}

export const command = () =>
  withEnvironment(
    new DocumentedCommand({
      description:
        "Sends the messages that a pipeline received in a period, from the archive, through the pipeline again. After an error it says from when to continue.",
      examples: [
        "npx almanac pipelines replay jobOrder --from 2026-11-20T00:00:00Z",
        "npx almanac pipelines replay jobOrder --env production --from 2026-11-20T00:00:00Z --to 2026-11-21T00:00:00Z --into staging",
      ],
    }),
  )
    .argument("<pipeline>", "its name in main.ts: jobOrder")
    .requiredOption("--from <time>", "received at or after: ISO 8601, with Z or an offset", timeOf)
    .option("--to <time>", "received before (default: now)", timeOf)
    .option("--into <environment>", "where to send them (default: the environment of the archive)")
    .option("--quiet", "send no notifications for the rows that change", false)
    .action(exitCodeOf(run));

function timeOf(value: string): number {
  const time = parseTime(value);
  if (time === undefined) throw new InvalidArgumentError("Expected a time such as 2026-11-21T07:00:00Z.");
  return time;
}

async function run(name: string, options: Options): Promise<number> {
  const { from, into, quiet } = options;
  const source = await findDeployed(options);
  const { to = Date.now() } = options;
  if (from >= to) throw new UsageError("--from: is not before --to, or not before now");
  const sameEnvironment = into === undefined || into === source.name;
  const target = sameEnvironment ? source : await findDeployed({ ...options, env: into });
  const { queueUrl } = pipelineOf(target.name, name, target);
  const sqs = new SQSClient(target.aws);
  const total = await replay({
    name,
    from,
    to,
    s3: createS3Client(source.aws),
    bucket: pipelineOf(source.name, name, source).archiveBucketName,
    sameEnvironment,
    quiet,
    send: (messages) => sendAll(sqs, queueUrl, messages),
    onProgress: ({ hour, messages, total: sofar }) => {
      console.log(`${hour}:00Z  ${messages} messages, ${sofar} in all`);
    },
  });
  console.log(`${name}: ${total} messages sent through ${target.name} again.`);
  return EXIT.ok;
}
