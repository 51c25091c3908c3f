/** Notifiers for SNS and Slack. */
import { PublishCommand, type SNSClient } from "@aws-sdk/client-sns";
import type { SSMClient } from "@aws-sdk/client-ssm";

import { escapeForSlack, slackPost } from "../../shared/slack";
import { SECOND_MS } from "../../shared/time";
import { MessageRejectedError, type Notifier } from "./deliver";

class NotDeliveredError extends Error {
  override readonly name = "NotDeliveredError";
}

/** SNS, and Slack where its webhook parameter is set. */
export function createNotifiers(
  sns: SNSClient,
  topicArn: string,
  ssm: SSMClient,
  webhookParameter: string | undefined,
): readonly Notifier[] {
  const slack = webhookParameter === undefined ? [] : [slackNotifier(slackPost(ssm), webhookParameter)];
  return [snsNotifier(sns, topicArn), ...slack];
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
      const outcome = await post(parameter, { text: `*${escapeForSlack(title)}*\n${escapeForSlack(text)}` });
      if (outcome.kind === "rateLimited")
        throw new NotDeliveredError(`Slack rate limit: retry after ${outcome.retryAfterMs / SECOND_MS} s`);
      if (outcome.kind === "rejected") throw new MessageRejectedError(outcome.reason);
      if (outcome.kind !== "accepted") throw new NotDeliveredError(outcome.reason);
    },
  };
}
