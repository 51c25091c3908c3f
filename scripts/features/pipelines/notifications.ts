/** A pipeline's notifications, as they wait for Slack. */
import type { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { notificationQueue, type NotificationsTable } from "../../../functions/pipelines/slack/notifications-table";
import { systemClock } from "../../../functions/shared/clock";
import type { DeployedPipeline } from "../../shared/feature-outputs";

/** The queue of a webhook, which several pipelines may share. */
export interface Notifications<Table = NotificationsTable> {
  /** The name of the parameter with its URL. */
  readonly webhook: string;
  readonly table: Table;
}

/** Undefined: the pipeline does not notify. */
export function notificationsOf(
  { slackParameter: webhook, notificationsTableName }: DeployedPipeline,
  dynamodb: DynamoDBClient,
): Notifications | undefined {
  if (webhook === "") return undefined;
  const ports = { clock: systemClock, random: Math.random };
  return { webhook, table: notificationQueue(dynamodb, notificationsTableName, ports) };
}

/** More notifications than one Slack message has. */
const READ = 2_000;

/** Whether notifications of a message wait, and how many of all are in the queue. */
export async function readWaiting(
  { webhook, table }: Notifications<Pick<NotificationsTable, "read">>,
  pipeline: string,
  key: string,
): Promise<{ readonly isWaiting: boolean; readonly queued: number }> {
  const queued = await table.read(webhook, READ);
  const isWaiting = queued.some(
    (item) => "notification" in item && item.notification.pipeline === pipeline && item.notification.key === key,
  );
  return { isWaiting, queued: queued.length };
}

/** Whether a notification that names the key cannot be read, and was set aside. */
export async function isSetAside(
  { webhook, table }: Notifications<Pick<NotificationsTable, "readSetAside">>,
  key: string,
): Promise<boolean> {
  const setAside = await table.readSetAside(webhook, READ);
  return setAside.some(({ item }) => JSON.stringify(item).includes(JSON.stringify(key).slice(1, -1)));
}
