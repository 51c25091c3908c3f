/** Notifiers for SNS, Slack and webhooks. */
import { PublishCommand, type SNSClient } from "@aws-sdk/client-sns";
import type { SSMClient } from "@aws-sdk/client-ssm";

import type { Clock } from "../../shared/clock";
import { slackPost, slackText } from "../../shared/slack";
import { SECOND_MS } from "../../shared/time";
import { secretReader } from "../probe/secret-reader";
import { MessageRejectedError, type Notifier } from "./deliver";
import { webhookNotifier } from "./webhook-notifier";

/** Less than the shortest interval, so that each run reads a changed secret. */
const SECRET_CACHE_SECONDS = 50;

class NotDeliveredError extends Error {
  override readonly name = "NotDeliveredError";
}

/** Of the checker's environment. */
export interface NotifierSettings {
  readonly NOTIFICATION_TOPIC: string;
  readonly SLACK_WEBHOOK_PARAMETER?: string | undefined;
  readonly WEBHOOK_URL?: string | undefined;
  readonly WEBHOOK_SECRET_PARAMETER?: string | undefined;
}

/** SNS, and Slack and a webhook where they are configured. */
export function createNotifiers(
  { NOTIFICATION_TOPIC, SLACK_WEBHOOK_PARAMETER: slack, WEBHOOK_URL: url, ...settings }: NotifierSettings,
  { sns, ssm, clock }: { readonly sns: SNSClient; readonly ssm: SSMClient; readonly clock: Clock },
): readonly Notifier[] {
  const { WEBHOOK_SECRET_PARAMETER: parameter } = settings;
  const readSecret = secretReader(ssm, SECRET_CACHE_SECONDS, clock);
  return [
    snsNotifier(sns, NOTIFICATION_TOPIC),
    ...(slack === undefined ? [] : [slackNotifier(slackPost(ssm), slack)]),
    ...(url === undefined || parameter === undefined ? [] : [webhookNotifier({ url, parameter, readSecret, clock })]),
  ];
}

export function snsNotifier(sns: SNSClient, topicArn: string): Notifier {
  return {
    name: "sns",
    send: async ({ id, title, text }, abortSignal) => {
      const Message = `${text}\n\nNotification ${id}`;
      const MessageAttributes = { id: { DataType: "String", StringValue: id } };
      const command = new PublishCommand({ TopicArn: topicArn, Subject: title, Message, MessageAttributes });
      await sns.send(command, { abortSignal });
    },
  };
}

/** @param parameter the SSM parameter (SecureString) with the webhook's URL */
export function slackNotifier(post: ReturnType<typeof slackPost>, parameter: string): Notifier {
  return {
    name: "slack",
    send: async ({ title, text }) => {
      const outcome = await post(parameter, { text: slackText`${title}\n${text}`, mrkdwn: false });
      if (outcome.kind === "rateLimited")
        throw new NotDeliveredError(`Slack rate limit: retry after ${outcome.retryAfterMs / SECOND_MS} s`);
      if (outcome.kind === "rejected") throw new MessageRejectedError(outcome.reason);
      if (outcome.kind !== "accepted") throw new NotDeliveredError(outcome.reason);
    },
  };
}
