import { GetParameterCommand, SSMClient } from "@aws-sdk/client-ssm";
import { mockClient } from "aws-sdk-client-mock";
import { slackPost, slackText, type Message } from "../../../functions/shared/slack";
import { virtualClock } from "../../support/virtual-clock";

const URL = "https://hooks.example/services/T/B/secret";
const client = new SSMClient({ region: "eu-central-1" });
const ssm = mockClient(client);
beforeEach(() =>
  ssm
    .reset()
    .on(GetParameterCommand)
    .resolves({ Parameter: { Value: URL } }),
);

const hello: Message = { text: slackText`hello`, mrkdwn: false };

const answering = (response: () => Response | Error): typeof fetch => {
  return () => {
    const answer = response();
    return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer);
  };
};
const post = (response: () => Response | Error) => slackPost(client, answering(response))("/almanac/slack", hello);

describe("a message to Slack", () => {
  it.each([
    ["is accepted", new Response("ok"), { kind: "accepted" }],
    [
      "is too much, until Retry-After",
      new Response("", { status: 429, headers: { "Retry-After": "7" } }),
      { kind: "rateLimited", retryAfterMs: 7_000 },
    ],
    [
      "is too much, until a date",
      new Response("", {
        status: 429,
        headers: { "Retry-After": "Sat, 21 Nov 2026 07:00:09 GMT", Date: "Sat, 21 Nov 2026 07:00:00 GMT" },
      }),
      { kind: "rateLimited", retryAfterMs: 9_000 },
    ],
    [
      "is too much, until a time that cannot be read",
      new Response("", { status: 429, headers: { "Retry-After": "Sat, 21 Nov 2026 07:00:09 GMT" } }),
      { kind: "rateLimited", retryAfterMs: 30_000 },
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
    ["meets a broken Slack", new Response("", { status: 503 }), { kind: "failed", reason: "Slack answered 503" }],
    [
      "is redirected, as Slack does for a webhook that it does not know",
      new Response("ok", { status: 302, headers: { Location: "https://slack.example/" } }),
      { kind: "failed", reason: "Slack answered 302: ok" },
    ],
    [
      "goes to a page that answers 200 to everything",
      new Response("<html>ok</html>"),
      { kind: "failed", reason: 'Slack answered 200 without "ok"' },
    ],
    ["goes to nobody who says ok", new Response(""), { kind: "failed", reason: 'Slack answered 200 without "ok"' }],
    ["is answered 201", new Response("ok", { status: 201 }), { kind: "failed", reason: "Slack answered 201: ok" }],
    ["is answered 204", new Response(null, { status: 204 }), { kind: "failed", reason: "Slack answered 204" }],
    [
      "is answered in another form",
      new Response('{"ok":true}'),
      { kind: "failed", reason: 'Slack answered 200 without "ok"' },
    ],
    [
      "is quoted by a page, and is not in the reason",
      new Response('{"text":"hello hunter2"}', { status: 400 }),
      { kind: "rejected", reason: "Slack answered 400" },
    ],
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

  it("follows no redirect", async () => {
    const requests: RequestInit[] = [];
    const send = slackPost(client, (_, request = {}) => {
      requests.push(request);
      return Promise.resolve(new Response("", { status: 302, headers: { Location: "https://slack.example/" } }));
    });
    expect(await send("/almanac/slack", hello)).toMatchObject({ kind: "failed" });
    expect(requests).toMatchObject([{ redirect: "manual" }]);
  });

  it("reads no page to its end", async () => {
    let chunks = 0;
    const endless = new ReadableStream<Uint8Array>({
      pull: (controller) => {
        chunks += 1;
        controller.enqueue(new Uint8Array(1_000));
      },
    });
    expect(await post(() => new Response(endless))).toMatchObject({ kind: "failed" });
    expect(chunks).toBeLessThan(10);
  });

  it.each([
    [429, { kind: "rateLimited", retryAfterMs: 90_000 }],
    [400, { kind: "rejected", reason: "Slack answered 400" }],
    [503, { kind: "failed", reason: "Slack answered 503" }],
    [200, { kind: "failed", reason: "Slack cannot be reached (ECONNRESET)" }],
  ])("is judged by its status where the body breaks off: %d", async (status, outcome) => {
    let chunks = 0;
    const broken = new ReadableStream<Uint8Array>({
      pull: (controller) => {
        if (chunks++ === 0) controller.enqueue(Buffer.from("ok"));
        else controller.error(new TypeError("terminated", { cause: { code: "ECONNRESET" } }));
      },
    });
    expect(await post(() => new Response(broken, { status, headers: { "Retry-After": "90" } }))).toEqual(outcome);
  });

  it("uses a rotated webhook within a minute, though the old one still works", async () => {
    const clock = virtualClock();
    const urls: unknown[] = [];
    const send = slackPost(
      client,
      (url) => {
        urls.push(url);
        return Promise.resolve(new Response("ok"));
      },
      clock,
    );
    await send("/almanac/slack", hello);
    ssm.on(GetParameterCommand).resolves({ Parameter: { Value: "https://hooks.example/rotated" } });
    await new Promise<void>((resolve) => clock.after(60_000, resolve));
    await send("/almanac/slack", hello);
    expect(urls).toEqual([URL, "https://hooks.example/rotated"]);
  });

  it("reads the webhook's URL once, and again after a message that was not accepted", async () => {
    const statuses = [200, 200, 404, 200];
    const send = slackPost(
      client,
      answering(() => new Response("ok", { status: statuses.shift() ?? 500 })),
    );
    for (let message = 0; message < 4; message += 1) await send("/almanac/slack", hello);
    expect(ssm.commandCalls(GetParameterCommand)).toHaveLength(2);
  });
});

describe("the text of a message", () => {
  it("has no mention, link or entity of a value, and no character that is not shown", () => {
    const value = "<!channel> <@U1> <https://evil.example|here> &lt; \u001b[31m \u202egpj.exe";
    expect(slackText`*fixed* <https://own.example> ${value}`.toString()).toBe(
      "*fixed* <https://own.example> &lt;!channel&gt; &lt;@U1&gt; &lt;https://evil.example|here&gt; &amp;lt; \ufffd[31m \ufffdgpj.exe",
    );
  });

  it("is sent without formatting: an asterisk is one", async () => {
    const bodies: unknown[] = [];
    const send = slackPost(client, async (_, { body } = {}) => {
      bodies.push(await new Response(body).json());
      return new Response("ok");
    });
    await send("/almanac/slack", { text: slackText`${"*bold* _italic_ `code`"}`, mrkdwn: false });
    expect(bodies).toEqual([{ text: "*bold* _italic_ `code`", mrkdwn: false }]);
  });
});
