/** What can be done with a stored timer, through the routes. */
import * as z from "zod";

import type { RawRequest } from "../../../../functions/shared/handlers/rest-handler";
import type { TimerPorts } from "../../../../functions/timers/api/routes";
import { scopeOf } from "../../../../functions/shared/handlers/scopes";
import type { ApiRouteName } from "../../../../functions/timers/contract";
import { fireAt, fireNow, isFireOf, planEnqueue } from "../../../../functions/timers/schedule/fire-times";
import { CorruptRowError } from "../../../../functions/timers/storage/timer-row";
import { callRoute, fakeTimers, type FakeTimers } from "../../../support/fake-timers";

const page = z.object({ changed: z.number(), failures: z.array(z.unknown()), next: z.string().optional() });
const timerShape = z.looseObject({ id: z.string() });

const NOW = Date.parse("2026-11-21T06:55:30.250Z");
const MINUTE = 60_000;

describe("a stored timer", () => {
  let fake: FakeTimers;
  let ports: TimerPorts;
  let now: number;
  beforeEach(() => {
    fake = fakeTimers();
    now = NOW;
    let versions = 0;
    ports = {
      ...fake,
      cursors: { get: () => Promise.resolve(new Map([["shard0", { cursor: now + 2 * MINUTE }]])) },
      now: () => now,
      newVersion: () => `v${++versions}`,
      shards: 1,
      onFailure: () => undefined,
    };
  });

  async function call(route: ApiRouteName, path: Record<string, string>, request: Partial<RawRequest> = {}) {
    const { status, text } = await callRoute(ports, route, { path, ...request });
    return [status, JSON.parse(text) as unknown] as const;
  }
  const put = (id: string, body: object) => call("PUT /periodic/{id}", { id }, { body });
  const get = async (id: string) => (await call("GET /periodic/{id}", { id }))[1];
  const act = (verb: string, id = "tea", request: Partial<RawRequest> = {}) =>
    call("POST /periodic/{id}/{verb}", { id, verb }, request);
  const read = (verb: string, query: Record<string, string> = {}, id = "tea") =>
    call("GET /periodic/{id}/{verb}", { id, verb }, { query });

  it.each(["fire", "pause", "resume"])("that does not exist is answered 404: %s", async (verb) => {
    expect(await act(verb)).toEqual([404, "tea"]);
  });

  it("has the verbs that there are", async () => {
    expect(await act("stop")).toMatchObject([400, { message: "path.verb: is not fire, pause, resume or preview" }]);
    expect(await read("log")).toMatchObject([400, { message: "path.verb: is not fires, preview or audit" }]);
  });

  describe("fired by request", () => {
    it("is due now, once for one idempotency key, to its callback", async () => {
      await put("tea", { every: "1 day", callback: "billing", timerCallbackData: { order: 7 } });
      const headers = { "idempotency-key": "3a5c" };
      const fired = await act("fire", "tea", { headers });
      expect(fired).toEqual([200, { fireId: "periodic#tea#v1#now-3a5c", dueAt: "2026-11-21T06:55:30.250Z" }]);
      await act("fire");
      now += 10;
      expect(await act("fire", "tea", { headers })).toEqual(fired);
      // Also of another version.
      await put("tea", { every: "2 days", callback: "billing" });
      expect(await act("fire", "tea", { headers })).toEqual(fired);
      expect(fake.sent).toMatchObject([
        { fireId: "periodic#tea#v1#now-3a5c", due: NOW, callback: "billing", data: '{"order":7}' },
        { fireId: "periodic#tea#v1#now-v3" },
      ]);
    });

    it("has its idempotency keys for itself, one for each request", async () => {
      await put("tea", { minuteOfHour: 50 });
      await put("milk", { minuteOfHour: 50 });
      const headers = { "idempotency-key": "3a5c" };
      now += 60 * MINUTE;
      await act("fire", "tea", { headers });
      await act("fire", "milk", { headers });
      const message = "the idempotency key is that of a request for another fire";
      const body = { fireId: "periodic#tea#v1#2026-11-21T07:50:00.000Z" };
      expect(await act("fire", "tea", { headers, body })).toMatchObject([409, { error: "Conflict", message }]);
      const again = { headers: { "idempotency-key": "77" }, body };
      expect(await act("fire", "tea", again)).toEqual(await act("fire", "tea", again));
      expect(await act("fire", "tea", { headers: again.headers })).toMatchObject([409, { message }]);
      expect(fake.sent.map(({ fireId }) => fireId)).toEqual([
        "periodic#tea#v1#now-3a5c",
        "periodic#milk#v2#now-3a5c",
        body.fireId,
      ]);
    });

    it("is sent once by requests that arrive together: the later ones are to try again", async () => {
      await put("tea", { every: "1 day" });
      const headers = { "idempotency-key": "3a5c" };
      const statuses = await Promise.all([1, 2, 3].map(async () => (await act("fire", "tea", { headers }))[0]));
      expect(statuses.sort()).toEqual([200, 429, 429]);
      expect(await act("fire", "tea", { headers })).toMatchObject([200, { fireId: "periodic#tea#v1#now-3a5c" }]);
      expect(fake.sent).toHaveLength(1);
    });

    it("is sent once while SQS takes its time: the request keeps it for as long as it may send", async () => {
      await put("tea", { every: "1 day" });
      const headers = { "idempotency-key": "3a5c" };
      const answers: (() => void)[] = [];
      const send: TimerPorts["queue"]["send"] = (fires, deadline) =>
        new Promise((resolve) => {
          answers.push(() => {
            resolve(fake.queue.send(fires, deadline));
          });
        });
      ports = { ...ports, queue: { send } };
      const first = act("fire", "tea", { headers });
      await new Promise(setImmediate);
      now += 6_900;
      const second = act("fire", "tea", { headers });
      await new Promise(setImmediate);
      for (const answer of answers) answer();
      expect(await second).toMatchObject([429, { error: "TooManyRequests" }]);
      expect(await first).toMatchObject([200, {}]);
      expect(fake.sent).toHaveLength(1);
    });

    it("is sent by the next request when the one before failed, or died", async () => {
      await put("tea", { every: "1 day" });
      const headers = { "idempotency-key": "3a5c" };
      const { queue, fireRequests } = ports;
      ports = { ...ports, queue: { send: (fires) => Promise.resolve({ unsent: fires, rejected: [], errors: [] }) } };
      expect(await act("fire", "tea", { headers })).toMatchObject([503, {}]);
      const died = () => Promise.reject(new Error("died"));
      ports = { ...ports, queue: { send: died }, fireRequests: { ...fireRequests, release: died } };
      expect(await act("fire", "tea", { headers })).toMatchObject([500, {}]);
      ports = { ...ports, queue, fireRequests };
      expect(await act("fire", "tea", { headers })).toMatchObject([429, { error: "TooManyRequests" }]);
      now += 8_000;
      expect(await act("fire", "tea", { headers })).toMatchObject([200, {}]);
      expect(fake.sent).toHaveLength(1);
    });

    it("is answered 200 though it is not noted that it was sent", async () => {
      await put("tea", { every: "1 day" });
      ports = { ...ports, fireRequests: { ...ports.fireRequests, complete: () => Promise.reject(new Error("slow")) } };
      expect(await act("fire", "tea", { headers: { "idempotency-key": "3a5c" } })).toMatchObject([200, {}]);
    });

    it("is answered 503 when the queue does not accept it", async () => {
      await put("tea", { every: "1 day" });
      ports = { ...ports, queue: { send: (fires) => Promise.resolve({ unsent: fires, rejected: [], errors: [] }) } };
      expect(await act("fire")).toMatchObject([503, { error: "Unavailable" }]);
    });

    it("is answered 409 when its callback is not configured any more: another attempt would not help", async () => {
      await put("tea", { every: "1 day", callback: "billing" });
      const { billing: _, ...callbacks } = ports.callbacks;
      ports = { ...ports, callbacks };
      const message = 'the timer\'s callback "billing" is not configured any more: move the timer to another one';
      expect(await act("fire")).toMatchObject([409, { error: "Conflict", message }]);
      expect(fake.sent).toEqual([]);
    });

    it("is answered 500 when the queue rejects it as invalid", async () => {
      await put("tea", { every: "1 day" });
      const send: TimerPorts["queue"]["send"] = (fires) =>
        Promise.resolve({ unsent: [], rejected: fires.map((fire) => ({ fire, reason: "no" })), errors: [] });
      ports = { ...ports, queue: { send } };
      expect(await act("fire")).toMatchObject([500, { error: "Internal" }]);
    });

    it("can be one of its fires again, of the current version only", async () => {
      await put("tea", { minuteOfHour: 50, jitterSeconds: 30, callback: "default" });
      now += 60 * MINUTE;
      const again = (fireId: unknown) => act("fire", "tea", { body: { fireId } });
      expect(await again("periodic#tea#v1#2026-11-21T07:50:00.000Z")).toMatchObject([
        200,
        { fireId: "periodic#tea#v1#2026-11-21T07:50:00.000Z" },
      ]);
      expect(await again("periodic#tea#v1#now-k")).toMatchObject([200, { fireId: "periodic#tea#v1#now-k" }]);
      const [{ due } = { due: 0 }] = fake.sent;
      expect(due - Date.parse("2026-11-21T07:50:00Z")).toBeGreaterThanOrEqual(0);
      expect(await again("periodic#tea#v0#2026-11-21T07:50:00.000Z")).toMatchObject([
        400,
        { message: "body.fireId: is not a fire of the timer's current version" },
      ]);
      expect(await again("periodic#tea#v1#2026-11-21T08:50:00.000Z")).toMatchObject([
        400,
        { message: "body.fireId: is not due yet" },
      ]);
      now = Date.parse("2026-11-21T08:49:59.999Z");
      expect(await again("periodic#tea#v1#2026-11-21T08:50:00.000Z")).toMatchObject([400, { error: "BadRequest" }]);
      expect(await again(7)).toMatchObject([400, { message: "body.fireId: is not a fire id" }]);
    });

    it.each([
      "soon",
      "2026-11-21T06:51:00.000Z",
      "2025-11-21T06:50:00.000Z",
      "2026-11-21T07:50:00Z",
      "-271821-04-20T00:00:00.000Z",
      "",
    ])("is never one that its schedule does not have: %s", async (time) => {
      await put("tea", { minuteOfHour: 50 });
      now += 2 * 60 * MINUTE;
      expect(await act("fire", "tea", { body: { fireId: `periodic#tea#v1#${time}` } })).toMatchObject([
        400,
        { message: "body.fireId: is not a fire of the timer's current version" },
      ]);
      expect(fake.sent).toHaveLength(0);
    });
  });

  describe("paused", () => {
    it("does not fire after its jitter, though its time has passed", async () => {
      await call("PUT /oneshot/{id}", { id: "egg" }, { body: { at: "1970-01-01T00:00:00Z", jitterSeconds: 300 } });
      now += 1_000;
      await call("POST /oneshot/{id}/{verb}", { id: "egg", verb: "pause" });
      expect(fake.rows.get("oneshot#egg")).toMatchObject({ enabled: false });
    });

    it("does not fire until it is resumed, and keeps everything else", async () => {
      await put("tea", { every: "15 minutes", timerCallbackData: 7, catchUp: "latest" });
      expect(await act("pause")).toMatchObject([
        200,
        { state: "paused", enabled: false, version: "v2", nextFireAt: null },
      ]);
      now += 60 * MINUTE;
      expect(await act("pause")).toMatchObject([200, { version: "v2" }]);
      expect(await act("resume")).toMatchObject([
        200,
        {
          state: "scheduled",
          version: "v3",
          timerCallbackData: 7,
          catchUp: "latest",
          schedule: { every: "15 minutes" },
          nextFireAt: "2026-11-21T08:10:30.000Z",
        },
      ]);
    });

    it("enqueues the fires of the next ten minutes when it is resumed", async () => {
      await put("tea", { every: "2 minutes", enabled: false });
      expect(fake.sent).toEqual([]);
      await act("resume");
      expect(fake.sent).toHaveLength(5);
    });

    it("stays paused when it is put, unless the body has enabled", async () => {
      await put("tea", { every: "15 minutes" });
      await act("pause");
      expect(await put("tea", { every: "15 minutes" })).toMatchObject([200, { version: "v2", state: "paused" }]);
      expect(await put("tea", { every: "20 minutes" })).toMatchObject([
        200,
        { state: "paused", schedule: { every: "20 minutes" } },
      ]);
      expect(await put("tea", { every: "20 minutes", enabled: true })).toMatchObject([200, { state: "scheduled" }]);
    });

    it("fires at once when it is a one-shot whose time has passed", async () => {
      await call("PUT /oneshot/{id}", { id: "egg" }, { body: { delaySeconds: 3_600 } });
      await call("POST /oneshot/{id}/{verb}", { id: "egg", verb: "pause" });
      now += 2 * 60 * MINUTE;
      await call("POST /oneshot/{id}/{verb}", { id: "egg", verb: "resume" });
      expect(fake.sent).toMatchObject([{ id: "egg", due: now }]);
    });

    it("stays as it is when it has ended: a one-shot that has fired does not fire again", async () => {
      await call("PUT /oneshot/{id}", { id: "egg" }, { body: { delaySeconds: 60 } });
      now += 2 * MINUTE;
      for (const verb of ["pause", "resume"])
        expect(await call("POST /oneshot/{id}/{verb}", { id: "egg", verb })).toMatchObject([
          200,
          { state: "ended", version: "v1" },
        ]);
      expect(fake.sent).toHaveLength(1);
    });

    it("wins a race with another change", async () => {
      const headers = { "idempotency-key": "3a5c" };
      await call("PUT /periodic/{id}", { id: "tea" }, { body: { every: "15 minutes" }, headers });
      const { put: write } = fake.table;
      let races = 0;
      const racing: TimerPorts["table"]["put"] = async (timer, indexKey, replaces) => {
        if (races++ === 0)
          await write({ ...timer, requestKey: "3a5c", data: "7", version: "other", enabled: true }, undefined);
        return write(timer, indexKey, replaces);
      };
      ports = { ...ports, table: { ...fake.table, put: racing } };
      expect(await act("pause")).toMatchObject([200, { state: "paused", timerCallbackData: 7 }]);
    });

    it("with all others of a prefix, and resumed with them", async () => {
      for (let index = 0; index < 130; index++) await put(`report-${index}`, {});
      await put("tea", {});
      for (const [verb, state] of [
        ["pause", "paused"],
        ["resume", "scheduled"],
      ]) {
        let changed = 0;
        let next: string | undefined;
        do {
          const [, body] = await call("POST /periodic", {}, { body: { verb, prefix: "report-", next } });
          const result = page.parse(body);
          changed += result.changed;
          next = result.next;
        } while (next !== undefined);
        expect(changed).toBe(130);
        expect(await get("report-129")).toMatchObject({ state });
        expect(await get("tea")).toMatchObject({ state: "scheduled" });
      }
    });

    it("only where the caller's scope includes them", async () => {
      await put("report-1", {});
      await put("tea", {});
      const arn = "arn:aws:iam::111122223333:role/billing";
      const scope = scopeOf("arn:aws:sts::111122223333:assumed-role/billing/session", { [arn]: ["report-"] });
      expect(await call("POST /periodic", {}, { body: { verb: "pause", prefix: "" }, scope })).toMatchObject([
        200,
        { changed: 1 },
      ]);
      expect(await get("tea")).toMatchObject({ state: "scheduled" });
      expect((await call("GET /periodic", {}, { scope }))[1]).toMatchObject({ timers: [{ id: "report-1" }] });
    });

    it("apart from those that fail", async () => {
      await put("report-1", {});
      await put("report-2", {});
      const failing: TimerPorts["table"]["put"] = (timer, ...rest) =>
        timer.id === "report-1"
          ? Promise.reject(Object.assign(new Error("slow down"), { name: "ThrottlingException" }))
          : fake.table.put(timer, ...rest);
      ports = { ...ports, table: { ...fake.table, put: failing } };
      expect(await call("POST /periodic", {}, { body: { verb: "pause", prefix: "" } })).toMatchObject([
        200,
        { changed: 1, failures: [{ id: "report-1", message: expect.any(String) as unknown }] },
      ]);
    });

    it("apart from those that fail for a reason that only the log has", async () => {
      await put("report-1", {});
      const failures: unknown[] = [];
      const fault = new Error("a fault of ours");
      ports = {
        ...ports,
        table: { ...fake.table, put: () => Promise.reject(fault) },
        onFailure: (error) => failures.push(error),
      };
      expect(await call("POST /periodic", {}, { body: { verb: "pause", prefix: "" } })).toMatchObject([
        200,
        { changed: 0, failures: [{ id: "report-1", message: "The request failed; see the logs." }] },
      ]);
      expect(failures).toEqual([fault]);
    });

    it.each([
      [undefined, 'body: is not of the form {"verb": "pause", "prefix": "report-"}'],
      [{ verb: "stop", prefix: "" }, "body.verb: is not pause, resume or move"],
      [{ verb: "pause" }, "body.prefix: is not a string"],
      [{ verb: "pause", prefix: "a b" }, "body.prefix: is not the beginning of an id"],
      [
        { verb: "pause", prefix: "", from: "billing" },
        'body: is not of the form {"verb": "pause", "prefix": "report-"}',
      ],
      [{ verb: "move", prefix: "", to: "default" }, "body.from: is not a string"],
      [{ verb: "move", prefix: "", from: "Billing", to: "default" }, "body.from: is not the name of a callback"],
      [{ verb: "move", prefix: "", from: "gone", to: "shipping" }, "body.to: is not one of default, billing"],
      [{ verb: "move", prefix: "", from: "billing", to: "billing" }, "body.to: is not another callback than body.from"],
    ])("not by an invalid request: %j", async (body, message) => {
      expect(await call("POST /periodic", {}, { body })).toMatchObject([400, { message }]);
    });
  });

  describe("moved to another callback", () => {
    const move = async (from: string, to: string, prefix = "") =>
      (await call("POST /periodic", {}, { body: { verb: "move", prefix, from, to } }))[1];
    const stored = (id = "tea") => {
      const row = fake.rows.get(`periodic#${id}`);
      if (row === undefined) throw new Error("no row");
      return row;
    };
    const fireOf = (scheduled: string, version: string) => ({
      ...fireAt(stored(), Date.parse(scheduled)),
      version,
    });

    it("keeps all but its version; fires that are due and queued stay valid, the others are of the new callback", async () => {
      await put("tea", { every: "2 minutes", callback: "billing", catchUp: 60, timerCallbackData: 7 });
      const before = await get("tea");
      fake.sent.length = 0;
      now += 3 * MINUTE;
      expect(await move("billing", "default")).toEqual({ changed: 1, failures: [] });
      expect(await get("tea")).toEqual({
        ...timerShape.parse(before),
        callback: "default",
        recorded: true,
        version: "v2",
        putAt: new Date(now).toISOString(),
        nextFireAt: "2026-11-21T06:59:30.000Z",
      });
      // With the ids that they had.
      expect(fake.sent.map(({ fireId, version, callback }) => [fireId, version, callback])).toEqual(
        ["06:59", "07:01", "07:03", "07:05", "07:07"].map((time) => [
          `periodic#tea#v1#2026-11-21T${time}:30.000Z`,
          "v2",
          undefined,
        ]),
      );
      const isValid = (scheduled: string, version: string) => isFireOf(stored(), fireOf(scheduled, version));
      expect(isValid("2026-11-21T06:57:30Z", "v1")).toBe(true);
      expect(isValid("2026-11-21T06:59:30Z", "v1")).toBe(false);
      expect(isValid("2026-11-21T06:59:30Z", "v2")).toBe(true);
      expect(isValid("2026-11-21T06:57:30Z", "v0")).toBe(false);
      expect(isFireOf(stored(), { ...fireNow(stored(), "k#k", now), version: "v1" })).toBe(true);
    });

    it("has the fires that the old callback's queue did not accept, in their order", async () => {
      await put("tea", { every: "2 minutes", callback: "billing" });
      ports = {
        ...ports,
        cursors: {
          get: () => {
            const behind = { billing: { cursor: NOW + 11 * MINUTE } };
            return Promise.resolve(new Map([["shard0", { cursor: now + 2 * MINUTE, behind }]]));
          },
        },
      };
      fake.sent.length = 0;
      now += 30 * MINUTE;
      await move("billing", "default");
      expect(fake.sent.slice(0, 2).map(({ fireId }) => fireId)).toEqual([
        "periodic#tea#v1#2026-11-21T07:07:30.000Z",
        "periodic#tea#v1#2026-11-21T07:09:30.000Z",
      ]);
      expect(await read("audit")).toMatchObject([200, { expected: 9 }]);
    });

    it("has what a PUT left overdue, wherever the cursor is", async () => {
      const { queue } = ports;
      const refuseLast: TimerPorts["queue"]["send"] = (fires) =>
        Promise.resolve({ unsent: fires.slice(1), rejected: [], errors: [] });
      ports = { ...ports, queue: { send: refuseLast } };
      await put("tea", { every: "2 minutes", callback: "billing" });
      now += 5 * MINUTE;
      expect(await get("tea")).toMatchObject({ nextFireAt: "2026-11-21T06:59:30.000Z" });
      ports = { ...ports, queue };
      await move("billing", "default");
      expect(fake.sent[0]).toMatchObject({ fireId: "periodic#tea#v1#2026-11-21T06:59:30.000Z" });
    });

    it("can have a fire of before the move again, on the new callback", async () => {
      await put("tea", { every: "2 minutes", callback: "billing" });
      now += 3 * MINUTE;
      await move("billing", "default");
      fake.sent.length = 0;
      const again = (version: string) =>
        act("fire", "tea", { body: { fireId: `periodic#tea#${version}#2026-11-21T06:57:30.000Z` } });
      // One that was due before the move failed on the old callback.
      const early = "periodic#tea#v1#2026-11-21T06:57:30.000Z";
      expect(await again("v1")).toMatchObject([200, { fireId: early, dueAt: "2026-11-21T06:57:30.000Z" }]);
      expect(await again("v2")).toMatchObject([400, { error: "BadRequest" }]);
      now += 2 * MINUTE;
      const later = "periodic#tea#v1#2026-11-21T06:59:30.000Z";
      expect(await act("fire", "tea", { body: { fireId: later } })).toMatchObject([200, { fireId: later }]);
      expect(fake.sent).toMatchObject([
        { fireId: early, version: "v2" },
        { fireId: later, version: "v2" },
      ]);
      expect(fake.sent.map(({ callback }) => callback)).toEqual([undefined, undefined]);
      expect(await act("fire", "tea", { body: { fireId: "periodic#tea#v1#2026-11-21T06:56:30.000Z" } })).toMatchObject([
        400,
        { error: "BadRequest" },
      ]);
    });

    it("fires as often as it would have", async () => {
      await put("tea", { cron: "* * * * ? *", maxFires: 101, callback: "billing" });
      now += 2 * MINUTE;
      await move("billing", "default");
      await move("default", "billing");
      const { fires } = timerShape
        .extend({ fires: z.array(z.string()) })
        .partial()
        .parse((await read("preview"))[1]);
      expect(fires?.[0]).toBe("2026-11-21T06:58:00.000Z");
      // Two have fired, ten are queued.
      expect(await get("tea")).toMatchObject({ firesLeft: 89, maxFires: 101 });
    });

    it("page by page, those that are left when it is asked again, and paused or not", async () => {
      for (let index = 0; index < 130; index++) await put(`report-${index}`, { callback: "billing", minuteOfHour: 5 });
      await act("pause", "report-7");
      const first = page.parse(await move("billing", "default", "report-"));
      expect([first.changed, first.next !== undefined]).toEqual([100, true]);
      expect(page.parse(await move("billing", "default", "report-"))).toEqual({ changed: 30, failures: [] });
      expect(page.parse(await move("billing", "default"))).toEqual({ changed: 0, failures: [] });
      expect(await get("report-7")).toMatchObject({ state: "paused", callback: "default" });
    });

    it("from a callback that is not configured any more", async () => {
      await put("tea", { every: "1 day", callback: "billing" });
      ports = { ...ports, callbacks: { default: fake.callbacks["default"] ?? { queueUrl: "", history: true } } };
      expect((await call("GET /periodic", {}, { query: { callback: "billing" } }))[1]).toMatchObject({
        timers: [{ id: "tea" }],
      });
      expect(await move("billing", "default")).toEqual({ changed: 1, failures: [] });
      expect((await call("GET /periodic", {}, { query: { callback: "billing" } }))[1]).toEqual({ timers: [] });
    });

    it("by a PUT of the same timer, which changes nothing else", async () => {
      const body = { every: "2 minutes", timerCallbackData: 7 };
      await put("tea", body);
      now += 3 * MINUTE;
      fake.sent.length = 0;
      expect(await put("tea", { ...body, callback: "billing" })).toMatchObject([
        200,
        { version: "v2", callback: "billing", nextFireAt: "2026-11-21T06:59:30.000Z" },
      ]);
      expect(fake.sent[0]).toMatchObject({ fireId: "periodic#tea#v1#2026-11-21T06:59:30.000Z", callback: "billing" });
      expect(isFireOf(stored(), fireOf("2026-11-21T06:57:30Z", "v1"))).toBe(true);
      // Other data are another timer.
      await put("tea", { ...body, timerCallbackData: 8 });
      expect(isFireOf(stored(), fireOf("2026-11-21T06:57:30Z", "v1"))).toBe(false);
    });

    it("also when it is put by version, and stays paused", async () => {
      await put("tea", { every: "2 minutes", enabled: false });
      expect(await put("tea", { every: "2 minutes", callback: "billing", ifVersion: "v1" })).toMatchObject([
        200,
        { state: "paused", callback: "billing" },
      ]);
      expect(await put("tea", { every: "3 minutes", ifVersion: "v2" })).toMatchObject([200, { state: "paused" }]);
    });

    it("apart from those that cannot be read, which are named", async () => {
      await put("tea", { callback: "billing" });
      const list: TimerPorts["table"]["list"] = async (...query) => ({
        ...(await fake.table.list(...query)),
        corrupt:
          "partition" in query[0] && query[0].partition === 0
            ? [{ kind: "periodic", id: "egg", error: new CorruptRowError('row "periodic#egg" is not a timer') }]
            : [],
      });
      ports = { ...ports, table: { ...fake.table, list } };
      const failures = [{ id: "egg", message: 'row "periodic#egg" is not a timer' }];
      expect(await move("billing", "default")).toEqual({ changed: 1, failures });
      expect((await call("POST /periodic", {}, { body: { verb: "pause", prefix: "" } }))[1]).toEqual({
        changed: 1,
        failures,
      });
    });
  });

  describe("that cannot be read", () => {
    const corrupt = new CorruptRowError('row "periodic#tea": version is not a string');

    it.each<[ApiRouteName, string | undefined]>([
      ["GET /periodic/{id}", undefined],
      ["GET /periodic/{id}/{verb}", "preview"],
      ["GET /periodic/{id}/{verb}", "audit"],
      ["POST /periodic/{id}/{verb}", "fire"],
      ["POST /periodic/{id}/{verb}", "pause"],
    ])("is answered 409 with the reason: %s, %s", async (route, verb) => {
      ports = { ...ports, table: { ...fake.table, get: () => Promise.reject(corrupt) } };
      expect(await call(route, { id: "tea", ...(verb !== undefined && { verb }) })).toEqual([
        409,
        { error: "CorruptRow", message: corrupt.message },
      ]);
    });
  });

  describe("previewed", () => {
    it("writes nothing, though its shard is beyond the configured number", async () => {
      const counts: number[] = [];
      const recordShardCount = (count: number) => Promise.resolve(counts.push(count));
      ports = { ...ports, table: { ...fake.table, recordShardCount } };
      const body = { every: "1 hour", shardId: "shard999" };
      expect(await act("preview", "tea", { body })).toMatchObject([200, { fires: expect.any(Array) as unknown }]);
      expect(counts).toEqual([]);
      await put("tea", body);
      expect(counts).toEqual([1_000]);
    });

    it("has its next fires, also those of a paused one", async () => {
      await put("tea", { every: "15 minutes", startAt: "2026-11-21T07:00:00Z", maxFires: 3 });
      const fires = ["2026-11-21T07:00:00.000Z", "2026-11-21T07:15:00.000Z", "2026-11-21T07:30:00.000Z"];
      expect(await read("preview")).toEqual([200, { fires }]);
      expect(await read("preview", { count: "2" })).toEqual([200, { fires: fires.slice(0, 2) }]);
      await act("pause");
      expect(await read("preview")).toEqual([200, { fires }]);
      now += 20 * MINUTE;
      expect(await read("preview")).toEqual([200, { fires: fires.slice(2) }]);
      expect(await read("preview", {}, "milk")).toEqual([404, "milk"]);
    });

    it("is in due order with jitter", async () => {
      await put("tea", { cron: "* * * * ? *", jitterSeconds: 300 });
      const [, body] = await read("preview", { count: "50" });
      const { fires } = z.object({ fires: z.array(z.string()) }).parse(body);
      expect(fires).toHaveLength(50);
      expect(fires).toEqual([...fires].sort());
      now = Date.parse(fires[3] ?? "") + 1;
      const [, later] = await read("preview", { count: "40" });
      expect(later).toMatchObject({ fires: fires.slice(4, 44) });
    });

    it("has no more than are left to count", async () => {
      await put("tea", { cron: "0 9 * * ? *", maxFires: 1_000 });
      const stored = fake.rows.get("periodic#tea");
      if (stored !== undefined) fake.rows.set("periodic#tea", { ...stored, firesLeft: 2 });
      expect(await read("preview")).toMatchObject([200, { fires: [expect.any(String), expect.any(String)] }]);
      expect(z.object({ fires: z.array(z.string()) }).parse((await read("preview"))[1]).fires).toHaveLength(2);
    });

    it.each([{ at: "1970-01-01T00:00:00Z" }, { at: "2026-11-21T06:55:30.250Z" }, { delaySeconds: 0 }])(
      "of a one-shot that is due at once has that fire: %j",
      async (body) => {
        const request = { path: { id: "egg", verb: "preview" }, body, text: JSON.stringify(body) };
        expect(await callRoute(ports, "POST /oneshot/{id}/{verb}", request)).toMatchObject({
          text: '{"fires":["2026-11-21T06:55:30.250Z"]}',
        });
      },
    );

    it("of one that was moved while it was paused begins now, however long that is ago", async () => {
      await put("tea", { cron: "* * * * ? *", maxFires: 101, enabled: false });
      await call("POST /periodic", {}, { body: { verb: "move", prefix: "", from: "default", to: "billing" } });
      now += 300 * MINUTE;
      const fires = async () => z.object({ fires: z.array(z.string()) }).parse((await read("preview"))[1]).fires;
      const shown = await fires();
      expect(shown).toHaveLength(10);
      await act("resume");
      expect(await fires()).toEqual(shown);
    });

    it("need not be stored", async () => {
      const cron = { cron: "0 9 L * ? *", timeZone: "Europe/Berlin" };
      expect(await act("preview", "milk", { body: cron, query: { count: "2" } })).toEqual([
        200,
        { fires: ["2026-11-30T08:00:00.000Z", "2026-12-31T08:00:00.000Z"] },
      ]);
      expect(await act("preview", "milk", { body: { cron: "x" } })).toMatchObject([400, { error: "BadRequest" }]);
      expect(await get("milk")).toBe("milk");
    });
  });

  const fired = (minute: number, fields: object = {}) => {
    const scheduled = Date.parse("2026-11-21T06:00:00Z") + minute * MINUTE;
    return {
      kind: "periodic" as const,
      id: "tea",
      fireId: `periodic#tea#v1#${new Date(scheduled).toISOString()}`,
      version: "v1",
      due: scheduled,
      firedAt: scheduled + 40,
      durationMs: 3,
      attempts: 1,
      outcome: "succeeded" as const,
      ...fields,
    };
  };

  it("has the fires that were observed, page by page, the latest first, and the last one in itself", async () => {
    await put("tea", { every: "1 minute", callback: "default" });
    expect(await get("tea")).toMatchObject({ recorded: true, lastFiredAt: null, lastOutcome: null });
    fake.recorded.push(fired(1), fired(3, { outcome: "failed", attempts: 2 }), fired(2));
    expect(await get("tea")).toMatchObject({
      lastFiredAt: "2026-11-21T06:03:00.040Z",
      lastOutcome: "failed",
      attempts: 2,
      latenessMs: 40,
    });
    expect((await call("GET /periodic", {}))[1]).toMatchObject({ timers: [{ lastOutcome: "failed" }] });
    const [, first] = await read("fires", { limit: "2" });
    expect(first).toMatchObject({
      fires: [{ dueAt: "2026-11-21T06:03:00.000Z", outcome: "failed", attempts: 2, latenessMs: 40 }, {}],
    });
    const { next } = z.object({ next: z.string() }).parse(first);
    expect(await read("fires", { limit: "2", next })).toMatchObject([
      200,
      { fires: [{ dueAt: "2026-11-21T06:01:00.000Z" }] },
    ]);
    // DynamoDB refuses other keys: they would be a 500.
    const tokens = ["", "ü".repeat(600), 1e21].map((key) => Buffer.from(JSON.stringify(key)).toString("base64url"));
    for (const token of ["?", ...tokens])
      expect(await read("fires", { next: token })).toMatchObject([400, { error: "BadRequest" }]);
    await put("tea", { every: "2 minutes", callback: "billing" });
    expect(await get("tea")).toMatchObject({ recorded: false, lastFiredAt: null });
  });

  it("is audited: what was expected, and what was observed", async () => {
    now = Date.parse("2026-11-21T06:00:00Z");
    await put("tea", { every: "1 minute", callback: "default" });
    now += 10 * MINUTE + 30_000;
    fake.recorded.push(
      ...[1, 2, 3].map((minute) => fired(minute)),
      fired(5, { outcome: "deadLettered", attempts: 8 }),
      fired(6, { firedAt: now }),
      fired(7, { firedAt: Date.parse("2026-11-21T06:06:59Z") }),
      fired(8, { attempts: 3, firedAt: now }),
      fired(9, { version: "v0" }),
      fired(10, {}),
    );
    const id = (minute: number) => fired(minute).fireId;
    expect(await read("audit")).toEqual([
      200,
      {
        expected: 9,
        observed: 7,
        missing: ["2026-11-21T06:04:00.000Z", "2026-11-21T06:09:00.000Z"],
        failed: [id(5)],
        late: [id(6)],
        early: [id(7)],
      },
    ]);
    expect(await read("audit", { sinceSeconds: "300", lateSeconds: "600" })).toMatchObject([
      200,
      { expected: 4, observed: 3, missing: ["2026-11-21T06:09:00.000Z"], late: [] },
    ]);
  });

  it("is audited with the fire of a time in the past, and those that jitter has delayed into the time", async () => {
    const audit = (route: "GET /periodic/{id}/{verb}" | "GET /oneshot/{id}/{verb}", sinceSeconds: string) =>
      callRoute(ports, route, { path: { id: "egg", verb: "audit" }, query: { sinceSeconds } });
    await callRoute(ports, "PUT /oneshot/{id}", {
      path: { id: "egg" },
      body: { at: "1970-01-01T00:00:00Z" },
      text: "{}",
    });
    now += 5 * MINUTE;
    const { text } = await audit("GET /oneshot/{id}/{verb}", "3600");
    expect(JSON.parse(text)).toMatchObject({ expected: 1, missing: ["2026-11-21T06:55:30.250Z"] });
    await put("egg", { cron: "* * * * ? *", jitterSeconds: 300 });
    now += 60 * MINUTE;
    const since = (seconds: number) =>
      audit("GET /periodic/{id}/{verb}", String(seconds)).then(
        (response) => z.object({ missing: z.array(z.string()) }).parse(JSON.parse(response.text)).missing,
      );
    const all = await since(86_400);
    const last = (seconds: number) => all.filter((due) => Date.parse(due) >= now - seconds * 1_000);
    for (const seconds of [300, 600, 1_200, 1_800]) expect(await since(seconds)).toEqual(last(seconds));
  });

  it("is audited as far back as it was asked for, and no further", async () => {
    now = Date.parse("2026-11-21T06:00:00Z");
    await put("tea", { every: "1 minute", callback: "default" });
    now += 1_202 * MINUTE;
    fake.recorded.push(...Array.from({ length: 1_200 }, (_, index) => fired(index + 1)));
    fake.recorded.push(fired(1_201, { outcome: "failed" }));
    const { read: readPage } = fake.history;
    let pages = 0;
    ports = {
      ...ports,
      history: {
        read: (...request) => {
          pages += 1;
          return readPage(...request);
        },
      },
    };
    const complete = { expected: 1_201, observed: 1_201, missing: [], failed: [fired(1_201).fireId] };
    expect(await read("audit", { sinceSeconds: "90000" })).toMatchObject([200, complete]);
    expect(pages).toBe(2);
    expect(await read("audit", { sinceSeconds: "600" })).toMatchObject([200, { missing: [] }]);
    expect(pages).toBe(3);
  });

  describe("that counts its fires", () => {
    const LAST = Date.parse("2026-11-21T06:59:00Z");
    beforeEach(async () => {
      // As if 101 were four: the dispatcher has enqueued the last one.
      await put("tea", { cron: "* * * * ? *", maxFires: 101 });
      const stored = fake.rows.get("periodic#tea");
      if (stored === undefined) throw new Error("no row");
      const { advanced } = planEnqueue({ ...stored, firesLeft: 4 }, stored.putAt, stored.putAt + 10 * MINUTE);
      fake.rows.set("periodic#tea", advanced);
    });

    it("is audited up to its last fire", async () => {
      now += 10 * MINUTE;
      expect(await read("audit")).toMatchObject([200, { expected: 4, missing: expect.any(Array) as unknown }]);
    });

    it("has ended after its last fire, and shows it until then", async () => {
      now = LAST - 1;
      expect(await get("tea")).toMatchObject({ state: "scheduled", nextFireAt: "2026-11-21T06:59:00.000Z" });
      expect(await read("preview")).toEqual([200, { fires: ["2026-11-21T06:59:00.000Z"] }]);
      now = LAST + 1;
      expect(await get("tea")).toMatchObject({ state: "ended", nextFireAt: null });
      expect(await read("preview")).toEqual([200, { fires: [] }]);
    });

    it("makes up for the fires that a pause fences", async () => {
      now = Date.parse("2026-11-21T06:57:30Z");
      expect((await act("pause"))[1]).toMatchObject({ state: "paused", firesLeft: 2 });
      now += 60 * MINUTE;
      fake.sent.length = 0;
      await act("resume");
      expect(fake.sent.map(({ due }) => new Date(due).toISOString())).toEqual([
        "2026-11-21T07:58:00.000Z",
        "2026-11-21T07:59:00.000Z",
      ]);
      now += 2 * MINUTE;
      expect(await get("tea")).toMatchObject({ state: "ended", firesLeft: 0 });
    });

    it("has its last fires on the new callback when it moves, and no more", async () => {
      now = Date.parse("2026-11-21T06:57:30Z");
      fake.sent.length = 0;
      const body = { verb: "move", from: "default", to: "billing", prefix: "" };
      expect((await call("POST /periodic", {}, { body }))[1]).toMatchObject({ changed: 1 });
      expect(fake.sent.map(({ due, callback }) => [new Date(due).toISOString(), callback])).toEqual([
        ["2026-11-21T06:58:00.000Z", "billing"],
        ["2026-11-21T06:59:00.000Z", "billing"],
      ]);
    });
  });

  it("is deleted only in the version that is asked for", async () => {
    await put("tea", { every: "1 day" });
    const remove = (ifVersion: string) => call("DELETE /periodic/{id}", { id: "tea" }, { query: { ifVersion } });
    expect(await remove("v0")).toMatchObject([409, { error: "Conflict" }]);
    expect(await remove("v1")).toEqual([200, "tea"]);
    expect(await remove("v1")).toEqual([200, "tea"]);
    await put("tea", { every: "1 day" });
    const requests = [{ method: "DELETE", path: "/periodic/tea", ifVersion: "v1" }];
    expect(await call("POST /batch", {}, { body: { requests } })).toMatchObject([200, { results: [{ status: 409 }] }]);
    expect(await call("DELETE /periodic/{id}", { id: "tea" }, { query: { version: "v1" } })).toMatchObject([
      400,
      { message: "query: has only ifVersion" },
    ]);
  });

  it("names a callback of its environment", async () => {
    expect(await put("tea", { callback: "shipping" })).toMatchObject([
      400,
      { message: "body.callback: is not one of default, billing" },
    ]);
    expect(await put("tea", { callback: "toString" })).toMatchObject([400, { error: "BadRequest" }]);
    expect(await put("tea", { callback: "billing" })).toMatchObject([200, { callback: "billing" }]);
  });
});
