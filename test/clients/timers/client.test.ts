import { createHash, createHmac } from "node:crypto";
import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";

import {
  AccessDeniedError,
  ConflictError,
  InvalidRequestError,
  ThrottledError,
  TimersClient,
  TimersError,
  UnavailableError,
  type UnreadableTimer,
} from "../../../clients/timers";

const CREDENTIALS = { accessKeyId: "AKIDEXAMPLE", secretAccessKey: "wJalrXUtnFEMI/K7MDENG", sessionToken: "session" };
const TIMER = {
  id: "tea",
  shardId: "shard0",
  timeShardId: "05:tea",
  timerCallbackData: { id: "tea" },
  schedule: { minuteOfHour: 5, secondOfMinute: 0 },
  enabled: true,
  version: "v1",
  putAt: "2026-11-21T06:55:30.250Z",
  state: "scheduled",
  nextFireAt: "2026-11-21T07:05:00.000Z",
  callback: "default",
  recorded: true,
  lastFiredAt: null,
  lastOutcome: null,
  attempts: null,
  latenessMs: null,
};

interface ReceivedRequest {
  readonly method: string;
  readonly url: string;
  readonly body: string;
  readonly request: IncomingMessage;
}

type StubResponse = readonly [status: number, body: unknown, headers?: Record<string, string>] | "hang" | "reset";

