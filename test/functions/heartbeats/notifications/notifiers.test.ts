import { SNSClient, PublishCommand } from "@aws-sdk/client-sns";
import { mockClient } from "aws-sdk-client-mock";

import { slackNotifier, snsNotifier } from "../../../../functions/heartbeats/notifications/notifiers";
import type { PostOutcome } from "../../../../functions/shared/slack";

const message = {
  id: "site.opened",
  title: "[almanac test] DOWN: site",
  text: "site: <status> 500 & more",
  parts: [],
  details: [],
  links: {},
};
const { signal } = new AbortController();

describe("the SNS notifier", () => {
  it("publishes a subject, a text and the notification id", async () => {
    const sns = mockClient(SNSClient);
    sns.on(PublishCommand).resolves({});
    await snsNotifier(new SNSClient({}), "arn:topic").send(message, signal);
    expect(sns.commandCalls(PublishCommand).map(({ args }) => args[0].input)).toEqual([
      {
        TopicArn: "arn:topic",
        Subject: "[almanac test] DOWN: site",
        Message: "site: <status> 500 & more\n\nNotification site.opened",
        MessageAttributes: { id: { DataType: "String", StringValue: "site.opened" } },
      },
    ]);
  });
});

describe("the Slack notifier", () => {
  const slack = (outcome: PostOutcome) => {
    const post = jest.fn(() => Promise.resolve(outcome));
    return { post, notifier: slackNotifier(post, "/almanac/slack/webhook") };
  };

  it("posts title and text without links or mentions", async () => {
    const { post, notifier } = slack({ kind: "accepted" });
    await notifier.send(message, signal);
    expect(JSON.parse(JSON.stringify(post.mock.calls))).toEqual([
      [
        "/almanac/slack/webhook",
        { text: "[almanac test] DOWN: site\nsite: &lt;status&gt; 500 &amp; more", mrkdwn: false },
      ],
    ]);
  });

  it.each<[PostOutcome, string, string]>([
    [{ kind: "rateLimited", retryAfterMs: 30_000 }, "NotDeliveredError", "Slack rate limit: retry after 30 s"],
    [
      { kind: "rejected", reason: "Slack answered 400: no_text" },
      "MessageRejectedError",
      "Slack answered 400: no_text",
    ],
    [{ kind: "failed", reason: "no response (ECONNREFUSED)" }, "NotDeliveredError", "no response (ECONNREFUSED)"],
  ])("fails unless Slack accepts the message: %j", async (outcome, name, reason) => {
    const { notifier } = slack(outcome);
    await expect(notifier.send(message, signal)).rejects.toMatchObject({ name, message: reason });
  });
});
