/** The ways to people: the environment's SNS topic, and Slack. */
import { PublishCommand, type SNSClient } from "@aws-sdk/client-sns";

import { escapedForSlack, type slackPost } from "../../shared/slack";
import type { Channel } from "./deliver";

/** An announcement did not arrive. */
export class NotTakenError extends Error {
  override readonly name = "NotTakenError";
}

export function topicChannel(sns: SNSClient, topic: string): Channel {
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
export function slackChannel(post: ReturnType<typeof slackPost>, parameter: string): Channel {
  return {
    name: "slack",
    send: async ({ title, text }) => {
      const outcome = await post(parameter, { text: `*${escapedForSlack(title)}*\n${escapedForSlack(text)}` });
      if (outcome.kind === "limited")
        throw new NotTakenError(`Slack wants a rest of ${outcome.retryAfterMs / 1_000} s first`);
      if (outcome.kind !== "taken") throw new NotTakenError(outcome.reason);
    },
  };
}
