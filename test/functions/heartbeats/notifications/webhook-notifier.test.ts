import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { text as bodyOf } from "node:stream/consumers";
import { once } from "node:events";

import { verifySignature } from "../../../../functions/pipelines/gate/signatures";
import { webhookNotifier } from "../../../../functions/heartbeats/notifications/webhook-notifier";
import type { NotificationMessage } from "../../../../functions/heartbeats/notifications/plan";
import { BAD, GOOD, setup, time } from "../../../support/heartbeat-rounds";

const SECRET = `whsec_${Buffer.from("0123456789abcdef0123456789abcdef").toString("base64")}`;
const NOW = Date.parse("2026-11-21T06:55:00Z");

interface Received {
  readonly id: string;
  readonly body: { readonly type: string; readonly timestamp: string; readonly data: Record<string, unknown> };
}

/** A receiver that does what receivers do: verifies, limits bodies, drops duplicates; and on demand fails as they fail. */
class Receiver {
  readonly received: Received[] = [];
  requests = 0;
  behaviour: "accepts" | "redirects" | "fails" | "limits" | "refuses" | "is silent" | "hangs up" | "streams" =
    "accepts";
  private readonly server = createServer((request, response) => void this.answer(request, response));

  async start(): Promise<string> {
    this.server.listen(0, "127.0.0.1");
    await once(this.server, "listening");
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}/hook?team=7`;
  }

  stop(): void {
    this.server.closeAllConnections();
    this.server.close();
  }

  private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    this.requests += 1;
    const body = await bodyOf(request);
    if (this.behaviour === "is silent") return;
    if (this.behaviour === "hangs up") return void request.socket.destroy();
    if (this.behaviour === "redirects") return void response.writeHead(302, { Location: "/login" }).end();
    if (this.behaviour === "fails") return void response.writeHead(503).end();
    if (this.behaviour === "limits") return void response.writeHead(429, { "Retry-After": "30" }).end();
    if (this.behaviour === "refuses" || Buffer.byteLength(body) > 65_536) return void response.writeHead(413).end();
    const headers = Object.fromEntries(Object.entries(request.headers).map(([name, value]) => [name, String(value)]));
    try {
      verifySignature({ headers, body }, "standard-webhooks", [SECRET], NOW);
    } catch {
      return void response.writeHead(401).end();
    }
    const id = headers["webhook-id"] ?? "";
    if (!this.received.some((each) => each.id === id))
      this.received.push({ id, body: JSON.parse(body) as Received["body"] });
    if (this.behaviour === "streams") return void response.writeHead(200).write("x".repeat(1_000_000));
    response.writeHead(204).end();
  }
}

describe("the webhook notifier", () => {
  const receiver = new Receiver();
  let url: string;
  beforeAll(async () => {
    url = await receiver.start();
  });
  afterAll(() => {
    receiver.stop();
  });
  beforeEach(() => {
    receiver.received.length = 0;
    receiver.requests = 0;
    receiver.behaviour = "accepts";
  });

  const notifier = (secret = SECRET, at = url) =>
    webhookNotifier({
      url: at,
      parameter: "/hook",
      readSecret: () => Promise.resolve(secret),
      clock: { now: () => NOW },
    });
  const message: NotificationMessage = {
    id: "site.2026-11-21T06:50:00Z.opened",
    title: "[almanac test] DOWN: site",
    text: "site: status 500",
    parts: [],
    details: [
      {
        monitor: "site",
        url: "https://a.test/",
        event: "opened",
        severity: "down",
        cause: "status 500",
        since: "2026-11-21T06:50:00Z",
        until: null,
      },
    ],
    links: { pageUrl: "https://status.test/", runbookUrl: "https://runbook.test/" },
  };
  const { signal } = new AbortController();

  it("is verified by its receiver, and says what, since when, and where to look", async () => {
    await notifier().send(message, signal);
    expect(receiver.received).toEqual([
      {
        id: "msg_site_2026-11-21T06:50:00Z_opened",
        body: {
          type: "incident.opened",
          timestamp: "2026-11-21T06:55:00Z",
          data: {
            id: message.id,
            title: message.title,
            text: message.text,
            incidents: message.details,
            omittedIncidents: 0,
            statusPage: "https://status.test/",
            runbook: "https://runbook.test/",
          },
        },
      },
    ]);
  });

  it("has the same id when it is repeated, so that the receiver drops it", async () => {
    await notifier().send(message, signal);
    await notifier().send(message, signal);
    expect([receiver.requests, receiver.received.length]).toEqual([2, 1]);
  });

  it("is bounded, though a digest has a thousand incidents", async () => {
    const [detail] = message.details;
    if (detail === undefined) throw new Error("no detail");
    await notifier().send({ ...message, details: Array.from({ length: 1_000 }, () => detail) }, signal);
    expect(receiver.received[0]?.body).toMatchObject({ type: "incident.several", data: { omittedIncidents: 900 } });
  });

  it.each([
    ["redirects", "WebhookError", "the webhook answered 302"],
    ["fails", "WebhookError", "the webhook answered 503"],
    ["limits", "WebhookError", "the webhook answered 429"],
    ["refuses", "MessageRejectedError", "the webhook answered 413"],
    ["hangs up", "WebhookError", "the webhook cannot be reached"],
  ] as const)("is not delivered to a receiver that %s", async (behaviour, name, reason) => {
    receiver.behaviour = behaviour;
    await expect(notifier().send(message, signal)).rejects.toMatchObject({
      name,
      message: expect.stringContaining(reason) as unknown,
    });
    expect(receiver.requests).toBe(1);
  });

  it("ends when its deadline does, at a receiver that is silent", async () => {
    receiver.behaviour = "is silent";
    const controller = new AbortController();
    const sending = notifier().send(message, controller.signal);
    setTimeout(() => {
      controller.abort();
    }, 50);
    await expect(sending).rejects.toThrow("the webhook cannot be reached (AbortError)");
  });

  it("does not read an answer that has no end", async () => {
    receiver.behaviour = "streams";
    await expect(notifier().send(message, signal)).resolves.toBeUndefined();
  });

  it("is refused with another secret, and not sent with one that is none", async () => {
    await expect(notifier(`whsec_${Buffer.alloc(32).toString("base64")}`).send(message, signal)).rejects.toThrow(
      "answered 401",
    );
    for (const secret of ["hunter2", "whsec_", "whsec_c2hvcnQ="])
      await expect(notifier(secret).send(message, signal)).rejects.toThrow("does not hold a secret");
    expect(receiver.requests).toBe(1);
  });

  it("never shows its URL, which may have a token", async () => {
    const sending = notifier(SECRET, "http://127.0.0.1:9/hook?token=hunter2").send(message, signal);
    await expect(sending).rejects.toThrow(/^the webhook cannot be reached \(\w+\)$/);
  });

  it("tells a whole incident, also what a dead receiver missed, in order and once", async () => {
    const sentEvents: (readonly [type: string, id: unknown])[] = [];
    let isDead = false;
    const post: typeof fetch = (_url, { headers, body } = {}) => {
      if (isDead) return Promise.resolve(new Response(null, { status: 503 }));
      const sent = { headers: Object.fromEntries(new Headers(headers)), body: typeof body === "string" ? body : "" };
      verifySignature(sent, "standard-webhooks", [SECRET], NOW);
      const { type, data } = JSON.parse(sent.body) as Received["body"];
      sentEvents.push([type, data["id"]]);
      return Promise.resolve(new Response(null, { status: 204 }));
    };
    const readSecret = () => Promise.resolve(SECRET);
    const hook = webhookNotifier({ url, parameter: "/hook", readSecret, clock: { now: () => NOW }, post });
    const rounds = setup([{ name: "site", failuresBeforeDown: 1, successesBeforeUp: 1 }], {}, hook);
    await rounds.check(0, [BAD]);
    isDead = true;
    await rounds.check(1, [GOOD]);
    await rounds.check(2, [BAD]);
    isDead = false;
    for (const [index, outcome] of [BAD, GOOD, GOOD].entries()) await rounds.check(3 + index, [outcome]);
    expect(sentEvents).toEqual([
      ["incident.opened", `site.${time(0)}.opened`],
      ["incident.closed", `site.${time(0)}.closed`],
      ["incident.opened", `site.${time(2)}.opened`],
      ["incident.closed", `site.${time(2)}.closed`],
    ]);
  });
});
