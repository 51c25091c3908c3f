import { randomUUID } from "node:crypto";

import { createDynamoDB } from "../shared/aws/clients/dynamodb";
import { createSsm } from "../shared/aws/clients/ssm";
import { invocationHandler } from "../shared/handlers/invocation-handler";
import { slackPost } from "../shared/slack";
import { MINUTE_MS } from "../shared/time";
import { drainRequestSchema, drainEnvironment } from "./contract";
import { drainWebhook } from "./slack/slack-sender";
import { noticesTable, turnsTable } from "./slack/notifications-table";

/** Time kept back from Lambda's own limit. */
const CLOSING_MS = 2_000;

/** A notice that has waited so long is one that people should hear of in another way. */
const OVERDUE_MS = 5 * MINUTE_MS;

/**
 * Tells Slack what waits: for one webhook, called by whoever has put something there; for all, called by its schedule. Any number of
 * it may run: one at a time has a webhook's turn.
 */
export const handler = invocationHandler(drainEnvironment, { input: drainRequestSchema }, (services) => {
  const { environment, app, environmentName, clock, logger, metrics } = services;
  const dynamodb = createDynamoDB();
  const outbox = noticesTable(dynamodb, environment.NOTICES_TABLE, { clock, random: Math.random });
  const turns = turnsTable(dynamodb, environment.NOTICES_TABLE);
  const post = slackPost(createSsm());

  const drain = async (webhook: string, deadline: number): Promise<void> => {
    const { messages, notices } = await drainWebhook(webhook, deadline - CLOSING_MS, {
      outbox,
      turns,
      post,
      clock,
      owner: randomUUID(),
      place: `${app}-${environmentName}`,
      onFailure: (_, outcome) => {
        logger.warn("Slack did not take a message", { webhook, ...outcome });
      },
    });
    const [oldest] = await outbox.read(webhook, 1);
    if (messages > 0) logger.info("told", { webhook, messages, notices });
    // Counted only when there is something to count: a metric costs by the hours in which it is there.
    if (oldest !== undefined && clock.now() - Date.parse(oldest.place.slice(0, 24)) > OVERDUE_MS)
      metrics.count("overdueNotices", 1);
  };

  return async ({ webhook }, { deadline }) => {
    const webhooks = webhook === undefined ? environment.SLACK_PARAMETERS : [webhook];
    const ended = await Promise.allSettled(webhooks.map((each) => drain(each, deadline)));
    const failures = ended.flatMap((each) => (each.status === "rejected" ? [each.reason as unknown] : []));
    if (failures.length > 0) throw new AggregateError(failures, "not all webhooks were drained");
  };
});
