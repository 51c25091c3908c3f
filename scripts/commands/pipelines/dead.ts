/** `almanac pipelines dead ls|show|redrive <pipeline> [id]`: single dead letters of a pipeline. */
import { CloudWatchLogsClient } from "@aws-sdk/client-cloudwatch-logs";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { SQSClient } from "@aws-sdk/client-sqs";
import { Argument } from "commander";
import { findDeployed, type Deployed } from "../../environments/deployed";
import { logGroupsOf } from "../../features/logs/log-groups";
import { readRelated } from "../../features/logs/log-events";
import {
  describeLetter,
  describeList,
  errorsOf,
  listDeadLetters,
  type DeadLetter,
  type DeadLetterSources,
} from "../../features/pipelines/dead-letters";
import { notificationsOf } from "../../features/pipelines/notifications";
import { redriveTools } from "../../features/pipelines/redrive-tools";
import { redriveEdited, redrivePipeline } from "../../features/pipelines/redrive";
import {
  DocumentedCommand,
  EXIT,
  exitCodeOf,
  UsageError,
  withEnvironment,
  withJson,
  type EnvironmentOptions,
  type JsonOption,
} from "../../shared/terminal/command-line";
import { JSON_ARGUMENT, readJsonArgument } from "../../shared/terminal/json-argument";
import { pipelineOf, type DeployedPipeline } from "../../shared/feature-outputs";
import { ingressClient } from "../../shared/aws/ingress-client";

const ACTIONS = ["ls", "show", "redrive"] as const;
type Action = (typeof ACTIONS)[number];

export const command = () =>
  withEnvironment(
    withJson(
      new DocumentedCommand({
        description:
          "A pipeline's dead letters: messages and changes that failed, and notifications that cannot be read. ls lists them, show has one with its body and cause, redrive sends one back, edited if need be.",
        examples: [
          "npx almanac pipelines dead ls jobOrder --env staging",
          "npx almanac pipelines dead show jobOrder 5f1f0d5e-8d3b-4a53-9d5b-1f6b0a3f6f7e",
          "npx almanac pipelines dead redrive jobOrder 5f1f0d5e-8d3b-4a53-9d5b-1f6b0a3f6f7e --body order.json",
        ],
      }),
    ),
  )
    .addArgument(new Argument("<action>", "what to do").choices(ACTIONS))
    .argument("<pipeline>", "its name in main.ts: jobOrder")
    .argument("[id]", "of show and redrive: an id that ls lists")
    .option("--body <json>", `of redrive: the message to send in its place, through the ingress: ${JSON_ARGUMENT}`)
    .action(exitCodeOf(run));

interface Options extends EnvironmentOptions, JsonOption {
  readonly body?: string;
}

async function run(action: Action, name: string, id: string | undefined, options: Options): Promise<number> {
  if (action === "ls" && id !== undefined) throw new UsageError("ls lists all: show has one.");
  if (action !== "redrive" && options.body !== undefined) throw new UsageError("--body is only for redrive.");
  const deployed = await findDeployed(options);
  const pipeline = pipelineOf(deployed.name, name, deployed);
  const letters = await listDeadLetters(sourcesOf(pipeline, deployed));
  if (action === "ls") {
    console.log(options.json ? JSON.stringify(letters, undefined, 2) : describeList(letters));
    return EXIT.ok;
  }
  if (id === undefined) throw new UsageError(`Which one? npx almanac pipelines dead ${action} ${name} <id>`);
  const letter = letters.find((each) => each.id === id);
  if (letter === undefined) throw new UsageError(`${name} has no dead letter ${id}.`);
  if (action === "redrive") return redrive(letter, pipeline, deployed, await bodyIn(options));
  const logged = letter.kind === "message" ? await causesOf(letter, name, deployed) : [];
  console.log(options.json ? JSON.stringify({ ...letter, logged }, undefined, 2) : describeLetter(letter, logged));
  return EXIT.ok;
}

function sourcesOf(pipeline: DeployedPipeline, { aws }: Deployed): DeadLetterSources {
  return {
    sqs: new SQSClient(aws),
    deadLetterQueueUrl: pipeline.deadLetterQueueUrl,
    notifications: notificationsOf(pipeline, new DynamoDBClient(aws)),
  };
}

/** What the ingest function has logged about a message. */
async function causesOf({ id, since }: DeadLetter, name: string, { aws, state, name: environment }: Deployed) {
  const groups = logGroupsOf(environment, state).filter(({ feature }) => feature === "pipelines");
  const withPatterns = aws.endpoint === undefined;
  const events = await readRelated(new CloudWatchLogsClient(aws), groups, id, {
    from: Date.parse(since),
    withPatterns,
  });
  return errorsOf(events.filter(({ message }) => message.includes(id)).map(({ message }) => message));
}

async function bodyIn({ body }: Options): Promise<string | undefined> {
  return body === undefined ? undefined : readJsonArgument(body);
}

async function redrive(
  letter: DeadLetter,
  pipeline: DeployedPipeline,
  deployed: Deployed,
  body: string | undefined,
): Promise<number> {
  if (body !== undefined && letter.kind !== "message")
    throw new UsageError(`${letter.id} is no message: only messages can be edited.`);
  if (letter.kind === "notification") {
    const notifications = notificationsOf(pipeline, new DynamoDBClient(deployed.aws));
    await notifications?.table.restore({ pipeline: pipeline.name, position: letter.id });
    console.log(`${letter.id}: in the queue again`);
    return EXIT.ok;
  }
  const tools = { ...redriveTools(pipeline, deployed.aws), only: letter.id };
  const { sent, left } = await (body === undefined
    ? redrivePipeline(tools)
    : redriveEdited({ id: letter.id, body }, ingressClient(pipeline.endpoint, deployed.aws), tools));
  if (sent + left === 0) console.error(`${letter.id}: not there any more. Another redrive was faster, or has it now.`);
  return sent === 1 ? EXIT.ok : EXIT.failure;
}
