/** A pipeline's notifications, as they wait for Slack. */
import type { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { isAbout } from "../../../functions/pipelines/slack/notification";
import { notificationsTable, type NotificationsTable } from "../../../functions/pipelines/slack/notifications-table";
import { systemClock } from "../../../functions/shared/clock";
import type { DeployedPipeline } from "../../shared/feature-outputs";

/** The queue of a pipeline, and the webhook to which it is sent. */
export interface Notifications<Table = NotificationsTable> {
  readonly pipeline: string;
  /** The name of the parameter with its URL. Empty: Slack was removed from the pipeline. */
  readonly webhook: string;
  readonly table: Table;
}

/** Undefined: no pipeline of the environment notifies. */
export function notificationsOf(
  { name: pipeline, slackParameter: webhook, notificationsTableName }: DeployedPipeline,
  dynamodb: DynamoDBClient,
): Notifications | undefined {
  if (notificationsTableName === "") return undefined;
  const ports = { clock: systemClock, random: Math.random };
  return { pipeline, webhook, table: notificationsTable(dynamodb, notificationsTableName, ports) };
}

/** Of the front of a queue. */
const READ = 2_000;

/** Whether notifications of a row wait, or may wait behind those that are read; and how many of them are read. */
export async function readWaiting(
  { pipeline, table }: Notifications<Pick<NotificationsTable, "read">>,
  row: Parameters<typeof isAbout>[1],
): Promise<{ readonly isWaiting: boolean; readonly queued: number }> {
  const queued = await table.read(pipeline, READ);
  const isWaiting = queued.some((item) => "notification" in item && isAbout(item.notification, row));
  return { isWaiting: isWaiting || queued.length >= READ, queued: queued.length };
}

/** Whether a notification that names the key cannot be read, and was set aside. */
export async function isSetAside(
  { pipeline, table }: Notifications<Pick<NotificationsTable, "readSetAside">>,
  key: string,
): Promise<boolean> {
  const setAside = await table.readSetAside(pipeline, READ);
  // As a JSON string: 17 is a part of many a position.
  return setAside.some(({ item }) => (item["notification"]?.S ?? "").includes(JSON.stringify(key)));
}
