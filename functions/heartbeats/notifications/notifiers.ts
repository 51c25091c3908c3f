/** The ways to people: the environment's SNS topic, and Slack. */
import { PublishCommand, type SNSClient } from "@aws-sdk/client-sns";

import { escapedForSlack, type slackPost } from "../../shared/slack";
import type { Notifier } from "./deliver";

/** An announcement did not arrive. */
export class NotDeliveredError extends Error {
  override readonly name = "NotTakenError";
}

export function snsNotifier(sns: SNSClient, topic: string): Notifier {
  return {
    name: "topic",
    send: async ({ id, title, text }) => {
      const Message = `${text}\n\nNotification ${id}`;
      const MessageAttributes = { id: { DataType: "String", StringValue: id } };
      await sns.send(new PublishCommand({ TopicArn: topic, Subject: title, Message, MessageAttributes }));
    },
  };
}

/** @param parameter the SSM parameter (SecureString) that holds the webhook's URL */
export function slackNotifier(post: ReturnType<typeof slackPost>, parameter: string): Notifier {
  return {
    name: "slack",
    send: async ({ title, text }) => {
      const outcome = await post(parameter, { text: `*${escapedForSlack(title)}*\n${escapedForSlack(text)}` });
      if (outcome.kind === "limited")
        throw new NotDeliveredError(`Slack wants a rest of ${outcome.retryAfterMs / 1_000} s first`);
      if (outcome.kind !== "taken") throw new NotDeliveredError(outcome.reason);
    },
  };
}
