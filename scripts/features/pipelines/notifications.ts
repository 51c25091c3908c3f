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

/** More notifications than one Slack message has. */
const READ = 2_000;

/** Whether notifications of a row wait, and how many are in the pipeline's queue. */
export async function readWaiting(
  { pipeline, table }: Notifications<Pick<NotificationsTable, "read">>,
  row: Parameters<typeof isAbout>[1],
): Promise<{ readonly isWaiting: boolean; readonly queued: number }> {
  const queued = await table.read(pipeline, READ);
  const isWaiting = queued.some((item) => "notification" in item && isAbout(item.notification, row));
  return { isWaiting, queued: queued.length };
}

/** Whether a notification that names the key cannot be read, and was set aside. */
export async function isSetAside(
  { pipeline, table }: Notifications<Pick<NotificationsTable, "readSetAside">>,
  key: string,
): Promise<boolean> {
  const setAside = await table.readSetAside(pipeline, READ);
  return setAside.some(({ item }) => JSON.stringify(item).includes(JSON.stringify(key).slice(1, -1)));
}
