import { request as httpRequest, type IncomingMessage, type OutgoingHttpHeaders } from "node:http";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import type { ActionResult } from "../../../scripts/console/contract";
import {
  RequestError,
  startConsole,
  type ConsoleOptions,
  type RunningConsole,
} from "../../../scripts/console/server/server";

const KEY = "the-key-of-npm-start";
const running: RunningConsole[] = [];
afterEach(async () => {
  for (const each of running.splice(0)) await each.close();
});

async function start(options: Partial<ConsoleOptions> = {}): Promise<RunningConsole> {
  const started = await startConsole({
    page: {
      "/": { type: "text/html; charset=utf-8", content: "<h1>console</h1>" },
      "/console.js": { type: "text/javascript; charset=utf-8", content: "1" },
    },
    views: {
      timers: (query) => Promise.resolve({ query }),
      broken: () => Promise.reject(new RequestError(404, "There is no such timer.")),
    },
    key: KEY,
    port: 0,
    ...options,
  });
  running.push(started);
  return started;
}

interface Answer {
  readonly status: number | undefined;
  readonly headers: IncomingMessage["headers"];
  readonly text: string;
}

/** A request with any headers: fetch would set its own Host. */
async function send(
  { port }: RunningConsole,
  path: string,
  { method = "GET", body = "", headers = {} }: { method?: string; body?: string; headers?: OutgoingHttpHeaders } = {},
): Promise<Answer> {
  const sent = httpRequest({ host: "127.0.0.1", port, path, method, headers });
  sent.end(method === "POST" ? body : undefined);
  const [response] = (await once(sent, "response")) as [IncomingMessage];
  let text = "";
  for await (const chunk of response.setEncoding("utf8")) text += String(chunk);
  return { status: response.statusCode, headers: response.headers, text };
}

const JSON_TYPE = { "Content-Type": "application/json" };

const tokenOf = (address: string) => new URL(address).hash.slice("#token=".length);

async function session(
  console_: RunningConsole,
  token = tokenOf(console_.issueAddress()),
): Promise<OutgoingHttpHeaders> {
  const body = JSON.stringify({ token });
  const { status, text } = await send(console_, "/api/session", { method: "POST", body, headers: JSON_TYPE });
  expect(status).toBe(200);
  return { Authorization: `Bearer ${(JSON.parse(text) as { session: string }).session}` };
}

describe("who reads views", () => {
  it("is a browser that has exchanged the token of an address", async () => {
    const console_ = await start();
    const { status, text } = await send(console_, "/api/timers?q=tea", { headers: await session(console_) });
    expect([status, JSON.parse(text)]).toEqual([200, { query: { q: "tea" } }]);
  });

  it.each([
    ["no session", {}],
    ["a wrong session", { Authorization: `Bearer ${"a".repeat(32)}` }],
    ["the key of npm start", { Authorization: `Bearer ${KEY}` }],
    ["a cookie", { Cookie: "session=1" }],
  ])("is nobody with %s", async (_, headers) => {
    const console_ = await start();
    expect((await send(console_, "/api/timers", { headers })).status).toBe(401);
  });

  it("is nobody with a token: it is exchanged, and once", async () => {
    const console_ = await start();
    const token = tokenOf(console_.issueAddress());
    expect((await send(console_, "/api/timers", { headers: { Authorization: `Bearer ${token}` } })).status).toBe(401);
    await session(console_, token);
    const again = { method: "POST", body: JSON.stringify({ token }), headers: JSON_TYPE };
    expect((await send(console_, "/api/session", again)).status).toBe(401);
  });

  it("is nobody with the session of another console", async () => {
    const [one, other] = [await start(), await start()];
    expect((await send(other, "/api/timers", { headers: await session(one) })).status).toBe(401);
  });

  it("gets further addresses with the key of npm start only", async () => {
    const console_ = await start();
    const requestAddress = (key: string) =>
      send(console_, "/api/token", { method: "POST", headers: { Authorization: `Bearer ${key}` } });
    const { text } = await requestAddress(KEY);
    await session(console_, tokenOf((JSON.parse(text) as { address: string }).address));
    expect((await requestAddress("another")).status).toBe(401);
    expect((await send(console_, "/api/token", { method: "POST" })).status).toBe(401);
  });
});

const foreign = (port: number): readonly OutgoingHttpHeaders[] => [
  { Origin: "https://evil.example" },
  { Origin: "null" },
  { Origin: `http://127.0.0.1:${port + 1}` },
  { Origin: `http://localhost:${port}` },
  { Origin: `https://127.0.0.1:${port}` },
  { "Sec-Fetch-Site": "cross-site" },
  { "Sec-Fetch-Site": "same-site" },
  { Host: "evil.example" },
  { Host: `evil.example:${port}` },
  { Host: "127.0.0.1" },
  { Host: `127.0.0.1:${port + 1}` },
  { Host: `console.localhost:${port}` },
  { Host: `[::1]:${port}` },
];

