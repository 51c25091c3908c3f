/** `npm run channel -- <environment> send|replay|redrive <name>`: messages into a channel, again or for the first time. */
import { readFile } from "node:fs/promises";
import { text } from "node:stream/consumers";
import { DynamoDBStreamsClient } from "@aws-sdk/client-dynamodb-streams";
import { InvokeCommand, LambdaClient } from "@aws-sdk/client-lambda";
import { S3Client } from "@aws-sdk/client-s3";
import { SQSClient } from "@aws-sdk/client-sqs";
import { InvalidArgumentError } from "commander";
import { findDeployed, type Deployed, type DeployedOptions } from "../../environments/deployed";
import { DEFAULT_HOME } from "../../emulator/home";
import { describeError, EXIT, npmCommand } from "../../shared/command-line";
import { openDoor } from "../../shared/ingress-client";
import { channelOf } from "../../shared/feature-outputs";
import { sendAll, type Outgoing } from "../../features/pipelines/queue-sender";
import { redriveChannel, streamEvent, type LostChanges } from "../../features/pipelines/redrive";
import { replay } from "../../features/pipelines/replay";
import { readChanges } from "../../features/pipelines/stream-reader";

/** The operation cannot be what was asked for. */
class UsageError extends Error {
  override readonly name = "UsageError";
}

const OPERATIONS = ["send", "replay", "redrive"] as const;
type Operation = (typeof OPERATIONS)[number];

interface Options extends DeployedOptions {
  readonly from?: number;
  readonly to?: number;
  readonly into?: string;
}

const command = npmCommand("npm run channel --", "Sends messages into a channel: new ones, archived ones, failed ones.")
  .argument("<environment>", "as main.ts names it: staging")
  .argument(
    "<operation>",
    "\nsend: the JSON in a file, or on standard input (-), through the channel's door; of NDJSON each line" +
      "\nreplay: what the archive received from --from until --to" +
      "\nredrive: dead letters, back to where they failed. Mend the cause first",
    operationOf,
  )
  .argument("<name>", "the channel's: jobOrder")
  .argument("[file]", "for send: a file, or - for standard input", "-")
  .option("--from <time>", "for replay: ISO 8601, with Z or an offset", timeOf)
  .option("--to <time>", "for replay: not included (default: now)", timeOf)
  .option("--into <environment>", "for replay: where to (default: where the archive is)")
  .option("--app <file>", "the app that has the environment", "main.ts")
  .option("--home <folder>", "for local: the folder that was given to npm start", DEFAULT_HOME)
  .addHelpText("after", "\nExit code 0: all was sent; 1: something was not; 2: called wrongly.")
  .parse();

function operationOf(value: string): Operation {
  const operation = OPERATIONS.find((each) => each === value);
  if (operation === undefined) throw new InvalidArgumentError(`It is one of ${OPERATIONS.join(", ")}.`);
  return operation;
}

function timeOf(value: string): number {
  const time = /^\d{4}-\d\d-\d\dT[\d:.]+(Z|[+-]\d\d:\d\d)$/.test(value) ? Date.parse(value) : NaN;
  if (Number.isNaN(time)) throw new InvalidArgumentError("A time is written as 2026-11-21T07:00:00Z.");
  return time;
}

async function send(environment: string, name: string, file: string, deployed: Deployed): Promise<number> {
  const channel = channelOf(environment, name, deployed);
  const door = openDoor(channel.endpoint, deployed.aws);
  const bodies = messagesIn(file === "-" ? await text(process.stdin) : await readFile(file, "utf8"));
  let refused = 0;
  for (const [index, body] of bodies.entries()) {
    const { status, text: answer } = await door(body);
    if (status !== 202) refused += 1;
    console.log(`${index + 1}/${bodies.length}  ${status}  ${answer}`);
  }
  console.log(`${name}: ${bodies.length - refused} taken${refused === 0 ? "" : `, ${refused} refused`}.`);
  return refused === 0 ? EXIT.ok : EXIT.failure;
}

/** One message, or one a line where each line is one. */
function messagesIn(content: string): readonly string[] {
  const lines = content.split("\n").filter((line) => line.trim() !== "");
  const areWhole = lines.length > 1 && lines.every((line) => line.trim().startsWith("{") && line.trim().endsWith("}"));
  return areWhole ? lines : [content];
}

async function replayInto(environment: string, name: string, options: Options, deployed: Deployed): Promise<number> {
  const { from, to = Date.now(), into = environment } = options;
  if (from === undefined) throw new UsageError("replay needs --from: when the first messages were received");
  const source = channelOf(environment, name, deployed);
  const sameEnvironment = into === environment;
  const there = sameEnvironment ? deployed : await findDeployed(into, options);
  const target = channelOf(into, name, there);
  const sqs = new SQSClient(there.aws);
  const total = await replay({
    name,
    from,
    to,
    s3: new S3Client({ ...deployed.aws, forcePathStyle: deployed.aws.endpoint !== undefined }),
    bucket: source.archiveBucketName,
    sameEnvironment,
    send: (messages) => sendAll(sqs, target.queueUrl, messages),
    onProgress: ({ hour, messages, total: sofar }) => {
      console.log(`${hour}:00Z  ${messages} messages, ${sofar} in all`);
    },
  });
  console.log(`${name}: ${total} messages sent through ${into} again.`);
  return EXIT.ok;
}

async function redrive(environment: string, name: string, { features, aws }: Deployed): Promise<number> {
  const channel = channelOf(environment, name, { features });
  const sqs = new SQSClient(aws);
  const lambda = new LambdaClient(aws);
  const streams = new DynamoDBStreamsClient(aws);
  const tell = async (lost: LostChanges): Promise<void> => {
    const Payload = Buffer.from(JSON.stringify(streamEvent(await readChanges(streams, lost))));
    const answer = await lambda.send(new InvokeCommand({ FunctionName: channel.notifyFunctionName, Payload }));
    if (answer.FunctionError !== undefined) throw new Error(`${channel.notifyFunctionName} failed again: see its logs`);
  };
  const { sent, left } = await redriveChannel({
    sqs,
    deadLetterQueueUrl: channel.deadLetterQueueUrl,
    send: (message: Outgoing) => sendAll(sqs, channel.queueUrl, [message]),
    tell,
    now: Date.now,
    onProgress: console.log,
  });
  console.log(`${name}: ${sent} sent back${left === 0 ? "" : `, ${left} left`}.`);
  return left === 0 ? EXIT.ok : EXIT.failure;
}

async function main(): Promise<number> {
  const [environment, operation, name, file] = command.processedArgs as [string, Operation, string, string];
  const options = command.opts<Options>();
  const deployed = await findDeployed(environment, options);
  switch (operation) {
    case "send":
      return send(environment, name, file, deployed);
    case "replay":
      return replayInto(environment, name, options, deployed);
    case "redrive":
      return redrive(environment, name, deployed);
  }
}

main().then(
  (code) => {
    process.exitCode = code;
  },
  (error: unknown) => {
    console.error(`npm run channel: ${describeError(error)}`);
    process.exitCode = error instanceof UsageError ? EXIT.badUsage : EXIT.failure;
  },
);
