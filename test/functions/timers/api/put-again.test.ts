/** What a second PUT does: retries, PUTs that change nothing, and what GET has answered. */

import type { PeriodicInput } from "../../../../functions/timers/api/api-types";
import type { TimerPorts } from "../../../../functions/timers/api/routes";
import type { ApiRouteName } from "../../../../functions/timers/contract";
import { callRoute, fakeTimers, type FakeTimers } from "../../../support/fake-timers";
import fc from "../../../support/fast-check";

/** As in an alarm at 18:57:05 for a daily timer of 18:57. */
const NOW = Date.parse("2026-11-21T18:56:30.250Z");

describe("a PUT again", () => {
  let fake: FakeTimers;
  let now: number;
  let versions: number;
  beforeEach(() => {
    fake = fakeTimers();
    now = NOW;
    versions = 0;
  });

  async function call(
    route: ApiRouteName,
    path: string | Readonly<Record<string, string>>,
    body?: unknown,
    headers: Readonly<Record<string, string>> = {},
  ) {
    const text = body === undefined ? "" : typeof body === "string" ? body : JSON.stringify(body);
    const ports: TimerPorts = {
      ...fake,
      cursors: { get: () => Promise.resolve(new Map()) },
      now: () => now,
      newVersion: () => `v${++versions}`,
      shards: 1,
      onFailure: (error) => {
        throw error;
      },
    };
    const parsedBody: unknown = text === "" ? undefined : JSON.parse(text);
    const response = await callRoute(ports, route, {
      path: typeof path === "string" ? { id: path } : path,
      headers,
      body: parsedBody,
      text,
    });
    return [response.status, response.text] as const;
  }
  const parsed = ([status, text]: readonly [number, string]) => ({ status, body: JSON.parse(text) as unknown });
  const put = async (body: unknown, headers?: Readonly<Record<string, string>>) =>
    parsed(await call("PUT /periodic/{id}", "tea", body, headers));

  it("of the same body keeps the version and the fires that are under way", async () => {
    const daily = { cron: "57 18 * * ? *", jitterSeconds: 60, timerCallbackData: { order: 7 } };
    const first = await put(daily);
    expect(fake.sent).toHaveLength(1);
    now += 35_000;
    const again = await put(daily);
    expect(again.body).toMatchObject({ version: "v1" });
    expect(again.body).toMatchObject({ putAt: (first.body as { putAt: string }).putAt });
    expect(fake.sent).toHaveLength(1);
  });

  it("of other data between a scheduled time and its due time has that fire, and those of before it no more", async () => {
    const minutely = { cron: "* * * * ? *", jitterSeconds: 300 };
    await put(minutely);
    now += 4 * 60_000;
    // In the order of their due times some of these minutes are due, others are not.
    const due = new Map(fake.sent.map((fire) => [fire.fireId.split("#").at(-1), fire.due]));
    const coming = [...due].filter(([, at]) => at > now);
    const before = coming.filter(([time = ""]) => Date.parse(time) <= now);
    expect(before).not.toHaveLength(0);
    expect(due.size - coming.length).toBeGreaterThan(0);
    fake.sent.splice(0);
    await put({ ...minutely, timerCallbackData: 7 });
    const sent = new Map(fake.sent.map((fire) => [fire.fireId.split("#").at(-1), fire.due]));
    expect([...sent]).toEqual(expect.arrayContaining(coming));
    expect(Math.min(...sent.values())).toBeGreaterThan(now);
    expect(new Set(fake.sent.map(({ version, data }) => `${version} ${data}`))).toEqual(new Set(["v2 7"]));
  });

  it("previews what a paused timer fires when it is resumed", async () => {
    const minutely = { cron: "* * * * ? *", jitterSeconds: 300 };
    await put({ ...minutely, enabled: false });
    now += 4 * 60_000;
    const preview = parsed(await call("GET /periodic/{id}/{verb}", { id: "tea", verb: "preview" }));
    await put({ ...minutely, enabled: true });
    const sent = fake.sent.map(({ due }) => new Date(due).toISOString()).sort();
    expect((preview.body as { fires: string[] }).fires).toEqual(sent.slice(0, 10));
  });

  it.each<[string, PeriodicInput, PeriodicInput]>([
    ["its data", { every: "1 hour" }, { every: "1 hour", timerCallbackData: 7 }],
    ["its period", { every: "1 hour" }, { every: "2 hours" }],
    ["its second", { every: "1 hour", secondOfMinute: 5 }, { every: "1 hour", secondOfMinute: 6 }],
    ["its minute", { minuteOfHour: 5, enabled: true }, { minuteOfHour: 6, enabled: true }],
    ["its start", { every: "1 hour" }, { every: "1 hour", startAt: "2026-11-22T00:00:00Z" }],
    ["its end", { every: "1 hour" }, { every: "1 hour", endAt: "2026-11-22T00:00:00Z" }],
    ["its shard", { every: "1 hour" }, { every: "1 hour", shardId: "shard7" }],
    ["a policy", { every: "1 hour" }, { every: "1 hour", catchUp: "latest" }],
    ["its number of fires", { every: "1 hour", maxFires: 5 }, { every: "1 hour", maxFires: 6 }],
    ["its time zone", { cron: "0 9 * * ? *" }, { cron: "0 9 * * ? *", timeZone: "Europe/Berlin" }],
    ["its jitter", { every: "1 hour" }, { every: "1 hour", jitterSeconds: 1 }],
    ["whether it fires", { every: "1 hour" }, { every: "1 hour", enabled: false }],
  ])("that changes %s replaces it", async (_, before, after) => {
    await put(before);
    now += 3_000;
    expect((await put(after)).body).toMatchObject({ version: "v2" });
    now += 3_000;
    expect((await put(after)).body).toMatchObject({ version: "v2" });
  });

  it("is free for any body that is not relative to now", async () => {
    const time = fc.integer({ min: NOW + 86_400_000, max: NOW + 9e9 }).map((at) => new Date(at).toISOString());
    const bodies = fc.record(
      {
        timerCallbackData: fc.jsonValue(),
        jitterSeconds: fc.integer({ min: 0, max: 300 }),
        startAt: time,
        maxFires: fc.integer({ min: 1, max: 500 }),
        enabled: fc.boolean(),
      },
      { requiredKeys: [] },
    );
    const schedules = fc.oneof(
      fc.record({ minuteOfHour: fc.integer({ min: 0, max: 59 }) }),
      fc.record(
        {
          every: fc.integer({ min: 1, max: 500 }).map((minutes) => `${minutes} minutes`),
          secondOfMinute: fc.integer({ min: 0, max: 59 }),
        },
        { requiredKeys: ["every"] },
      ),
      fc.record({
        cron: fc.constantFrom("0 9 ? * MON-FRI *", "*/5 * * * ? *"),
        timeZone: fc.constant("Europe/Berlin"),
      }),
    );
    await fc.assert(
      fc.asyncProperty(bodies, schedules, fc.integer({ min: 1, max: 9e6 }), async (body, schedule, later) => {
        fake = fakeTimers();
        now = NOW;
        const [, first] = await call("PUT /periodic/{id}", "tea", { ...body, ...schedule });
        now += later;
        const [, again] = await call("PUT /periodic/{id}", "tea", {
          ...body,
          ...schedule,
          enabled: body.enabled ?? true,
        });
        const version = (text: string) => (JSON.parse(text) as { version?: string }).version;
        expect(version(again)).toBe(version(first) ?? [...fake.rows.values()][0]?.version);
        // What GET answers can be put back.
        const [, stored] = await call("GET /periodic/{id}", "tea");
        expect(await call("PUT /periodic/{id}", "tea", stored)).toEqual([
          200,
          expect.stringContaining(version(again) ?? "?"),
        ]);
        expect(version((await call("GET /periodic/{id}", "tea"))[1])).toBe(version(again));
      }),
      { numRuns: 60 },
    );
  });

  it("keeps a timer that has ended, whose PUT would be rejected as a new one", async () => {
    const ending = { every: "1 minute", endAt: "2026-11-21T19:00:00Z" };
    await put(ending);
    now += 3_600_000;
    expect(await put(ending)).toMatchObject({ status: 200, body: { version: "v1", nextFireAt: null } });
    expect(await put({ ...ending, timerCallbackData: 7 })).toMatchObject({
      status: 400,
      body: { message: "body.endAt: the timer would never fire" },
    });
  });

  it("of a one-shot that has fired does not fire again", async () => {
    const at = { at: "2026-11-21T18:57:00Z" };
    await call("PUT /oneshot/{id}", "egg", at);
    now += 3_600_000;
    await call("PUT /oneshot/{id}", "egg", at);
    expect(fake.sent).toHaveLength(1);
    await call("PUT /oneshot/{id}", "egg", { delaySeconds: 5 });
    expect(fake.sent).toHaveLength(2);
  });

  it("with its version in ifVersion keeps it too, when nothing changes", async () => {
    const body = { cron: "57 18 * * ? *", jitterSeconds: 60 };
    const first = await put(body);
    now += 7_000;
    expect(await put({ ...body, ifVersion: "v1" })).toEqual(first);
    expect(await put({ ...body, ifVersion: "v0" })).toMatchObject({ status: 409 });
    expect(await put({ ...body, ifVersion: "v1", jitterSeconds: 5 })).not.toEqual(first);
  });

  it("of what GET answers changes nothing, also when an hour begins between two seconds", async () => {
    await put({ every: "60 minutes", startAt: "2026-11-22T18:56:30.250Z" });
    const [, stored] = await call("GET /periodic/{id}", "tea");
    expect(JSON.parse(stored)).toMatchObject({ version: "v1", schedule: { every: "1 hour" }, timeShardId: "56:tea" });
    expect(await put(JSON.parse(stored) as object)).toMatchObject({ status: 200, body: { version: "v1" } });
  });

  it("of what GET answers with another schedule beside has that one", async () => {
    await put({ cron: "0 9 * * ? *", timeZone: "Europe/Berlin" });
    const [, stored] = await call("GET /periodic/{id}", "tea");
    const changed = { ...(JSON.parse(stored) as object), every: "2 days" };
    expect(await put(changed)).toMatchObject({ status: 200, body: { version: "v2", schedule: { every: "2 days" } } });
  });

  it.each(["rate(15 minutes)", null, ["0 9 * * ? *"], 7])(
    "is refused with a schedule that is none: it would fire each hour: %j",
    async (schedule) => {
      const [status, text] = await call("PUT /periodic/{id}", "tea", { schedule });
      expect([status, text]).toEqual([400, expect.stringContaining("body.schedule: is not an object such as")]);
    },
  );

  describe("with its idempotency key", () => {
    const key = { "idempotency-key": "3a5c" };

    it("refuses another body: the answer would say that it is stored", async () => {
      const putEgg = async (delaySeconds: number, headers: typeof key) => {
        const [status] = await call("PUT /oneshot/{id}", "egg", { delaySeconds }, headers);
        return status;
      };
      expect([await putEgg(150, key), await putEgg(151, key)]).toEqual([200, 409]);
      expect(await putEgg(151, { "idempotency-key": "3a5" })).toBe(200);
    });

    it("answers the same, and fires once", async () => {
      const first = await call("PUT /oneshot/{id}", "egg", { delaySeconds: 150 }, key);
      now += 7_000;
      expect(await call("PUT /oneshot/{id}", "egg", { delaySeconds: 150 }, key)).toEqual(first);
      expect(new Set(fake.sent.map(({ fireId }) => fireId)).size).toBe(1);
    });

    it("succeeds after the lost answer to a PUT with ifVersion", async () => {
      const body = { every: "1 hour", ifVersion: null };
      const first = await put(body, key);
      expect(await put(body, key)).toEqual(first);
      expect(await put(body, { "idempotency-key": "other" })).toMatchObject({ status: 409 });
    });

    it("is kept for each timer of a batch", async () => {
      const requests = ["a", "b"].map((id) => ({ method: "PUT", path: `/oneshot/${id}`, body: { delaySeconds: 60 } }));
      const first = await call("POST /batch", "", { requests }, key);
      now += 7_000;
      expect(await call("POST /batch", "", { requests }, key)).toEqual(first);
      const own = requests.map((request) => ({ ...request, idempotencyKey: "other" }));
      expect(await call("POST /batch", "", { requests: own }, key)).not.toEqual(first);
    });

    it.each(["", "a b", "x".repeat(256), "ü"])("rejects %j", async (invalid) => {
      expect(await put({}, { "idempotency-key": invalid })).toMatchObject({
        status: 400,
        body: { message: "headers.idempotency-key: is not 1 to 255 ASCII characters without spaces" },
      });
    });
  });

  describe("and GET, list and batch have the data as it was sent:", () => {
    it.each([
      "12345678901234567890",
      "1e400",
      "[0.1234567890123456789012345,-0,1E-7]",
      '{"__proto__":{"a":1},"constructor":null}',
      '{"2":1,"1":2}',
      '"\\ud800 </script>"',
      "[".repeat(100) + "]".repeat(100),
    ])("%s", async (data) => {
      const body = `{ "timerCallbackData" : ${data} , "delaySeconds": 60 }`;
      const answers = [
        await call("PUT /oneshot/{id}", "egg", body),
        await call("GET /oneshot/{id}", "egg"),
        await call("GET /oneshot", ""),
        await call("POST /batch", "", `{"requests":[{"method":"PUT","path":"/oneshot/egg2","body":${body}}]}`),
      ];
      for (const [status, text] of answers) {
        expect(status).toBe(200);
        expect(text).toContain(`"timerCallbackData":${data}`);
      }
      expect(fake.sent.map((fire) => fire.data)).toEqual([data, data]);
    });

    it.each([["[".repeat(101) + "]".repeat(101)], [`${'{"a":'.repeat(2_500)}1${"}".repeat(2_500)}`]])(
      "%s is nested too deep",
      async (data) => {
        const body = `{"timerCallbackData":${data},"delaySeconds":60}`;
        const problem = "is nested deeper than 100 levels";
        expect(await call("PUT /oneshot/{id}", "egg", body)).toEqual([400, expect.stringContaining(problem)]);
        const requests = `{"requests":[{"method":"PUT","path":"/oneshot/egg","body":${body}}]}`;
        expect(await call("POST /batch", "", requests)).toEqual([200, expect.stringContaining(problem)]);
        expect(fake.rows.size).toBe(0);
      },
    );
  });

  it.each<[unknown, string]>([
    [{ cron: "0 9 * * ? 2020" }, "body.cron: the timer would never fire"],
    [{ every: "1 hour", endAt: "2026-11-21T18:00:00Z" }, "body.endAt: the timer would never fire"],
    [{ cron: "0 9 1 1 ? *", endAt: "2026-12-01T00:00:00Z" }, "body.endAt: the timer would never fire"],
    [{ cron: "0 9 * * ? 2199", startAt: "2200-01-01T00:00:00Z" }, "body.cron: the timer would never fire"],
    [{ cron: `0 9 ? * ${"MON,".repeat(10_000)}TUE *` }, "body.cron: is longer than 256 characters"],
    [
      { cron: "0 9 * * ? *", timeZone: "x".repeat(40_000) },
      'body.timeZone: is not an IANA time zone such as "Europe/Berlin"',
    ],
    [{ id: "milk" }, "body.id: is not the id in the path"],
  ])("rejects %j", async (body, message) => {
    expect(await put(body)).toMatchObject({ status: 400, body: { message } });
  });
});