describe("a page of another origin, or of a name that leads here", () => {
  it("gets nothing, not even with a session", async () => {
    const console_ = await start();
    const headers = await session(console_);
    for (const each of foreign(console_.port))
      for (const [method, path] of [
        ["GET", "/"],
        ["GET", "/console.js"],
        ["GET", "/api/timers"],
        ["POST", "/api/session"],
        ["POST", "/api/token"],
        ["OPTIONS", "/api/session"],
      ] as const) {
        const answer = await send(console_, path, {
          method,
          body: "{}",
          headers: { ...headers, ...JSON_TYPE, ...each },
        });
        expect([each, method, path, answer.status]).toEqual([each, method, path, 403]);
        expect(Object.keys(answer.headers).filter((name) => name.startsWith("access-control-"))).toEqual([]);
      }
  });

  it("is answered at localhost as at 127.0.0.1", async () => {
    const console_ = await start();
    const headers = { Host: `localhost:${console_.port}`, Origin: `http://localhost:${console_.port}` };
    expect((await send(console_, "/", { headers })).status).toBe(200);
  });
});

describe("an action", () => {
  const act = jest.fn(() => Promise.resolve({ ok: true, output: "fired" }));
  beforeEach(() => act.mockClear());
  const post = (
    console_: RunningConsole,
    headers: OutgoingHttpHeaders,
    { name = "timers.fire", body = '{"id": "tea"}' } = {},
  ) => send(console_, `/api/actions/${name}`, { method: "POST", body, headers });
  const own = ({ port }: RunningConsole) => ({
    ...JSON_TYPE,
    Origin: `http://127.0.0.1:${port}`,
    "Idempotency-Key": randomUUID(),
  });

  it("is run for the console's own page", async () => {
    const console_ = await start({ act });
    const { status, text } = await post(console_, { ...own(console_), ...(await session(console_)) });
    expect([status, JSON.parse(text)]).toEqual([200, { ok: true, output: "fired" }]);
    expect(act).toHaveBeenCalledWith("timers.fire", { id: "tea" });
  });

  it("runs once for one key, while it runs and after it", async () => {
    let end: (() => void) | undefined;
    const waiting = jest.fn(
      () =>
        new Promise<ActionResult>(
          (resolve) =>
            (end = () => {
              resolve({ ok: true, output: "fired" });
            }),
        ),
    );
    const console_ = await start({ act: waiting });
    const headers = { ...own(console_), ...(await session(console_)) };
    const both = [post(console_, headers), post(console_, headers)];
    while (end === undefined) await new Promise(setImmediate);
    end();
    const answers = [...(await Promise.all(both)), await post(console_, headers)];
    expect(answers.map(({ status, text }) => [status, text])).toEqual(
      Array(3).fill([200, JSON.stringify({ ok: true, output: "fired" })]),
    );
    expect(waiting).toHaveBeenCalledTimes(1);
    expect((await post(console_, headers, { body: '{"id": "coffee"}' })).status).toBe(400);
    for (const key of ["", "short", "ä".repeat(20)])
      expect((await post(console_, { ...headers, "Idempotency-Key": key })).status).toBe(400);
    expect(waiting).toHaveBeenCalledTimes(1);
  });

  it("is refused without a session, without an origin, of another origin, and as a form sends it", async () => {
    const console_ = await start({ act });
    const headers = await session(console_);
    expect((await post(console_, own(console_))).status).toBe(401);
    expect((await post(console_, { ...headers, ...JSON_TYPE })).status).toBe(403);
    expect((await post(console_, { ...headers, ...JSON_TYPE, Origin: "https://evil.example" })).status).toBe(403);
    expect((await post(console_, { ...headers, ...own(console_), "Content-Type": "text/plain" })).status).toBe(415);
    expect(act).not.toHaveBeenCalled();
  });

  it("that does not exist, or whose values are no texts, is refused", async () => {
    const console_ = await start({ act });
    const headers = { ...own(console_), ...(await session(console_)) };
    for (const name of ["constructor", "__proto__", "timers.reboot", ""])
      expect((await post(console_, headers, { name })).status).toBe(404);
    for (const body of ["{", "[]", '{"id": 7}', '{"id": {}}'])
      expect((await post(console_, headers, { body })).status).toBe(400);
    expect(act).not.toHaveBeenCalled();
  });

  it("is refused by a console that only reads", async () => {
    const console_ = await start();
    const { status, text } = await post(console_, { ...own(console_), ...(await session(console_)) });
    expect([status, text]).toEqual([403, expect.stringContaining("--write")]);
  });
});

it("closes the connection of a reader that does not read", async () => {
  const value = "x".repeat(1_000);
  const console_ = await start({ views: { timers: () => Promise.resolve(Array(50_000).fill(value)) }, idleMs: 50 });
  const { Authorization } = await session(console_);
  const reader = connect(console_.port, "127.0.0.1");
  await once(reader, "connect");
  reader.pause();
  reader.on("error", () => undefined);
  reader.write(
    `GET /api/timers HTTP/1.1\r\nHost: 127.0.0.1:${console_.port}\r\nAuthorization: ${String(Authorization)}\r\n\r\n`,
  );
  // Less often than a connection may be idle: it does not see its end while it does not read, but when it writes.
  while (!reader.destroyed) {
    await sleep(500);
    reader.write("\r\n");
  }
});

