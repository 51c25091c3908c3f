import { GetParameterCommand, SSMClient } from "@aws-sdk/client-ssm";
import { mockClient } from "aws-sdk-client-mock";
import { slackPost } from "../../../functions/shared/slack";

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
    ["is accepted", new Response("ok"), { kind: "accepted" }],
    [
      "is too much, until Retry-After",
      new Response("", { status: 429, headers: { "Retry-After": "7" } }),
      { kind: "rateLimited", retryAfterMs: 7_000 },
    ],
    [
      "is too much, for half a minute where Slack does not say",
      new Response("", { status: 429 }),
      { kind: "rateLimited", retryAfterMs: 30_000 },
    ],
    [
      "is refused for its content",
      new Response("invalid_blocks", { status: 400 }),
      { kind: "rejected", reason: "Slack answered 400: invalid_blocks" },
    ],
    [
      "goes to a webhook that is gone",
      new Response("no_service", { status: 404 }),
      { kind: "failed", reason: "Slack answered 404: no_service" },
    ],
    ["meets a broken Slack", new Response("", { status: 503 }), { kind: "failed", reason: "Slack answered 503: " }],
    [
      "meets nobody",
      new TypeError(`no ${URL}`, { cause: { code: "ECONNREFUSED", url: URL } }),
      { kind: "failed", reason: "Slack cannot be reached (ECONNREFUSED)" },
    ],
  ])("%s", async (_, response, outcome) => {
    expect(await post(() => response)).toEqual(outcome);
  });

  it("never reveals the webhook's URL, whatever is wrong with it", async () => {
    ssm.on(GetParameterCommand).resolves({ Parameter: { Value: "ftp://secret.example" } });
    const outcome = await post(() => new Response("ok"));
    expect(outcome).toMatchObject({ kind: "failed" });
    expect(JSON.stringify(outcome)).not.toContain("secret");
  });

  it("reads the webhook's URL once, and again after a message that was not accepted", async () => {
    const statuses = [200, 200, 404, 200];
    const send = slackPost(
      client,
      answering(() => new Response("", { status: statuses.shift() ?? 500 })),
    );
    for (let message = 0; message < 4; message += 1) await send("/almanac/slack", { text: "hello" });
    expect(ssm.commandCalls(GetParameterCommand)).toHaveLength(2);
  });
});