describe("the client of timers", () => {
  let server: Server;
  let responses: StubResponse[];
  let received: ReceivedRequest[];
  let waits: number[];
  let timers: TimersClient;
  beforeEach(async () => {
    [responses, received, waits] = [[], [], []];
    server = createServer((request, response) => {
      let body = "";
      request.on("data", (chunk: Buffer) => (body += chunk.toString()));
      request.on("end", () => {
        received.push({ method: request.method ?? "", url: request.url ?? "", body, request });
        const stub = responses.shift() ?? [500, "no more responses"];
        if (stub === "hang") return;
        if (stub === "reset") {
          request.socket.destroy();
          return;
        }
        const [status, content, headers = {}] = stub;
        response.writeHead(status, headers).end(typeof content === "string" ? content : JSON.stringify(content));
      });
    });
    await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
    timers = clientWith({ timeoutMs: 60_000 });
  });
  const clientWith = (options: { readonly timeoutMs: number }) =>
    new TimersClient({
      url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/live`,
      region: "eu-central-1",
      credentials: CREDENTIALS,
      sleep: (milliseconds) => {
        waits.push(milliseconds);
        return Promise.resolve();
      },
      ...options,
    });
  afterEach(async () => {
    server.closeAllConnections();
    await new Promise((closed) => server.close(closed));
  });
  const seen = () =>
    received.map(({ method, url, body }) => [method, url, body === "" ? undefined : (JSON.parse(body) as unknown)]);

  it("puts, gets and deletes, and requests the full response", async () => {
    responses = [
      [200, TIMER],
      [200, TIMER],
      [404, '"tea"'],
      [200, '"tea"'],
    ];
    expect(await timers.periodic.put("tea", { minuteOfHour: 5 })).toEqual(TIMER);
    expect(await timers.periodic.get("tea")).toEqual(TIMER);
    expect(await timers.oneshot.get("tea")).toBeUndefined();
    await timers.oneshot.delete("tea");
    expect(seen()).toEqual([
      ["PUT", "/live/periodic/tea", { catchUp: "all", minuteOfHour: 5 }],
      ["GET", "/live/periodic/tea", undefined],
      ["GET", "/live/oneshot/tea", undefined],
      ["DELETE", "/live/oneshot/tea", undefined],
    ]);
  });

  it("fires, pauses, resumes, previews and audits", async () => {
    const audit = { expected: 1, observed: 1, missing: [], failed: [], late: [], early: [] };
    const fired = { fireId: "periodic#tea#v1#now-k", dueAt: TIMER.putAt };
    responses = [
      [200, fired],
      [404, '"egg"'],
      [200, TIMER],
      [404, '"tea"'],
      [200, { fires: ["2026-11-21T07:05:00.000Z"] }],
      [200, { fires: [] }],
      [200, audit],
    ];
    expect(await timers.periodic.fire("tea", { fireId: fired.fireId })).toEqual(fired);
    expect(await timers.oneshot.fire("egg", { idempotencyKey: "k" })).toBeUndefined();
    expect(await timers.periodic.pause("tea")).toEqual(TIMER);
    expect(await timers.periodic.resume("tea")).toBeUndefined();
    expect(await timers.periodic.preview("tea", { count: 1 })).toEqual(["2026-11-21T07:05:00.000Z"]);
    expect(await timers.periodic.preview("new", { timer: { every: "1 hour" } })).toEqual([]);
    expect(await timers.periodic.audit("tea", { sinceSeconds: 60 })).toEqual(audit);
    expect(seen()).toEqual([
      ["POST", "/live/periodic/tea/fire", { fireId: fired.fireId }],
      ["POST", "/live/oneshot/egg/fire", {}],
      ["POST", "/live/periodic/tea/pause", undefined],
      ["POST", "/live/periodic/tea/resume", undefined],
      ["GET", "/live/periodic/tea/preview?count=1", undefined],
      ["POST", "/live/periodic/new/preview?count=10", { every: "1 hour" }],
      ["GET", "/live/periodic/tea/audit?sinceSeconds=60&lateSeconds=60", undefined],
    ]);
    expect(received[1]?.request.headers["idempotency-key"]).toBe("k");
  });

  it("sends one idempotency key in all attempts of a call, and another in the next call", async () => {
    const fired = { fireId: "f", dueAt: TIMER.putAt };
    responses = ["reset", [200, TIMER], [503, ""], [200, TIMER], [503, ""], [200, fired], [200, fired]];
    await timers.periodic.put("tea", {});
    await timers.periodic.put("tea", {});
    await timers.periodic.fire("tea");
    await timers.periodic.fire("tea");
    const keys = received.map(({ request }) => request.headers["idempotency-key"]);
    expect(keys).toEqual([keys[0], keys[0], keys[2], keys[2], keys[4], keys[4], keys[6]]);
    expect(new Set(keys).size).toBe(4);
  });

  it("pauses and resumes all with a prefix, and lists fires, page by page", async () => {
    const failure = { id: "report-7", message: "try again" };
    const fire = { ...{ fireId: "f", version: "v1", dueAt: TIMER.putAt, firedAt: TIMER.putAt }, latenessMs: 0 };
    const observed = { ...fire, durationMs: 1, attempts: 1, outcome: "succeeded" };
    responses = [
      [200, { changed: 100, failures: [failure], next: "n" }],
      [200, { changed: 2, failures: [] }],
      [200, { changed: 0, failures: [] }],
      [200, { fires: [observed], next: "f1" }],
      [200, { fires: [] }],
    ];
    expect(await timers.periodic.pauseAll("report-")).toEqual({ changed: 102, failures: [failure] });
    expect(await timers.oneshot.resumeAll("")).toEqual({ changed: 0, failures: [] });
    const fires: unknown[] = [];
    for await (const one of timers.periodic.fires("tea", { pageSize: 1 })) fires.push(one);
    expect(fires).toEqual([observed]);
    expect(seen()).toEqual([
      ["POST", "/live/periodic", { verb: "pause", prefix: "report-" }],
      ["POST", "/live/periodic", { verb: "pause", prefix: "report-", next: "n" }],
      ["POST", "/live/oneshot", { verb: "resume", prefix: "" }],
      ["GET", "/live/periodic/tea/fires?limit=1", undefined],
      ["GET", "/live/periodic/tea/fires?limit=1&next=f1", undefined],
    ]);
  });

  it("reports timers of a list that cannot be read", async () => {
    const milk = { id: "milk", reason: "has no version" };
    responses = [
      [200, { timers: [], unreadable: [milk], next: "n" }],
      [200, { timers: [TIMER], unreadable: [{ ...milk, id: "egg" }] }],
    ];
    const unreadable: UnreadableTimer[] = [];
    const listed = timers.periodic.list({ onUnreadable: (timer) => unreadable.push(timer) });
    for await (const { id } of listed) expect(id).toBe("tea");
    expect(unreadable).toEqual([milk, { ...milk, id: "egg" }]);
    expect(received.map(({ url }) => url)).toEqual(["/live/periodic?limit=100", "/live/periodic?limit=100&next=n"]);
  });

  it("lists page by page, only as far as the caller reads", async () => {
    const page = (ids: string[], next?: string): StubResponse => [
      200,
      { timers: ids.map((id) => ({ ...TIMER, id })), next },
    ];
    responses = [page(["a", "b"], "n-1"), page([], "n_2"), page(["c"])];
    const ids: string[] = [];
    for await (const { id } of timers.periodic.list({ pageSize: 2 })) ids.push(id);
    expect(ids).toEqual(["a", "b", "c"]);
    expect(received.map(({ url }) => url)).toEqual([
      "/live/periodic?limit=2",
      "/live/periodic?limit=2&next=n-1",
      "/live/periodic?limit=2&next=n_2",
    ]);
  });

  it.each([
    ["an id", () => timers.oneshot.get("order:7")],
    ["a body", () => timers.periodic.put("tea", { timerCallbackData: "ä" })],
    ["a query", () => timers.periodic.list({ pageSize: 5 }).next()],
  ])("signs each request, with %s, so that AWS computes the same signature", async (_, call) => {
    responses = [[404, '"order:7"']];
    await call().catch(() => undefined);
    for (const one of received) expect(one.request.headers.authorization).toBe(signatureOf(one));
    expect(received).toHaveLength(1);
  });

  it.each<[number, unknown, new (...all: never[]) => TimersError, string]>([
    [
      400,
      { error: "BadRequest", message: "body.minuteOfHour: is not a minute of 0 to 59" },
      InvalidRequestError,
      "body.minuteOfHour: is not a minute of 0 to 59",
    ],
    [
      400,
      "invalid request, you are missing the parameter body",
      InvalidRequestError,
      "invalid request, you are missing the parameter body",
    ],
    [403, { message: "User is not authorized" }, AccessDeniedError, "User is not authorized"],
    [409, { error: "Conflict", message: "version differs" }, ConflictError, "version differs"],
    [413, "", TimersError, "status 413"],
    [404, { message: "no such API" }, TimersError, "no such API"],
    [200, "<html>", TimersError, "unexpected response body: check the url"],
  ])("throws the matching error for %i with %j, and does not retry", async (status, body, type, message) => {
    responses = [[status, body]];
    const error: unknown = await timers.periodic.put("tea", {}).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(type);
    expect(error).toMatchObject({ status, message });
    expect(received).toHaveLength(1);
  });

  it.each<[string, StubResponse[]]>([
    [
      "throttling",
      [
        [429, { message: "Too Many Requests" }],
        [429, {}],
      ],
    ],
    [
      "faults",
      [
        [500, {}],
        [503, ""],
        [504, "<html>"],
      ],
    ],
    ["broken connections", ["reset", "reset"]],
    ["timeouts", ["hang"]],
  ])("retries after %s with growing delays", async (_, failures) => {
    responses = [...failures, [200, TIMER]];
    const client = failures.includes("hang") ? clientWith({ timeoutMs: 2_000 }) : timers;
    expect(await client.periodic.get("tea")).toEqual(TIMER);
    expect(waits).toHaveLength(failures.length);
    waits.forEach((wait, index) => {
      expect(wait).toBeLessThanOrEqual(100 * 2 ** (index + 1));
    });
  });

  it("waits as long as Retry-After says", async () => {
    responses = [
      [429, {}, { "Retry-After": "2" }],
      [200, TIMER],
    ];
    await timers.periodic.get("tea");
    expect(waits[0]).toBeGreaterThanOrEqual(2_000);
  });

  it.each([
    ["a day", { "Retry-After": "86400" }],
    ["more than a timer of Node can wait", { "Retry-After": "9999999999" }],
    ["an hour, as a date", { "Retry-After": "Sat, 21 Nov 2026 08:00:00 GMT", Date: "Sat, 21 Nov 2026 07:00:00 GMT" }],
  ])("ends the call rather than wait %s", async (_, headers) => {
    responses = [
      [429, { message: "slow down" }, headers],
      [200, TIMER],
    ];
    await expect(timers.periodic.get("tea")).rejects.toThrow(ThrottledError);
    expect([received.length, waits]).toEqual([1, []]);
  });

  it("waits until the date that Retry-After says, and no time for one that says nothing", async () => {
    responses = [
      [429, {}, { "Retry-After": "Sat, 21 Nov 2026 07:00:03 GMT", Date: "Sat, 21 Nov 2026 07:00:00 GMT" }],
      [429, {}, { "Retry-After": "-5" }],
      [429, {}, { "Retry-After": "soon" }],
      [200, TIMER],
    ];
    await timers.periodic.get("tea");
    expect(waits.map((wait) => Math.floor(wait / 3_000))).toEqual([1, 0, 0]);
  });

  it("takes its credentials to no other URL", async () => {
    const { port } = server.address() as AddressInfo;
    responses = [
      [307, {}, { Location: `http://127.0.0.1:${port}/elsewhere` }],
      [200, TIMER],
    ];
    await expect(timers.periodic.get("tea")).rejects.toMatchObject({ status: 307 });
    expect(received.map(({ url }) => url)).toEqual(["/live/periodic/tea"]);
  });

  it("takes an option that is undefined for one that is not there", async () => {
    const filters: { readonly pageSize: number } = Object.assign({ pageSize: 2 }, { prefix: undefined });
    const hourly: { readonly every: string } = Object.assign({ every: "1 hour" }, { catchUp: undefined });
    responses = [
      [200, { timers: [TIMER] }],
      [200, TIMER],
    ];
    for await (const { id } of timers.periodic.list(filters)) expect(id).toBe("tea");
    await timers.periodic.put("tea", hourly);
    expect(seen()).toEqual([
      ["GET", "/live/periodic?limit=2", undefined],
      ["PUT", "/live/periodic/tea", { every: "1 hour", catchUp: "all" }],
    ]);
  });

  it("gives up after four attempts with the reason", async () => {
    responses = Array<StubResponse>(4).fill([429, { message: "slow down" }]);
    await expect(timers.periodic.get("tea")).rejects.toThrow(ThrottledError);
    expect(received).toHaveLength(4);
    responses = Array<StubResponse>(4).fill("reset");
    await expect(timers.periodic.get("tea")).rejects.toThrow(/GET http.*no response/);
    responses = Array<StubResponse>(4).fill([502, ""]);
    await expect(timers.periodic.get("tea")).rejects.toThrow(UnavailableError);
  });

  it("sends batches of 25 and retries only the retryable items", async () => {
    const items = Array.from(
      { length: 27 },
      (_, index) => ({ kind: "oneshot", id: `egg${index}`, put: { delaySeconds: 60 } }) as const,
    );
    const good = { status: 200, body: TIMER };
    responses = [
      [
        200,
        {
          results: [
            { status: 429, body: {} },
            { status: 400, body: { message: "no" } },
            ...Array<object>(23).fill(good),
          ],
        },
      ],
      [200, { results: [good] }],
      [200, { results: [good, { status: 200, body: "egg26" }] }],
    ];
    const outcomes = await timers.batch([...items.slice(0, 26), { kind: "oneshot", id: "egg26", delete: true }]);
    expect(outcomes).toHaveLength(27);
    expect(outcomes[0]).toEqual({ ok: true, timer: TIMER });
    expect(outcomes[1]).toMatchObject({ ok: false, error: { name: "InvalidRequestError", message: "no" } });
    expect(outcomes[26]).toEqual({ ok: true });
    expect(received.map(({ body }) => (JSON.parse(body) as { requests: unknown[] }).requests.length)).toEqual([
      25, 1, 2,
    ]);
  });

  it("rejects ids that change the path", async () => {
    for (const id of ["", ".", ".."]) await expect(timers.periodic.delete(id)).rejects.toThrow(InvalidRequestError);
    expect(received).toEqual([]);
  });

  it("takes its region from the URL", async () => {
    const regions: string[] = [];
    const far = new TimersClient({
      url: "https://abc123.execute-api.ap-south-1.amazonaws.com/live/",
      credentials: () => Promise.resolve(CREDENTIALS),
      fetch: (url, init) => {
        expect(url).toEqual(new URL("https://abc123.execute-api.ap-south-1.amazonaws.com/live/periodic/tea"));
        regions.push(/\/([a-z0-9-]+)\/execute-api\/aws4_request/.exec(JSON.stringify(init?.headers))?.[1] ?? "");
        return Promise.resolve(new Response(JSON.stringify(TIMER)));
      },
    });
    await far.periodic.get("tea");
    expect(regions).toEqual(["ap-south-1"]);
  });
});

