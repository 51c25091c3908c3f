import { SNSClient, PublishCommand } from "@aws-sdk/client-sns";
import { mockClient } from "aws-sdk-client-mock";

import { slackNotifier, snsNotifier } from "../../../../functions/heartbeats/notifications/notifiers";
import type { PostOutcome } from "../../../../functions/shared/slack";

const announcement = { id: "site.opened", title: "[almanac test] DOWN: site", text: "site: <status> 500 & more" };

describe("the topic", () => {
  it("gets a subject, a text and an id that stays the same", async () => {
    const sns = mockClient(SNSClient);
    sns.on(PublishCommand).resolves({});
    await snsNotifier(new SNSClient({}), "arn:topic").send(announcement);
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

describe("Slack", () => {
  const slack = (outcome: PostOutcome) => {
    const post = jest.fn(() => Promise.resolve(outcome));
    return { post, channel: slackNotifier(post, "/almanac/slack/webhook") };
  };

  it("is told title and text, of which nothing is a link or a mention", async () => {
    const { post, channel } = slack({ kind: "taken" });
    await channel.send(announcement);
    expect(post.mock.calls).toEqual([
      ["/almanac/slack/webhook", { text: "*[almanac test] DOWN: site*\nsite: &lt;status&gt; 500 &amp; more" }],
    ]);
  });

  it.each<[PostOutcome, string]>([
    [{ kind: "limited", retryAfterMs: 30_000 }, "Slack wants a rest of 30 s first"],
    [{ kind: "refused", reason: "Slack answered 400: no_text" }, "Slack answered 400: no_text"],
    [{ kind: "failed", reason: "Slack cannot be reached (ECONNREFUSED)" }, "Slack cannot be reached (ECONNREFUSED)"],
  ])("that did not take it is told again: %j", async (outcome, message) => {
    const { channel } = slack(outcome);
    await expect(channel.send(announcement)).rejects.toMatchObject({ name: "NotTakenError", message });
  });
});
