/** The ways to people: the environment's SNS topic, and Slack. */
import { PublishCommand, type SNSClient } from "@aws-sdk/client-sns";
import { GetParameterCommand, type SSMClient } from "@aws-sdk/client-ssm";

import { errorCode, errorName } from "../shared/errors";
import type { Channel } from "./tell";

const SLACK_TIMEOUT_MS = 5_000;

/** An announcement did not arrive. Its message never holds a webhook's URL, which is a credential. */
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

/**
 * Slack, by an incoming webhook whose URL is in an SSM parameter (SecureString). The URL is read when the first announcement is
 * sent, and again after one that Slack did not take: it may have been changed.
 */
export function slackChannel(ssm: SSMClient, parameter: string, post: typeof fetch = fetch): Channel {
  let webhook: Promise<string> | undefined;
  return {
    name: "slack",
    send: async ({ title, text }) => {
      try {
        webhook ??= readWebhook(ssm, parameter);
        await postTo(await webhook, `*${title}*\n${text}`, post);
      } catch (error) {
        webhook = undefined;
        throw error;
      }
    },
  };
}

async function readWebhook(ssm: SSMClient, parameter: string): Promise<string> {
  const { Parameter } = await ssm.send(new GetParameterCommand({ Name: parameter, WithDecryption: true }));
  const url = Parameter?.Value ?? "";
  if (URL.canParse(url) && new URL(url).protocol === "https:") return url;
  throw new NotTakenError(`the parameter ${parameter} does not hold an https URL`);
}

/** Errors of fetch are told by their code alone: they may hold the URL. */
async function postTo(url: string, text: string, post: typeof fetch): Promise<void> {
  const request = {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ text: escapedForSlack(text) }),
    signal: AbortSignal.timeout(SLACK_TIMEOUT_MS),
  };
  const response = await post(url, request).catch((error: unknown) => {
    const cause: unknown = error instanceof Error ? error.cause : undefined;
    throw new NotTakenError(`Slack cannot be reached (${errorCode(cause) ?? errorName(error)})`);
  });
  await response.body?.cancel();
  if (!response.ok) throw new NotTakenError(`Slack answered ${response.status}`);
}

/** What is a link or a mention to Slack begins with one of these. */
function escapedForSlack(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
