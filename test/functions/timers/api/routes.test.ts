import * as z from "zod";

import type { RawRequest } from "../../../../functions/shared/handlers/rest-handler";
import { scopeOf } from "../../../../functions/shared/handlers/scopes";
import type { TimerPorts } from "../../../../functions/timers/api/routes";
import type { ApiRouteName } from "../../../../functions/timers/contract";
import { partitionOf, rowKey } from "../../../../functions/timers/storage/timer-row";
import { callRoute, fakeTimers, type FakeTimers } from "../../../support/fake-timers";

const NOW = Date.parse("2026-11-21T06:55:30.250Z");

const token = (key: unknown) => Buffer.from(JSON.stringify(key)).toString("base64url");

describe("the API of timers", () => {
  let fake: FakeTimers;
  let failures: unknown[];
  let ports: TimerPorts;
  beforeEach(() => {
    fake = fakeTimers();
    failures = [];
    let versions = 0;
    ports = {
      table: fake.table,
      queue: fake.queue,
      history: fake.history,
      fireRequests: fake.fireRequests,
      callbacks: fake.callbacks,
      cursors: { get: () => Promise.resolve(new Map([["shard0", { cursor: NOW + 120_000 }]])) },
      now: () => NOW,
      newVersion: () => `v${++versions}`,
      shards: 1,
      onFailure: (error) => failures.push(error),
    };
  });

  const call = async (route: ApiRouteName, request: Partial<RawRequest> & { id?: string } = {}) => {
    const { id, ...raw } = request;
    const { status, text } = await callRoute(ports, route, { path: id === undefined ? {} : { id }, ...raw });
    return [status, JSON.parse(text) as unknown] as const;
  };

  it("responds to a legacy request in the legacy format", async () => {
    const legacy = {
      id: "tea",
      shardId: "shard0",
      timeShardId: "35:tea",
      timerCallbackData: { id: "tea", type: "hourlyPeriodic" },
    };
    expect(await call("PUT /periodic/{id}", { id: "tea", body: {} })).toEqual([200, legacy]);
    expect(await call("GET /periodic/{id}", { id: "tea" })).toEqual([200, expect.objectContaining(legacy)]);
    expect(await call("DELETE /periodic/{id}", { id: "tea" })).toEqual([200, "tea"]);
    expect(await call("GET /periodic/{id}", { id: "tea" })).toEqual([404, "tea"]);
    expect(await call("DELETE /periodic/{id}", { id: "tea" })).toEqual([200, "tea"]);
    expect(await call("PUT /periodic/{id}", { id: "tea" })).toEqual([
      400,
      "invalid request, you are missing the parameter body",
    ]);
  });

  it("responds to any other request with all fields", async () => {
    expect(
      await call("PUT /periodic/{id}", { id: "tea", body: { every: "15 minutes", timerCallbackData: 7 } }),
    ).toEqual([
      200,
      {
        id: "tea",
        shardId: "shard0",
        timerCallbackData: 7,
        schedule: { every: "15 minutes" },
        enabled: true,
        version: "v1",
        putAt: "2026-11-21T06:55:30.250Z",
        state: "scheduled",
        nextFireAt: "2026-11-21T07:10:30.000Z",
        callback: "default",
        recorded: true,
        lastFiredAt: null,
        lastOutcome: null,
        attempts: null,
        latenessMs: null,
      },
    ]);
    expect(await call("PUT /oneshot/{id}", { id: "egg", body: { delaySeconds: 240 } })).toMatchObject([
      200,
      { timerCallbackData: { id: "egg", type: "oneshot" }, nextFireAt: "2026-11-21T06:59:30.250Z" },
    ]);
  });

  it("continues a list after a row that cannot be read, whatever its key", async () => {
    const { list } = fake.table;
    const sort = "periodic#changed by hand";
    const { partition } = z.object({ partition: z.object({ S: z.string() }) }).parse(rowKey(sort));
    const corrupt = { kind: "periodic", id: "changed by hand", error: new Error("no version") } as const;
    ports = {
      ...ports,
      table: {
        ...fake.table,
        list: (range, limit, after) =>
          "kind" in range && partitionOf(range.kind, range.partition) === partition.S && after === undefined
            ? Promise.resolve({ timers: [], keys: [], corrupt: Array(limit).fill(corrupt), next: { sort } })
            : list(range, limit, after),
      },
    };
    let next: string | undefined;
    let pages = 0;
    do {
      const query = { limit: "1", ...(next !== undefined && { next }) };
      const [status, body] = await call("GET /periodic", { query });
      expect(status).toBe(200);
      next = z.looseObject({ next: z.string().optional() }).parse(body).next;
      pages += 1;
    } while (next !== undefined && pages < 40);
    expect(next).toBeUndefined();
  });

  it("separates timers of the same id by kind", async () => {
    await call("PUT /oneshot/{id}", { id: "tea", body: { delaySeconds: 10_000 } });
    expect(await call("GET /periodic/{id}", { id: "tea" })).toEqual([404, "tea"]);
    await call("DELETE /periodic/{id}", { id: "tea" });
    expect((await call("GET /oneshot/{id}", { id: "tea" }))[0]).toBe(200);
  });

  it("enqueues fires due within ten minutes", async () => {
    await call("PUT /oneshot/{id}", { id: "egg", body: { delaySeconds: 240, timerCallbackData: "ready" } });
    await call("PUT /oneshot/{id}", { id: "roast", body: { delaySeconds: 5_400 } });
    expect(fake.sent.map(({ id, due, data }) => [id, due - NOW, data])).toEqual([["egg", 240_000, '"ready"']]);
  });

  it("replaces only the version in ifVersion", async () => {
    const put = (body: object) => call("PUT /periodic/{id}", { id: "tea", body: { every: "1 hour", ...body } });
    expect(await put({ ifVersion: null })).toMatchObject([200, { version: "v1" }]);
    expect(await put({ ifVersion: null })).toMatchObject([409, { error: "Conflict" }]);
    expect(await put({ ifVersion: "v1", jitterSeconds: 5 })).toMatchObject([200, { version: "v3" }]);
    expect(await put({ ifVersion: "v1" })).toMatchObject([409, { error: "Conflict" }]);
    expect(await put({ jitterSeconds: 5 })).toMatchObject([200, { version: "v3" }]);
  });

  it.each<[string, ApiRouteName, Partial<RawRequest> & { id?: string }, string]>([
    [
      "a minute that there is not",
      "PUT /periodic/{id}",
      { id: "tea", body: { minuteOfHour: 75 } },
      "body.minuteOfHour: is not a minute of 0 to 59",
    ],
    ["a body that is no object", "PUT /oneshot/{id}", { id: "tea", body: 7 }, "body: is not a JSON object"],
    [
      "an id of other characters",
      "PUT /periodic/{id}",
      { id: "a/b", body: {} },
      "path.id: is not 1 to 256 characters of A-Z a-z 0-9 . _ : -",
    ],
    [
      "an id to get as well",
      "GET /periodic/{id}",
      { id: "ä" },
      "path.id: is not 1 to 256 characters of A-Z a-z 0-9 . _ : -",
    ],
    [
      "an id that no client sends as a path",
      "PUT /periodic/{id}",
      { id: "..", body: {} },
      "path.id: is . or .., which clients take out of a path",
    ],
    [
      "a shard that there is not",
      "PUT /periodic/{id}",
      { id: "tea", body: { shardId: "shard1000" } },
      "body.shardId: is not shard0 to shard999",
    ],
    ["too long a list", "GET /periodic", { query: { limit: "1001" } }, "query.limit: is not 1 to 1000"],
    [
      "a list by another name",
      "GET /periodic",
      { query: { page: "2" } },
      "query: has only limit, next, prefix, state, dueBefore and callback",
    ],
    [
      "a token of its own making",
      "GET /periodic",
      { query: { next: "abc" } },
      "query.next: is not a token from a response of this list",
    ],
    ...["periodic", "oneshot due"].map((list): [string, ApiRouteName, Partial<RawRequest>, string] => [
      `a token of another list, ${list}`,
      "GET /oneshot",
      { query: { next: token({ list, range: 1 }) } },
      "query.next: is not a token from a response of this list",
    ]),
    ...["", "#tea", `oneshot#${"a".repeat(1_017)}`, `oneshot#${"ä".repeat(509)}`, "cursor#tea"].map(
      (sort): [string, ApiRouteName, Partial<RawRequest>, string] => [
        `a token of its own making, with the key ${sort.slice(0, 20)}`,
        "GET /oneshot",
        { query: { state: "scheduled", next: token({ list: "oneshot due", range: 1, after: { sort, dueMs: 5 } }) } },
        "query.next: is not a token from a response of this list",
      ],
    ),
    [
      "no batch",
      "POST /batch",
      {},
      'body: is not of the form {"requests": [{"method": "PUT", "path": "/periodic/<id>", "body": {...}}]}',
    ],
    ["an empty batch", "POST /batch", { body: { requests: [] } }, "body.requests: is not 1 to 25 requests"],
    [
      "a condition in the query of a PUT",
      "PUT /periodic/{id}",
      { id: "tea", body: {}, query: { ifVersion: "v1" } },
      "query: has no parameters: conditions such as ifVersion are fields of the body",
    ],
    [
      "a prefix in the query of a verb on all",
      "POST /periodic",
      { body: { verb: "pause", prefix: "" }, query: { prefix: "report-" } },
      "query: has no parameters: conditions such as ifVersion are fields of the body",
    ],
    [
      "a condition of a pause",
      "POST /periodic/{id}/{verb}",
      { path: { id: "tea", verb: "pause" }, body: { ifVersion: "v1" } },
      "body: has no fields: pause and resume have no conditions",
    ],
    [
      "a condition in the query of a verb",
      "POST /periodic/{id}/{verb}",
      { path: { id: "tea", verb: "resume" }, query: { ifVersion: "v1" } },
      "query: has no parameters",
    ],
    ...(["periodic", "oneshot"] as const).flatMap((kind) =>
      (
        [
          [`GET /${kind}/{id}`, "", "fields", "has no parameters"],
          [`GET /${kind}/{id}/{verb}`, "fires", "count", "has only limit and next"],
          [`GET /${kind}/{id}/{verb}`, "preview", "limit", "has only count"],
          [`GET /${kind}/{id}/{verb}`, "audit", "since", "has only sinceSeconds and lateSeconds"],
          [`POST /${kind}/{id}/{verb}`, "preview", "limit", "has only count"],
          [`POST /${kind}/{id}/{verb}`, "fire", "fireId", "has no parameters"],
        ] as const
      ).map(([route, verb, name, message]): [string, ApiRouteName, Partial<RawRequest>, string] => [
        `a parameter that the route does not have, of ${route} ${verb}`,
        route,
        { path: { id: "tea", verb }, query: { [name]: "5" }, body: {} },
        `query: ${message}`,
      ]),
    ),
  ])("rejects %s with the field and the reason", async (_, route, request, message) => {
    expect(await call(route, request)).toEqual([400, { error: "BadRequest", message }]);
  });

  it("honours any shard, and has those beyond the configured number dispatched", async () => {
    const recordShardCount = jest.fn((count: number) => Promise.resolve(count));
    ports = { ...ports, table: { ...fake.table, recordShardCount }, shards: 4 };
    const put = (shardId: string) => call("PUT /periodic/{id}", { id: "tea", body: { shardId } });
    for (const shardId of ["shard0", "shard3", "shard4", "shard7"])
      expect(await put(shardId)).toMatchObject([200, { shardId }]);
    expect(recordShardCount.mock.calls).toEqual([[5], [8]]);
    const requests = [{ method: "PUT", path: "/periodic/milk", body: { shardId: "shard9" } }];
    await call("POST /batch", { body: { requests } });
    expect(recordShardCount.mock.calls).toEqual([[5], [8], [10]]);
    for (const shardId of ["shard1000", "shard03", "shard-1", "0", ""])
      expect(await put(shardId)).toMatchObject([400, { message: "body.shardId: is not shard0 to shard999" }]);
  });

  const listSchema = z.object({ timers: z.array(z.object({ id: z.string() })), next: z.string().optional() });

  it("lists page by page, each timer once, ignoring other rows", async () => {
    for (let index = 0; index < 30; index++) {
      await call("PUT /oneshot/{id}", { id: `egg${index}`, body: { delaySeconds: 9_999 } });
      if (index % 2 === 0) await call("PUT /periodic/{id}", { id: `tea${index}`, body: {} });
    }
    for (const [route, count] of [
      ["GET /oneshot", 30],
      ["GET /periodic", 15],
    ] as const) {
      const ids: string[] = [];
      let next: string | undefined;
      do {
        const query = { limit: "7", ...(next !== undefined && { next }) };
        const page = listSchema.parse((await call(route, { query }))[1]);
        expect(page.timers.length).toBeLessThanOrEqual(7);
        ids.push(...page.timers.map(({ id }) => id));
        next = page.next;
      } while (next !== undefined);
      expect([ids.length, new Set(ids).size]).toEqual([count, count]);
    }
  });

  /** All pages of a list: the ids, and the rows that were read. */
  const listAll = async (route: ApiRouteName, query: Readonly<Record<string, string>>) => {
    const ids: string[] = [];
    let rows = 0;
    const list: TimerPorts["table"]["list"] = async (...range) => {
      const page = await fake.table.list(...range);
      rows += page.timers.length;
      return page;
    };
    ports = { ...ports, table: { ...fake.table, list } };
    let next: string | undefined;
    do {
      const [status, body] = await call(route, { query: { ...query, ...(next !== undefined && { next }) } });
      expect([status, body]).toEqual([200, expect.anything()]);
      const page = listSchema.parse(body);
      ids.push(...page.timers.map(({ id }) => id));
      next = page.next;
    } while (next !== undefined);
    return { ids: ids.sort(), rows };
  };

  it("lists by prefix, and reads only those", async () => {
    for (let index = 0; index < 50; index++) {
      await call("PUT /periodic/{id}", { id: `report-${index}`, body: {} });
      await call("PUT /periodic/{id}", { id: `tea-${index}`, body: {} });
    }
    const { ids, rows } = await listAll("GET /periodic", { prefix: "report-4", limit: "3" });
    expect(ids).toEqual(["report-4", ...Array.from({ length: 10 }, (_, digit) => `report-4${digit}`)]);
    expect(rows).toBe(11);
  });

  it("lists by state", async () => {
    await call("PUT /periodic/{id}", { id: "tea", body: {} });
    await call("PUT /periodic/{id}", { id: "milk", body: { enabled: false } });
    await call("PUT /periodic/{id}", { id: "soup", body: { every: "1 hour", endAt: "2026-11-21T08:00:00Z" } });
    expect(await listAll("GET /periodic", { state: "scheduled" })).toMatchObject({ ids: ["soup", "tea"] });
    expect(await listAll("GET /periodic", { state: "paused" })).toMatchObject({ ids: ["milk"] });
    expect(await listAll("GET /periodic", { state: "ended" })).toMatchObject({ ids: [] });
    expect(await listAll("GET /periodic", { dueBefore: "2026-11-21T07:40:00Z" })).toMatchObject({ ids: ["tea"] });
  });

  it("lists one-shots that are due before a time, by prefix", async () => {
    const at = "2026-11-21T08:00:00.000Z";
    for (const id of ["egg-1", "roast"]) await call("PUT /oneshot/{id}", { id, body: { at } });
    expect(await listAll("GET /oneshot", { dueBefore: at })).toMatchObject({ ids: [] });
    const later = { dueBefore: "2026-11-21T08:00:00.001Z" };
    expect(await listAll("GET /oneshot", later)).toMatchObject({ ids: ["egg-1", "roast"] });
    expect(await listAll("GET /oneshot", { ...later, prefix: "egg-" })).toMatchObject({ ids: ["egg-1"] });
  });

  it("lists a one-shot whose time has passed and whose jitter has not", async () => {
    const body = { at: "2026-11-21T06:55:31Z", jitterSeconds: 300 };
    for (let index = 0; index < 9; index++) await call("PUT /oneshot/{id}", { id: `egg-${index}`, body });
    ports = {
      ...ports,
      now: () => NOW + 60_000,
      cursors: { get: () => Promise.resolve(new Map([["shard0", { cursor: NOW + 120_000 }]])) },
    };
    const { ids } = await listAll("GET /oneshot", { state: "scheduled" });
    expect(ids.length).toBeGreaterThan(1);
  });

  it.each([
    ["billing", "default"],
    ["default", "billing"],
  ])(
    "shows what the queue of %s has not accepted as overdue, and lists it, while others have fired",
    async (behind, other) => {
      for (const callback of [behind, other])
        await call("PUT /oneshot/{id}", { id: callback, body: { delaySeconds: 900, callback } });
      const cursor = { cursor: NOW + 3_720_000, behind: { [behind]: { cursor: NOW + 600_000 } } };
      const cursors = { get: () => Promise.resolve(new Map([["shard0", cursor]])) };
      ports = { ...ports, now: () => NOW + 3_600_000, cursors };
      expect((await listAll("GET /oneshot", { state: "scheduled" })).ids).toEqual([behind]);
      const due = new Date(NOW + 900_000).toISOString();
      for (const [id, nextFireAt] of [
        [other, null],
        [behind, due],
      ] as const)
        expect((await call("GET /oneshot/{id}", { id }))[1]).toMatchObject({ nextFireAt });
      // Paused, it does not fire once the queue accepts it.
      const [, paused] = await call("POST /oneshot/{id}/{verb}", { path: { id: behind, verb: "pause" } });
      expect(paused).toMatchObject({ state: "paused" });
    },
  );

  it("leaves time for its answer when it sends fires", async () => {
    const deadlines: number[] = [];
    const send: TimerPorts["queue"]["send"] = (fires, deadline) => {
      deadlines.push(deadline - NOW);
      return fake.queue.send(fires, deadline);
    };
    ports = { ...ports, queue: { send } };
    for (const remaining of [29_000, 8_000])
      await call("PUT /oneshot/{id}", {
        id: `egg-${remaining}`,
        body: { delaySeconds: 60 },
        deadline: NOW + remaining,
      });
    expect(deadlines).toEqual([5_000, 2_000]);
  });

  it.each([{ state: "scheduled" }, { dueBefore: "2026-11-22T00:00:00Z" }])(
    "lists one-shots that are due next, and reads none of those that have fired: %j",
    async (query) => {
      const before = ports;
      ports = { ...ports, now: () => NOW - 3_600_000 };
      for (let index = 0; index < 100; index++)
        await call("PUT /oneshot/{id}", { id: `fired-${index}`, body: { at: "2026-11-20T00:00:00Z" } });
      ports = before;
      await call("PUT /oneshot/{id}", { id: "soon", body: { delaySeconds: 60 } });
      await call("PUT /oneshot/{id}", { id: "jittered", body: { at: "1970-01-01T00:00:00Z", jitterSeconds: 300 } });
      await call("PUT /oneshot/{id}", { id: "later", body: { delaySeconds: 9_999 } });
      ports = {
        ...ports,
        queue: { send: (fires) => Promise.resolve({ unsent: fires, rejected: [], errors: [] }) },
      };
      await call("PUT /oneshot/{id}", { id: "overdue", body: { at: "2026-11-21T06:50:00Z" } });
      const { ids, rows } = await listAll("GET /oneshot", { ...query, limit: "2" });
      expect(ids).toEqual(["jittered", "later", "overdue", "soon"]);
      expect(rows).toBe(4);
    },
  );

  it("continues a list of what is due next although time has passed", async () => {
    for (let index = 0; index < 5; index++)
      await call("PUT /oneshot/{id}", { id: `egg${index}`, body: { delaySeconds: 10 + index } });
    const [, first] = await call("GET /oneshot", { query: { state: "scheduled", limit: "2" } });
    ports = { ...ports, now: () => NOW + 3_600_000, cursors: { get: () => Promise.resolve(new Map()) } };
    const { next = "" } = listSchema.parse(first);
    expect(await call("GET /oneshot", { query: { state: "scheduled", next } })).toMatchObject([200, { timers: [] }]);
  });

  it("limits the size of a list response", async () => {
    const timerCallbackData = "x".repeat(60_000);
    for (let index = 0; index < 120; index++)
      await call("PUT /oneshot/{id}", { id: `egg${index}`, body: { delaySeconds: 9_999, timerCallbackData } });
    const [, page] = await call("GET /oneshot", { query: { limit: "20" } });
    expect(listSchema.parse(page).timers).toHaveLength(20);
    const list: TimerPorts["table"]["list"] = (range, _, after) => fake.table.list(range, 16, after);
    ports = { ...ports, table: { ...fake.table, list } };
    const [, long] = await call("GET /oneshot", { query: { limit: "1000" } });
    expect(JSON.stringify(long).length).toBeLessThan(4_500_000);
    expect(listSchema.parse(long).next).toBeDefined();
  });

  it("counts a list as it is sent: each quote in a response's text takes two bytes, four when it is escaped", async () => {
    const timerCallbackData = '"'.repeat(32_000);
    for (let index = 0; index < 70; index++)
      await call("PUT /oneshot/{id}", { id: `egg${index}`, body: { delaySeconds: 9_999, timerCallbackData } });
    const ids: string[] = [];
    let next: string | undefined;
    do {
      const [, body] = await call("GET /oneshot", { query: { limit: "1000", ...(next !== undefined && { next }) } });
      const sent = { statusCode: 200, headers: {}, body: JSON.stringify(body) };
      expect(Buffer.byteLength(JSON.stringify(sent))).toBeLessThan(6_000_000);
      const page = listSchema.parse(body);
      ids.push(...page.timers.map(({ id }) => id));
      next = page.next;
    } while (next !== undefined);
    expect([ids.length, new Set(ids).size]).toEqual([70, 70]);
  });

  it("runs batch requests independently, with the same responses as single ones", async () => {
    await call("PUT /oneshot/{id}", { id: "old", body: { delaySeconds: 9_999 } });
    const requests = [
      { method: "PUT", path: "/periodic/tea", body: { minuteOfHour: 5 } },
      { method: "PUT", path: "/periodic/milk", body: { minuteOfHour: 75 } },
      { method: "PUT", path: "/oneshot/egg", body: { delaySeconds: 60 } },
      { method: "PUT", path: "/periodic/sugar" },
      { method: "DELETE", path: "/oneshot/old" },
      { method: "PUT", path: "/oneshot/egg:2", body: { delaySeconds: 60, ifVersion: "v0" } },
      { method: "DELETE", path: "/oneshot/a%20b" },
      { method: "DELETE", path: "/bells/big" },
      { method: "POST", path: "/oneshot/a" },
      7,
    ];
    expect(await call("POST /batch", { body: { requests } })).toMatchObject([
      200,
      {
        results: [
          { status: 200, body: { timeShardId: "05:tea" } },
          { status: 400, body: { message: "body.minuteOfHour: is not a minute of 0 to 59" } },
          { status: 200, body: { nextFireAt: "2026-11-21T06:56:30.250Z" } },
          { status: 400, body: "invalid request, you are missing the parameter body" },
          { status: 200, body: "old" },
          { status: 409, body: { error: "Conflict" } },
          { status: 400, body: { message: expect.stringMatching(/^path\.id: /) as unknown } },
          { status: 400, body: { message: "body.requests.7.path: is not /periodic/<id> or /oneshot/<id>" } },
          { status: 400, body: { message: "body.requests.8.method: is not PUT or DELETE" } },
          {
            status: 400,
            body: { message: expect.stringMatching(/^body\.requests\.9: is not of the form /) as unknown },
          },
        ],
      },
    ]);
    expect([...fake.rows.keys()].sort()).toEqual(["oneshot#egg", "periodic#tea"]);
    expect(failures).toEqual([]);
  });

  it("lists and batches only what the caller's scope includes", async () => {
    for (const id of ["a-1", "b-1", "a-2"]) await call("PUT /oneshot/{id}", { id, body: { delaySeconds: 600 } });
    const caller = "arn:aws:sts::111122223333:assumed-role/a/session";
    const scope = scopeOf(caller, { "arn:aws:iam::111122223333:role/a": ["a-"] });
    const [, listed] = await call("GET /oneshot", { scope });
    expect(listed).toMatchObject({ timers: [{ id: "a-1" }, { id: "a-2" }] });
    const corrupt = ["a-3", "b-3"].map((id) => ({ kind: "oneshot" as const, id, error: new Error("no version") }));
    const list = () => Promise.resolve({ timers: [], keys: [], corrupt });
    ports = { ...ports, table: { ...fake.table, list } };
    const unreadable = z.object({ unreadable: z.array(z.object({ id: z.string() })) });
    const ids = unreadable.parse((await call("GET /oneshot", { scope }))[1]).unreadable.map(({ id }) => id);
    expect(new Set(ids)).toEqual(new Set(["a-3"]));
    ports = { ...ports, table: fake.table };
    const requests = ["a-1", "b-1", "b%2D1"].map((id) => ({ method: "DELETE", path: `/oneshot/${id}` }));
    const [, answers] = await call("POST /batch", { scope, body: { requests: requests.slice(0, 2) } });
    expect(answers).toMatchObject({ results: [{ status: 200 }, { status: 403 }] });
    const [, encoded] = await call("POST /batch", { scope, body: { requests: requests.slice(2) } });
    expect(encoded).toMatchObject({ results: [{ status: 403 }] });
    expect((await call("GET /oneshot/{id}", { id: "b-1" }))[0]).toBe(200);
  });

  it("refuses conditions of a batch that it would ignore", async () => {
    for (const id of ["tea", "milk"]) await call("PUT /periodic/{id}", { id, body: {} });
    const requests = [
      { method: "PUT", path: "/periodic/tea", body: { every: "1 day" }, ifVersion: "v9" },
      { method: "DELETE", path: "/periodic/milk", body: { ifVersion: "v9" } },
    ];
    expect(await call("POST /batch", { body: { requests } })).toMatchObject([
      200,
      {
        results: [
          { status: 400, body: { message: "body.requests.0.ifVersion: is only for DELETE: a PUT has it in its body" } },
          {
            status: 400,
            body: { message: "body.requests.1.body: is only for PUT: a DELETE has ifVersion beside its path" },
          },
        ],
      },
    ]);
    expect([...fake.rows.values()].map(({ version }) => version)).toEqual(["v1", "v2"]);
  });

  it("fails only the failing requests of a batch", async () => {
    const broken = Object.assign(new Error("slow down"), { name: "ThrottlingException" });
    const table = { ...fake.table, delete: () => Promise.reject(broken) };
    ports = { ...ports, table };
    const requests = [
      { method: "DELETE", path: "/periodic/tea" },
      { method: "PUT", path: "/periodic/milk", body: {} },
    ];
    expect(await call("POST /batch", { body: { requests } })).toMatchObject([
      200,
      { results: [{ status: 429, body: { error: "TooManyRequests" } }, { status: 200 }] },
    ]);
  });

  it.each(["/periodic/tea-2", "/periodic/tea%2D2", "/periodic/%74ea-2"])(
    "rejects duplicates in a batch: %s",
    async (path) => {
      const one = { method: "DELETE", path: "/periodic/tea-2" };
      expect(await call("POST /batch", { body: { requests: [one, { ...one, path }] } })).toEqual([
        400,
        { error: "BadRequest", message: "body.requests.1.path: is a duplicate" },
      ]);
    },
  );
});
