/** Pipelines: their queues, latest messages and dead letters. */
import { QueryCommand, type AttributeValue } from "@aws-sdk/client-dynamodb";
import { INDEXES, ROW_KEYS } from "../../../functions/pipelines/contract";
import { visibleJson } from "../../../functions/shared/text";
import { DAY_MS } from "../../../functions/shared/time";
import { names, parseLine, type LogEvent } from "../../features/logs/log-events";
import { errorsOf, listDeadLetters } from "../../features/pipelines/dead-letters";
import { notificationsOf } from "../../features/pipelines/notifications";
import { parseJson } from "../../shared/fields";
import { outputsOf, pipelineOf, type DeployedPipeline } from "../../shared/feature-outputs";
import type { DeadLetterView, MessageSummary, PipelinesView, PipelineSummary, PipelineView, Query } from "../contract";
import type { LogTail } from "./log-tail";
import { depthOf } from "./queues";
import type { Environment, Source } from "./source";

const MESSAGES_SHOWN = 100;

/** For a count. */
const NOTIFICATIONS_READ = 1_000;

export async function readPipelines(source: Source): Promise<PipelinesView> {
  const environment = await source.environment();
  const { pipelines } = outputsOf("pipelines", environment);
  return {
    pipelines: await Promise.all(
      Object.keys(pipelines).map((name) => summaryOf(pipelineOf(environment.name, name, environment), environment)),
    ),
  };
}

async function summaryOf(pipeline: DeployedPipeline, environment: Environment): Promise<PipelineSummary> {
  const { name, endpoint, webhookUrl, slackParameter: slack, queueUrl, deadLetterQueueUrl } = pipeline;
  const notifications = notificationsOf(pipeline, environment.dynamodb);
  const [queued, deadLetters, waiting] = await Promise.all([
    depthOf(queueUrl, environment.sqs),
    depthOf(deadLetterQueueUrl, environment.sqs),
    notifications?.table.read(name, NOTIFICATIONS_READ) ?? [],
  ]);
  return { name, endpoint, webhookUrl, slack, queued, deadLetters, waiting: waiting.length };
}

/** @param query name: the pipeline's; tab: `dead` reads the dead letters, too */
export async function readPipeline(source: Source, tail: LogTail, { name = "", tab }: Query): Promise<PipelineView> {
  const environment = await source.environment();
  const pipeline = pipelineOf(environment.name, name, environment);
  const [summary, messages, deadLetters] = await Promise.all([
    summaryOf(pipeline, environment),
    readMessages(pipeline, environment, source.now()),
    tab === "dead" ? readDeadLetters(pipeline, environment, tail) : undefined,
  ]);
  return { pipeline: summary, messages, ...(deadLetters !== undefined && { deadLetters }) };
}

async function readMessages(
  { tableName }: DeployedPipeline,
  { dynamodb }: Environment,
  now: number,
): Promise<readonly MessageSummary[]> {
  const found: MessageSummary[] = [];
  for (const time of [now, now - DAY_MS]) {
    const { Items = [] } = await dynamodb.send(
      new QueryCommand({
        TableName: tableName,
        IndexName: INDEXES.byDay,
        KeyConditionExpression: "#day = :day",
        ExpressionAttributeNames: { "#day": ROW_KEYS.day },
        ExpressionAttributeValues: { ":day": { S: new Date(time).toISOString().slice(0, 10) } },
        ScanIndexForward: false,
        Limit: MESSAGES_SHOWN - found.length,
      }),
    );
    found.push(...Items.map(messageOf));
    if (found.length >= MESSAGES_SHOWN) break;
  }
  return found;
}

function messageOf(item: Readonly<Record<string, AttributeValue>>): MessageSummary {
  const { key, version, receivedAt, summary } = item;
  const values = Object.entries(summary?.M ?? {}).map(([label, value]) => [label, value.S ?? ""] as const);
  return {
    key: key?.S ?? "",
    version: version?.S ?? "",
    receivedAt: receivedAt?.S ?? "",
    summary: Object.fromEntries(values),
  };
}

async function readDeadLetters(
  pipeline: DeployedPipeline,
  environment: Environment,
  tail: LogTail,
): Promise<readonly DeadLetterView[]> {
  const { deadLetterQueueUrl } = pipeline;
  const notifications = notificationsOf(pipeline, environment.dynamodb);
  const [letters, events] = await Promise.all([
    listDeadLetters({ sqs: environment.sqs, deadLetterQueueUrl, notifications }),
    tail.read(environment),
  ]);
  return letters.map(({ id, kind, since, cause, body }) => ({
    id,
    kind,
    since,
    causes: [...new Set([...(cause === undefined ? [] : [cause]), ...errorsOf(linesAbout(events, id))])],
    // It is where an edited message begins.
    body: parseJson(body) === undefined ? body : visibleJson(body),
  }));
}

function linesAbout(events: readonly LogEvent[], id: string): readonly string[] {
  return events
    .filter(({ message }) => parseLine(message) !== undefined && names(message, id))
    .map(({ message }) => message);
}
