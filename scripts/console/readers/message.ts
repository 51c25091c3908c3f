/** One message of a pipeline, followed from the ingress to its row and to Slack. */
import { GetItemCommand, type AttributeValue } from "@aws-sdk/client-dynamodb";
import { ingestEnvironment, ROW_KEYS, type Pipeline } from "../../../functions/pipelines/contract";
import { notificationOf } from "../../../functions/pipelines/slack/notification";
import { composeMessage, type SlackBlock } from "../../../functions/pipelines/slack/slack-message";
import { parseLine, type LogEvent } from "../../features/logs/log-events";
import { isSetAside, notificationsOf, readWaiting } from "../../features/pipelines/notifications";
import { fieldsOf } from "../../shared/fields";
import { pipelineOf, type DeployedPipeline } from "../../shared/feature-outputs";
import type { JourneyStep, MessageView, Query, SlackBlockView, SlackView } from "../contract";
import type { LogTail } from "./log-tail";
import type { Environment, Source } from "./source";

type Item = Readonly<Record<string, AttributeValue>>;

/** @param query name: the pipeline's; key: the message's */
export async function readMessage(source: Source, tail: LogTail, { name = "", key = "" }: Query): Promise<MessageView> {
  const environment = await source.environment();
  const pipeline = pipelineOf(environment.name, name, environment);
  const [row, events] = await Promise.all([readRow(pipeline, key, environment), tail.read(environment)]);
  const receivedAt = row?.["receivedAt"]?.S ?? "";
  const notified = await readNotifications(pipeline, { key, receivedAt }, environment);
  const log = logged(events, name, key);
  const config = configurationOf(name, environment);
  const slack = row && config && slackOf({ row, name, config }, environment);
  return {
    pipeline: name,
    key,
    steps: [...beforeRow(row, log), ...afterRow({ row, log, notified, notifies: pipeline.slackParameter !== "" })],
    ...(row?.["data"]?.S !== undefined && { data: row["data"].S }),
    ...(row?.["version"]?.S !== undefined && { version: row["version"].S }),
    ...(slack !== undefined && pipeline.slackParameter !== "" && { slack }),
  };
}

async function readRow(
  { tableName: TableName }: DeployedPipeline,
  key: string,
  { dynamodb }: Environment,
): Promise<Item | undefined> {
  const Key = { [ROW_KEYS.partition]: { S: key } };
  return (await dynamodb.send(new GetItemCommand({ TableName, Key, ConsistentRead: true }))).Item;
}

type Notified = "waiting" | "set aside" | "none";

async function readNotifications(
  pipeline: DeployedPipeline,
  row: { readonly key: string; readonly receivedAt: string },
  environment: Environment,
): Promise<Notified> {
  const notifications = notificationsOf(pipeline, environment.dynamodb);
  if (notifications === undefined) return "none";
  if ((await readWaiting(notifications, row)).isWaiting) return "waiting";
  return (await isSetAside(notifications, row.key)) ? "set aside" : "none";
}

/** What the functions have logged about a message lately: the last of each. */
interface Logged {
  readonly accepted?: Entry;
  readonly ingested?: Entry;
  readonly queued?: Entry;
  readonly sent?: Entry;
}

interface Entry {
  readonly at: string;
  readonly detail: string;
}

