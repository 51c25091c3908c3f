import { slackInbox } from "../../../../scripts/local/slack/inbox";

describe("the Slack stand-in", () => {
  const hello = JSON.stringify({ text: "hello" });

  it("takes one message a second for each webhook, and says when to come back", () => {
    const slack = slackInbox();
    expect(slack.post("/a", hello, 0).status).toBe(200);
    expect(slack.post("/a", hello, 999)).toMatchObject({ status: 429, retryAfterSeconds: 1 });
    expect(slack.post("/b", hello, 999).status).toBe(200);
    expect(slack.post("/a", hello, 1_000).status).toBe(200);
    expect(slack.messages().map(({ webhook }) => webhook)).toEqual(["/a", "/b", "/a"]);
    expect(slack.rejected()).toEqual({ rate_limited: 1 });
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
    slack.setMode("down");
    expect(slack.post("/a", hello, 0).status).toBe(503);
    slack.setMode("up");
    expect(slack.post("/a", hello, 0).status).toBe(200);
  });
});