describe("a request for a session", () => {
  const post = (console_: RunningConsole, headers: OutgoingHttpHeaders, body = "{}") =>
    send(console_, "/api/session", { method: "POST", body, headers });

  it("is refused as a form sends it, and without a token", async () => {
    const console_ = await start();
    expect((await post(console_, { "Content-Type": "text/plain" })).status).toBe(415);
    for (const body of ["{", "{}", '{"token": 7}']) expect((await post(console_, JSON_TYPE, body)).status).toBe(401);
  });

  it("that is longer than a token is not read", async () => {
    const console_ = await start();
    // Also where most of it is still to be sent.
    for (const length of [1_001, 20_000_000])
      expect((await post(console_, JSON_TYPE, JSON.stringify({ token: "x".repeat(length) }))).status).toBe(413);
  });
});

describe("a path of the API", () => {
  it.each(["toString", "__proto__", "constructor", "other"])("is not %s", async (name) => {
    const console_ = await start();
    const headers = { ...JSON_TYPE, ...(await session(console_)) };
    expect((await send(console_, `/api/${name}`, { headers })).status).toBe(404);
    expect((await send(console_, `/api/${name}`, { method: "POST", body: "{}", headers })).status).toBe(404);
  });

  it("has no character that is not shown in what its view says, and repeats no name of a view", async () => {
    const text = "invoice\u202egpj.exe\u001b[2J\ud800 <b>";
    const console_ = await start({
      views: { timers: () => Promise.resolve({ timers: [{ id: text, deep: [text] }] }) },
    });
    const headers = await session(console_);
    const shown = "invoice\ufffdgpj.exe\ufffd[2J\ufffd <b>";
    expect(JSON.parse((await send(console_, "/api/timers", { headers })).text)).toEqual({
      timers: [{ id: shown, deep: [shown] }],
    });
    expect((await send(console_, "/api/S3cr3t", { headers })).text).not.toContain("S3cr3t");
  });

  it("changes nothing: a view is not posted, put or deleted", async () => {
    const console_ = await start();
    const headers = { ...JSON_TYPE, ...(await session(console_)) };
    expect((await send(console_, "/api/timers", { method: "POST", body: "{}", headers })).status).toBe(404);
    for (const method of ["PUT", "DELETE", "PATCH"])
      expect((await send(console_, "/api/timers", { method, headers })).status).toBe(405);
  });
});

describe("the page", () => {
  it("is the same at each address, and has no other files", async () => {
    const console_ = await start();
    for (const path of [
      "/timers/periodic/tea",
      "/timers/oneshot/order.17",
      "/pipelines/jobOrder/a%2Fb.json",
      "//timers",
    ])
      expect((await send(console_, path)).text).toBe("<h1>console</h1>");
    for (const path of ["/secret.txt", "/..%2fpackage.json", "/console.js.map"])
      expect((await send(console_, path)).status).toBe(404);
    expect((await send(console_, "/", { method: "POST" })).status).toBe(405);
  });

  it.each(["//", "//:x@[", "/%", "http://127.0.0.1/api/timers", "*"])(
    "is never an error of the server's: %s",
    async (path) => {
      expect((await send(await start(), path)).status).toBeLessThan(500);
    },
  );

  it("runs and loads nothing but its own script and style, and is in no frame", async () => {
    const { headers } = await send(await start(), "/");
    expect(headers["content-security-policy"]).toContain("default-src 'none'; script-src 'self'; style-src 'self'");
    expect(headers).toMatchObject({
      "x-content-type-options": "nosniff",
      "x-frame-options": "DENY",
      "referrer-policy": "no-referrer",
      "cross-origin-resource-policy": "same-origin",
      "cache-control": "no-store",
    });
    expect(headers["content-security-policy"]).toContain("require-trusted-types-for 'script'; trusted-types 'none'");
    expect(headers["content-security-policy"]).toContain("frame-ancestors 'none'");
    expect(headers["content-security-policy"]).not.toMatch(/unsafe|https?:|\*/);
  });
});

describe("an error", () => {
  it("of a name that nothing has, or no longer, says that it is gone", async () => {
    const missing = (name: string) => () => Promise.reject(Object.assign(new Error("there is none"), { name }));
    const console_ = await start({
      views: {
        schedule: missing("UsageError"),
        task: missing("NotFoundError"),
        pipeline: missing("NotInEnvironmentError"),
        timers: missing("ThrottlingException"),
      },
    });
    const headers = await session(console_);
    const statuses = ["schedule", "task", "pipeline", "timers"].map(async (name) => {
      return (await send(console_, `/api/${name}`, { headers })).status;
    });
    expect(await Promise.all(statuses)).toEqual([404, 404, 404, 502]);
  });

  it("is an answer with a message, and the server goes on", async () => {
    const console_ = await start();
    const headers = await session(console_);
    const { status, text } = await send(console_, "/api/broken", { headers });
    expect([status, JSON.parse(text)]).toEqual([404, { message: "There is no such timer." }]);
    expect((await send(console_, "/api/timers", { headers })).status).toBe(200);
  });
});
