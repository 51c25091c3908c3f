import { GetParameterCommand, SSMClient } from "@aws-sdk/client-ssm";
import { mockClient } from "aws-sdk-client-mock";
import { slackPost } from "../../../functions/pipelines/slack";
import { wavesOf } from "../../../functions/pipelines/notices-table";
import type { Waiting } from "../../../functions/pipelines/drain-webhook";
import { slackInbox } from "../../../scripts/local/slack/inbox";

const URL = "https://hooks.example/services/T/B/secret";
const client = new SSMClient({ region: "eu-central-1" });
const ssm = mockClient(client);
beforeEach(() =>
  ssm
    .reset()
    .on(GetParameterCommand)
    .resolves({ Parameter: { Value: URL } }),
);

const answering = (response: () => Response | Error): typeof fetch => {
  return () => {
    const answer = response();
    return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer);
  };
};
const post = (response: () => Response | Error) =>
  slackPost(client, answering(response))("/almanac/slack", { text: "hello" });

describe("a message to Slack", () => {
  it.each([
    ["is taken", new Response("ok"), { kind: "taken" }],
    [
      "is too much, until Retry-After",
      new Response("", { status: 429, headers: { "Retry-After": "7" } }),
      { kind: "limited", retryAfterMs: 7_000 },
    ],
    [
      "is too much, for half a minute where Slack does not say",
      new Response("", { status: 429 }),
      { kind: "limited", retryAfterMs: 30_000 },
    ],
    [
      "is refused for its content",
      new Response("invalid_blocks", { status: 400 }),
      { kind: "refused", reason: "Slack answered 400: invalid_blocks" },
    ],
    [
      "goes to a webhook that is gone",
      new Response("no_service", { status: 404 }),
      { kind: "failed", reason: "Slack answered 404: no_service" },
    ],
    ["meets a broken Slack", new Response("", { status: 503 }), { kind: "failed", reason: "Slack answered 503: " }],
    [
      "meets nobody",
      new TypeError("fetch failed", { cause: { code: "ECONNREFUSED" } }),
      { kind: "failed", reason: "Slack cannot be reached (ECONNREFUSED)" },
    ],
  ])("%s", async (_, response, outcome) => {
    expect(await post(() => response)).toEqual(outcome);
  });

  it("never tells the webhook, whatever is wrong with it", async () => {
    ssm.on(GetParameterCommand).resolves({ Parameter: { Value: "ftp://secret.example" } });
    const outcome = await post(() => new Response("ok"));
    expect(outcome).toMatchObject({ kind: "failed" });
    expect(JSON.stringify(outcome)).not.toContain("secret");
  });

  it("asks for the webhook once, and again after a message that was not taken", async () => {
    const statuses = [200, 200, 404, 200];
    const send = slackPost(
      client,
      answering(() => new Response("", { status: statuses.shift() ?? 500 })),
    );
    for (let message = 0; message < 4; message += 1) await send("/almanac/slack", { text: "hello" });
    expect(ssm.commandCalls(GetParameterCommand)).toHaveLength(2);
  });
});

describe("notices on their way into the line", () => {
  it("go in waves, in which each key is once", () => {
    const waiting = ["a", "b", "a", "a", "b"].map((key, place): Waiting => ({
      place: String(place),
      notice: { channel: "c", key, kind: "new", receivedAt: "", fields: [] },
    }));
    expect(wavesOf(waiting).map((wave) => wave.map(({ place }) => place))).toEqual([["0", "1"], ["2", "4"], ["3"]]);
  });
});

describe("the Slack stand-in", () => {
  const hello = JSON.stringify({ text: "hello" });

  it("takes one message a second for each webhook, and says when to come back", () => {
    const slack = slackInbox();
    expect(slack.post("/a", hello, 0).status).toBe(200);
    expect(slack.post("/a", hello, 999)).toMatchObject({ status: 429, retryAfterSeconds: 1 });
    expect(slack.post("/b", hello, 999).status).toBe(200);
    expect(slack.post("/a", hello, 1_000).status).toBe(200);
    expect(slack.messages().map(({ webhook }) => webhook)).toEqual(["/a", "/b", "/a"]);
    expect(slack.refused()).toEqual({ rate_limited: 1 });
  });

  it.each([
    ["no JSON", "{", "invalid_payload"],
    ["nothing to say", "{}", "no_text"],
    ["an unknown block", '{"blocks":[{"type":"poster"}]}', "invalid_blocks"],
    [
      "a header that is too long",
      JSON.stringify({ blocks: [{ type: "header", text: { type: "plain_text", text: "x".repeat(151) } }] }),
      "invalid_blocks",
    ],
    [
      "blocks that are too long together",
      JSON.stringify({
        blocks: Array.from({ length: 5 }, () => ({
          type: "section",
          text: { type: "mrkdwn", text: "x".repeat(3_000) },
        })),
      }),
      "msg_blocks_too_long",
    ],
  ])("refuses %s, in Slack's words", (_, body, word) => {
    const { status, text } = slackInbox().post("/a", body, 0);
    expect([status, text.split(":")[0]]).toEqual([400, word]);
  });

  it("is away when it is told to be", () => {
    const slack = slackInbox();
    slack.setWeather("down");
    expect(slack.post("/a", hello, 0).status).toBe(503);
    slack.setWeather("up");
    expect(slack.post("/a", hello, 0).status).toBe(200);
  });
});