/** Signature Version 4 step by step, as in IAM's documentation: the path is encoded once more, query and headers are sorted. */
function signatureOf({ method, url, body, request }: ReceivedRequest): string {
  const [path = "", query = ""] = url.split("?");
  const [, day = "", names = ""] =
    /Credential=AKIDEXAMPLE\/(\d{8})\/.*SignedHeaders=([^,]+)/.exec(request.headers.authorization ?? "") ?? [];
  expect(names.split(";")).toEqual(expect.arrayContaining(["host", "x-amz-date", "x-amz-security-token"]));
  const sha256 = (text: string) => createHash("sha256").update(text).digest("hex");
  const canonical = [
    method,
    path.split("/").map(encodeURIComponent).join("/"),
    query.split("&").sort().join("&"),
    ...names.split(";").map((name) => `${name}:${String(request.headers[name])}`),
    "",
    names,
    sha256(body),
  ].join("\n");
  const scope = `${day}/eu-central-1/execute-api/aws4_request`;
  const key = [day, "eu-central-1", "execute-api", "aws4_request"].reduce<Buffer | string>(
    (last, part) => createHmac("sha256", last).update(part).digest(),
    `AWS4${CREDENTIALS.secretAccessKey}`,
  );
  const toSign = ["AWS4-HMAC-SHA256", String(request.headers["x-amz-date"]), scope, sha256(canonical)].join("\n");
  const signature = createHmac("sha256", key).update(toSign).digest("hex");
  return `AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/${scope}, SignedHeaders=${names}, Signature=${signature}`;
}
