import { SNSClient, PublishCommand } from "@aws-sdk/client-sns";
import { GetParameterCommand, SSMClient } from "@aws-sdk/client-ssm";
import { mockClient } from "aws-sdk-client-mock";

import { slackChannel, topicChannel } from "../../../functions/heartbeats/channels";

const announcement = { id: "site.opened", title: "[almanac test] DOWN: site", text: "site: <status> 500 & more" };
const WEBHOOK = "https://hooks.slack.test/services/T0/B0/secret";

describe("the topic", () => {
  it("gets a subject, a text and an id that stays the same", async () => {
    const sns = mockClient(SNSClient);
    sns.on(PublishCommand).resolves({});
    await topicChannel(new SNSClient({}), "arn:topic").send(announcement);
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
  const ssm = mockClient(SSMClient);
  const post = jest.fn<ReturnType<typeof fetch>, Parameters<typeof fetch>>();
  beforeEach(() => {
    ssm.reset();
    ssm.on(GetParameterCommand).resolves({ Parameter: { Value: WEBHOOK } });
    post.mockReset().mockImplementation(() => Promise.resolve(new Response("ok")));
  });
  const slack = () => slackChannel(new SSMClient({}), "/almanac/slack/webhook", post);
  const failureOf = async (channel = slack()): Promise<Error> => {
    return channel.send(announcement).then(
      () => new Error("it was sent"),
      (error: unknown) => error as Error,
    );
  };

  it("is posted to at the address in the parameter, which is read once", async () => {
    const channel = slack();
    await channel.send(announcement);
    await channel.send(announcement);
    expect(ssm.commandCalls(GetParameterCommand).map(({ args }) => args[0].input)).toEqual([
      { Name: "/almanac/slack/webhook", WithDecryption: true },
    ]);
    expect(post.mock.calls.map(([url]) => url)).toEqual([WEBHOOK, WEBHOOK]);
    expect(post.mock.calls[0]?.[1]?.body).toBe(
      JSON.stringify({ text: "*[almanac test] DOWN: site*\nsite: &lt;status&gt; 500 &amp; more" }),
    );
  });

  it("is asked for its address again after it did not take something", async () => {
    const channel = slack();
    post.mockResolvedValueOnce(new Response("no_service", { status: 404 }));
    expect(await failureOf(channel)).toMatchObject({ name: "NotTakenError", message: "Slack answered 404" });
    await channel.send(announcement);
    expect(ssm.commandCalls(GetParameterCommand)).toHaveLength(2);
  });

  it.each<[string, () => void, string]>([
    [
      "it cannot be reached",
      () => post.mockRejectedValue(new TypeError(`no ${WEBHOOK}`, { cause: { code: "ECONNREFUSED", url: WEBHOOK } })),
      "Slack cannot be reached (ECONNREFUSED)",
    ],
    [
      "its address is none",
      () => ssm.on(GetParameterCommand).resolves({ Parameter: { Value: "hooks.slack.test/secret" } }),
      "the parameter /almanac/slack/webhook does not hold an https URL",
    ],
  ])("keeps its address to itself when %s", async (_name, given, message) => {
    given();
    const failure = await failureOf();
    expect(failure).toMatchObject({ message });
    expect(failure.cause).toBeUndefined();
    expect(JSON.stringify([failure.message, failure.stack])).not.toContain("secret");
  });
});