function logged(events: readonly LogEvent[], pipeline: string, key: string): Logged {
  let found: Logged = {};
  let messageId = "";
  for (const { time, message } of events) {
    const fields = parseLine(message) ?? {};
    const at = new Date(time).toISOString();
    const isOwn = fields["pipeline"] === pipeline;
    const text = fields["message"];
    if (isOwn && text === "accepted" && fields["key"] === key) {
      messageId = textOf(fields["messageId"]);
      found = { accepted: { at, detail: `message ${messageId}, version ${textOf(fields["version"])}` } };
    } else if (isOwn && text === "ingested" && listOf(fields["messageIds"]).includes(messageId))
      found = { ...found, ingested: { at, detail: `in a batch of ${String(fields["messages"])}` } };
    else if (isOwn && text === "queueing notifications" && listOf(fields["keys"]).includes(key))
      found = { ...found, queued: { at, detail: "the change is in the queue of notifications" } };
    else if (text === "notifications sent" && found.queued !== undefined && found.sent === undefined)
      found = { ...found, sent: { at, detail: "Slack has accepted the message" } };
  }
  return found;
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function beforeRow(row: Item | undefined, { accepted, ingested }: Logged): readonly JourneyStep[] {
  const receivedAt = row?.["receivedAt"]?.S;
  const isStored = row !== undefined;
  const old = "before the log lines that the console has read";
  return [
    accepted !== undefined
      ? { name: "ingress", state: "done", ...accepted }
      : isStored
        ? {
            name: "ingress",
            state: "done",
            detail: `accepted, ${old}`,
            ...(receivedAt !== undefined && { at: receivedAt }),
          }
        : { name: "ingress", state: "unknown", detail: "no log line says that it was accepted lately" },
    ingested !== undefined
      ? { name: "queue", state: "done", ...ingested }
      : isStored
        ? { name: "queue", state: "done", detail: `processed, ${old}` }
        : { name: "queue", state: accepted === undefined ? "unknown" : "waiting", detail: "it was not processed yet" },
    isStored
      ? {
          name: "row",
          state: "done",
          detail: `version ${row["version"]?.S ?? ""}`,
          ...(receivedAt !== undefined && { at: receivedAt }),
        }
      : { name: "row", state: "none", detail: "there is no row with this key" },
  ];
}

interface AfterRow {
  readonly row: Item | undefined;
  readonly log: Logged;
  readonly notified: Notified;
  readonly notifies: boolean;
}

function afterRow({ row, log: { queued, sent }, notified, notifies }: AfterRow): readonly JourneyStep[] {
  if (!notifies) return [{ name: "Slack", state: "none", detail: "this pipeline does not notify" }];
  if (row?.["quiet"]?.BOOL === true)
    return [{ name: "Slack", state: "none", detail: "replayed without a notification" }];
  if (row === undefined) return [{ name: "Slack", state: "none", detail: "nothing to notify of" }];
  const notification: JourneyStep =
    queued === undefined
      ? { name: "notification", state: notified === "none" ? "unknown" : "done", detail: "queued" }
      : { name: "notification", state: "done", ...queued };
  if (notified === "waiting") return [notification, { name: "Slack", state: "waiting", detail: "it waits for Slack" }];
  if (notified === "set aside")
    return [notification, { name: "Slack", state: "failed", detail: "it cannot be read, and was set aside" }];
  return [
    notification,
    sent === undefined
      ? { name: "Slack", state: "done", detail: "no notification of it waits: it was delivered" }
      : { name: "Slack", state: "done", ...sent },
  ];
}

/** As the pipeline's own functions have it. */
function configurationOf(name: string, { resources }: Environment): Pipeline | undefined {
  for (const { type, values } of resources) {
    if (type !== "aws_lambda_function") continue;
    const [environment] = listOf(values["environment"]);
    const variables = fieldsOf(fieldsOf(environment)["variables"]);
    if (variables["PIPELINE_NAME"] !== name || variables["ARCHIVE_BUCKET"] === undefined) continue;
    const texts = Object.fromEntries(Object.entries(variables).map(([key, value]) => [key, String(value)]));
    return ingestEnvironment.parse(texts).PIPELINE_CONFIG;
  }
  return undefined;
}

interface NotifiedRow {
  readonly row: Item;
  readonly name: string;
  readonly config: Pipeline;
}

/** The message of a new row, as it would be sent alone: Slack has no API for what it shows. */
function slackOf({ row, name, config }: NotifiedRow, { app, name: environment }: Environment): SlackView | undefined {
  const notification = notificationOf(name, config, { before: undefined, after: row });
  if (notification === undefined) return undefined;
  const { message } = composeMessage([notification], `${app}-${environment}`);
  return { blocks: (message.blocks ?? []).map(blockOf) };
}

function blockOf(block: SlackBlock): SlackBlockView {
  switch (block.type) {
    case "header":
      return { type: "header", texts: [block.text.text] };
    case "context":
      return { type: "context", texts: block.elements.map(({ text }) => text) };
    case "section":
      return {
        type: "section",
        texts: block.text === undefined ? [] : [block.text.text],
        fields: (block.fields ?? []).map(({ text }) => text),
      };
  }
}
