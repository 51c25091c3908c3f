/** `almanac pipelines tail <pipeline> <key>`: follows a message to its row and to Slack. */
import { setTimeout as sleep } from "node:timers/promises";
import { DynamoDBClient, GetItemCommand } from "@aws-sdk/client-dynamodb";
import { ROW_KEYS } from "../../../functions/pipelines/contract";
import { SECOND_MS } from "../../../functions/shared/time";
import { findDeployed } from "../../environments/deployed";
import { followMessage, type Followed, type FollowedRow } from "../../features/pipelines/follow";
import { notificationsOf } from "../../features/pipelines/notifications";
import {
  DocumentedCommand,
  EXIT,
  exitCodeOf,
  wholeNumber,
  withEnvironment,
  type EnvironmentOptions,
  notEmpty,
} from "../../shared/terminal/command-line";
import { pipelineOf } from "../../shared/feature-outputs";

interface Options extends EnvironmentOptions {
  readonly timeout: number;
  readonly messageVersion?: string;
}

const DEFAULT_TIMEOUT_SECONDS = 60;

export const command = () =>
  withEnvironment(
    new DocumentedCommand({
      description: "Follows a message, by its key, to its row and from there to Slack.",
      examples: [
        "npx almanac pipelines tail jobOrder 17",
        "npx almanac pipelines tail jobOrder 17 --message-version 2",
      ],
      exitCodes: { [EXIT.ok]: "it has arrived", [EXIT.failure]: "it has not, or the command failed" },
    }),
  )
    .argument("<pipeline>", "its name in main.ts: jobOrder")
    .argument("<key>", "the message's key", notEmpty)
    .option("--message-version <version>", "wait for this version of it (default: any)")
    .option("--timeout <seconds>", "how long to wait", wholeNumber(1), DEFAULT_TIMEOUT_SECONDS)
    .action(exitCodeOf(run));

const OUTCOMES: Readonly<Record<Followed, string>> = {
  stored: "It is stored, without a notification.",
  delivered: "Slack: no notification of it waits. It was delivered, or the row did not change.",
  "set aside": "Slack: its notification cannot be read. See: npx almanac pipelines dead ls",
  "another version":
    "The row has another version. An older message changes nothing. See: npx almanac pipelines dead ls",
  "no row": "There is no row yet. See: npx almanac pipelines dead ls",
  "waiting for Slack": "Slack: the notification still waits. See: npx almanac pipelines test",
};

async function run(name: string, key: string, options: Options): Promise<number> {
  const deployed = await findDeployed(options);
  const pipeline = pipelineOf(deployed.name, name, deployed);
  const dynamodb = new DynamoDBClient(deployed.aws);
  const followed = await followMessage(
    {
      key,
      timeoutMs: options.timeout * SECOND_MS,
      ...(options.messageVersion !== undefined && { version: options.messageVersion }),
    },
    {
      readRow: (rowKey) => readRow(dynamodb, pipeline.tableName, rowKey),
      notifications: notificationsOf(pipeline, dynamodb),
      onStep: console.log,
      now: Date.now,
      sleep,
    },
  );
  console.log(OUTCOMES[followed]);
  return followed === "stored" || followed === "delivered" ? EXIT.ok : EXIT.failure;
}

async function readRow(dynamodb: DynamoDBClient, TableName: string, key: string): Promise<FollowedRow | undefined> {
  const Key = { [ROW_KEYS.partition]: { S: key } };
  const { Item } = await dynamodb.send(new GetItemCommand({ TableName, Key, ConsistentRead: true }));
  if (Item === undefined) return undefined;
  const { version, receivedAt, quiet } = Item;
  return { version: version?.S ?? "", receivedAt: receivedAt?.S ?? "", quiet: quiet?.BOOL === true };
}
