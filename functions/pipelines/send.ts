/** The handler that sends queued notifications to Slack. */
import { randomUUID } from "node:crypto";

import { createDynamoDB } from "../shared/aws/clients/dynamodb";
import { createSsm } from "../shared/aws/clients/ssm";
import type { ParsedEnvironment } from "../shared/environment";
import { invocationHandler } from "../shared/handlers/invocation-handler";
import type { Services } from "../shared/handlers/services";
import { slackPost } from "../shared/slack";
import { MINUTE_MS } from "../shared/time";
import { sendEnvironment, sendRequestSchema } from "./contract";
import { notificationsTable, webhookLeases, webhookQueue, type NotificationsTable } from "./slack/notifications-table";
import { sendQueued } from "./slack/slack-sender";

/** Time to release the lease and to count overdue notifications before Lambda's timeout. */
const RESERVE_MS = 2_000;

const OVERDUE_MS = 5 * MINUTE_MS;

/**
 * Sends queued notifications to Slack: for one webhook, invoked by notify; for all webhooks, invoked by its schedule. Invocations may
 * run concurrently: a lease allows one at a time per webhook.
 */
export const handler = invocationHandler(sendEnvironment, { input: sendRequestSchema }, (services) => {
  const { environment, app, environmentName, clock, logger } = services;
  const dynamodb = createDynamoDB();
  const table = notificationsTable(dynamodb, environment.NOTIFICATIONS_TABLE, { clock, random: Math.random });
  const pipelines = environment.SLACK_PARAMETERS;
  const pipelinesOf = (webhook: string) =>
    pipelines.flatMap((each) => (each.webhook === webhook ? [each.pipeline] : []));
  const queue = webhookQueue(table, pipelinesOf);
  const leases = webhookLeases(dynamodb, environment.NOTIFICATIONS_TABLE);
  const post = slackPost(createSsm(), fetch, clock);

  const send = async (webhook: string, deadline: number): Promise<void> => {
    const { messages, notifications } = await sendQueued(webhook, deadline - RESERVE_MS, {
      queue,
      leases,
      post,
      clock,
      owner: randomUUID(),
      source: `${app}-${environmentName}`,
      onFailure: (outcome) => {
        logger.warn("Slack message not delivered", { webhook, ...outcome });
      },
      onSetAside: (unreadable) => {
        logger.error("notification set aside", { webhook, ...unreadable });
      },
    });
    if (messages > 0) logger.info("notifications sent", { webhook, messages, notifications });
  };

  return async ({ webhook }, { deadline }) => {
    // A webhook that the configuration no longer has is that of a notify function which is not updated yet: its pipeline has another one.
    const wanted = pipelines.filter((each) => webhook === undefined || each.webhook === webhook);
    const webhooks = new Set(wanted.flatMap((each) => (each.webhook === "" ? [] : [each.webhook])));
    const sent = await Promise.allSettled([...webhooks].map((each) => send(each, deadline)));
    const results = [...sent, ...(await Promise.allSettled(wanted.map((each) => countWaiting(each, table, services))))];
    const failures = results.flatMap((result) => (result.status === "rejected" ? [result.reason as unknown] : []));
    if (failures.length > 0) throw new AggregateError(failures, "some webhooks failed");
  };
});

type Environment = ParsedEnvironment<typeof sendEnvironment>;

/** Also of pipelines whose Slack was removed, which no sender reads. Never counts 0: CloudWatch charges a metric for each hour with data. */
async function countWaiting(
  { pipeline, webhook }: Environment["SLACK_PARAMETERS"][number],
  table: NotificationsTable,
  { clock, logger, metrics }: Services<Environment>,
): Promise<void> {
  const [[oldest], [setAside]] = await Promise.all([table.read(pipeline, 1), table.readSetAside(pipeline, 1)]);
  if (oldest !== undefined && clock.now() - Date.parse(oldest.position.slice(0, 24)) > OVERDUE_MS) {
    metrics.count("overdueNotifications", 1);
    if (webhook === "") logger.error("notifications of a pipeline without Slack", { pipeline });
  }
  if (setAside !== undefined) metrics.count("unreadableNotifications", 1);
}
