import { monitorSettingsSchema, type Outcome } from "../../../../functions/heartbeats/contract";
import type { Notifier } from "../../../../functions/heartbeats/notifications/deliver";
import { headline } from "../../../../functions/heartbeats/status-page/status-format";
import { statusPage } from "../../../../functions/heartbeats/status-page/markup/page";
import { statusDocument } from "../../../support/status-documents";
import { BAD, GOOD, expiring, setup, tickAt, time } from "../../../support/heartbeat-rounds";
import { sized } from "../../../support/sized";
import fc from "../../../support/fast-check";

describe("a target that fails and recovers", () => {
  it("is one incident, notified when it opens and when it closes, and one in the status", async () => {
    const { checkAndPublish, sent, documents, table } = setup([{ name: "site" }]);
    const story = [GOOD, BAD, BAD, BAD, BAD, GOOD, GOOD, GOOD];
    for (const [index, outcome] of story.entries()) await checkAndPublish(index, [outcome]);
    expect(sent).toEqual([
      {
        id: `site.${time(1)}.opened`,
        title: "[almanac test] DOWN: site",
        text: `site: status 500, expected 200-299\nSince ${time(1)}\nURL: https://a.test/`,
      },
      {
        id: `site.${time(1)}.closed`,
        title: "[almanac test] UP again: site",
        text: `site: status 500, expected 200-299\nSince ${time(1)}\nUntil ${time(5)} (20 min)\nURL: https://a.test/`,
      },
    ]);
    expect(documents.map(({ monitors: [target] }) => target?.state)).toEqual([
      ..."up up up down down down up up".split(" "),
    ]);
    expect(documents.at(-1)?.incidents).toEqual([
      {
        id: `site.${time(1)}`,
        monitor: "site",
        openedAt: time(1),
        closedAt: time(5),
        severity: "down",
        message: "status 500, expected 200-299",
        timeline: [
          { at: time(1), kind: "opened", text: "Down: status 500, expected 200-299" },
          { at: time(5), kind: "closed", text: "Up again" },
        ],
      },
    ]);
    expect(table.items().map(({ item }) => item)).toEqual([
      "delivery",
      "registry",
      "day#2026-11-21",
      "hour#2026-11-21T06",
      `incident#${new Date(tickAt(5)).toISOString()}`,
      "state",
    ]);
  });

  it("is notified exactly once under duplicate and concurrent ticks, and its time counted once", async () => {
    const letters = fc.array(fc.constantFrom(GOOD, BAD), { minLength: 1, maxLength: 24, size: "max" });
    await fc.assert(
      fc.asyncProperty(letters, fc.integer({ min: 1, max: 3 }), async (outcomes, copies) => {
        const [once, often] = [setup([{ name: "site" }]), setup([{ name: "site" }])];
        for (const [index, outcome] of outcomes.entries()) {
          await once.checkAndPublish(index, [outcome]);
          await Promise.all(Array.from({ length: copies }, () => often.checkAndPublish(index, [outcome])));
          await often.checkAndPublish(Math.max(0, index - 1), [BAD]); // an old tick, retried
        }
        expect(often.sent).toEqual(once.sent);
        const summary = ({ documents }: typeof once) => documents.at(-1)?.monitors[0]?.days.at(-1);
        expect(summary(often)).toEqual(summary(once));
      }),
      { numRuns: sized(5, 60) },
    );
  });

  it("is notified by the next run where the first could not, under the same id", async () => {
    let broken = true;
    const sent: string[] = [];
    const slack: Notifier = {
      name: "slack",
      send: ({ id }) => (broken ? Promise.reject(new Error("no")) : Promise.resolve(void sent.push(id))),
    };
    const { checkAndPublish, titles, failures } = setup([{ name: "site", failuresBeforeDown: 1 }], {}, slack);
    await checkAndPublish(0, [BAD]);
    expect(failures).toEqual([`slack site.${time(0)}.opened`]);
    broken = false;
    await checkAndPublish(1, [BAD]);
    await checkAndPublish(2, [BAD]);
    expect(sent).toEqual([`site.${time(0)}.opened`]);
    expect(titles()).toHaveLength(1); // SNS had delivered it
  });

  it("is notified although the function died between saving and notifying", async () => {
    const { checkAndPublish, titles } = setup([{ name: "site", failuresBeforeDown: 1 }]);
    const notifiers = [{ name: "sns", send: () => new Promise<never>(() => undefined) }];
    await Promise.race([checkAndPublish(0, [BAD], { notifiers }), new Promise((resolve) => setTimeout(resolve, 50))]);
    await checkAndPublish(1, [BAD]);
    await checkAndPublish(2, [BAD]);
    expect(titles()).toEqual(["[almanac test] DOWN: site"]);
  });

  it("costs one write and one key read a tick, and a few more at an hour's end", async () => {
    const { check, table } = setup([{ name: "site" }]);
    for (let index = 0; index < 12; index++) await check(index, [GOOD]);
    // 06:55 to 07:50, the first write of the new hour being a transaction of state, hour and day; and, for all targets together,
    // each tick one read of the registry, the first one a write
    expect(table.requests()).toEqual({
      BatchGetItem: 12,
      PutItem: 11,
      TransactWriteItems: 1,
      GetItem: 1 + 12,
      UpdateItem: 1,
    });
  });

  it("is a kilobyte at most in a usual hour, so that a tick's write is one unit", async () => {
    const { checkAndPublish, table } = setup([{ name: "a-target-with-a-rather-long-name" }]);
    for (let index = 1; index < 13; index++)
      await checkAndPublish(index, [{ ...BAD, certificateFingerprint: "f".repeat(64) }]);
    const state = table.items().find(({ item }) => item === "state");
    expect(JSON.stringify(state).length).toBeLessThan(1_024); // DynamoDB counts less: neither quotes nor brackets
  });

  it("has its history read once an hour, not once a tick", async () => {
    const { checkAndPublish, table } = setup([{ name: "site" }]);
    for (let index = 1; index < 13; index++) await checkAndPublish(index, [GOOD]);
    expect(table.requests()).toMatchObject({ Query: 3 });
  });
});

describe("what is removed from the configuration", () => {
  const [site, other] = [{ name: "site", failuresBeforeDown: 1 }, { name: "other" }];
  const closedOf = ({ table }: ReturnType<typeof setup>, monitor: string) =>
    table.items().filter((stored) => stored["monitor"] === monitor && String(stored["item"]).startsWith("incident#"));

  it("has its open incident closed for that reason, notified once, and no longer shown", async () => {
    const env = setup([site, other]);
    await env.checkAndPublish(0, [BAD]);
    env.configure([other]);
    for (const index of [1, 2, 3]) await env.checkAndPublish(index);
    expect(env.sent.slice(1)).toEqual([
      {
        id: `site.${time(0)}.removed`,
        title: "[almanac test] NO LONGER MONITORED: site",
        text: [
          "site: status 500, expected 200-299",
          `Since ${time(0)}`,
          `Until ${time(1)} (5 min)`,
          "Removed from the configuration, not known to be up",
        ].join("\n"),
      },
    ]);
    expect(closedOf(env, "site")).toMatchObject([
      { openedAt: tickAt(0), closedAt: tickAt(1), closedBecause: "removed from the configuration" },
    ]);
    expect(env.documents.at(-1)).toMatchObject({ monitors: [{ name: "other" }], incidents: [] });
  });

  it("raises no notification where no incident was open", async () => {
    const env = setup([site, other]);
    await env.checkAndPublish(0);
    env.configure([other]);
    for (const index of [1, 2]) await env.checkAndPublish(index);
    expect(env.sent).toEqual([]);
    expect(env.table.items()[0]).toEqual({ monitor: "*", item: "registry", monitors: new Set(["other"]) });
  });

  it("is notified once under duplicate and concurrent ticks", async () => {
    const env = setup([site, other]);
    await env.checkAndPublish(0, [BAD]);
    env.configure([other]);
    await Promise.all([env.checkAndPublish(1), env.checkAndPublish(1), env.checkAndPublish(1)]);
    for (const index of [2, 1]) await env.checkAndPublish(index);
    expect(env.titles()).toEqual(["[almanac test] DOWN: site", "[almanac test] NO LONGER MONITORED: site"]);
    expect(closedOf(env, "site")).toHaveLength(1);
  });

  it("is reported by the next checkAndPublish when the first one fails", async () => {
    const env = setup([site, other]);
    await env.checkAndPublish(0, [BAD]);
    env.configure([other]);
    await env.checkAndPublish(1, [], { notifiers: [{ name: "topic", send: () => Promise.reject(new Error("no")) }] });
    for (const index of [2, 3, 4]) await env.checkAndPublish(index);
    expect(env.titles()).toEqual(["[almanac test] DOWN: site", "[almanac test] NO LONGER MONITORED: site"]);
  });

  it("stays registered until each notifier has delivered its end, however long one is dead", async () => {
    const env = setup([site, other]);
    await env.checkAndPublish(0, [BAD]);
    env.configure([other]);
    const dead = { notifiers: [{ name: "topic", send: () => Promise.reject(new Error("no")) }] };
    for (const index of [1, 2, 3]) await env.checkAndPublish(index, [], dead);
    for (const index of [4, 5]) await env.checkAndPublish(index);
    expect(env.titles()).toEqual(["[almanac test] DOWN: site", "[almanac test] NO LONGER MONITORED: site"]);
  });

  it("stays registered while its state cannot be read", async () => {
    const env = setup([site, other]);
    await env.checkAndPublish(0, [BAD]);
    env.table.preload({ monitor: { S: "site" }, item: { S: "state" }, revision: { S: "seven" } });
    env.configure([other]);
    for (const index of [1, 2]) await env.checkAndPublish(index);
    expect([...(await env.table.registered())].sort()).toEqual(["other", "site"]);
    expect(env.failures).toEqual(["unreadable site", "unreadable site"]);
  });

  it("waits while the registry cannot be read, and nothing else does", async () => {
    const env = setup([site, other]);
    await env.checkAndPublish(0, [BAD]);
    env.table.preload({ monitor: { S: "*" }, item: { S: "registry" }, monitors: { L: [{ S: "site" }, { N: "7" }] } });
    env.configure([other, { name: "new", failuresBeforeDown: 1 }]);
    await env.checkAndPublish(1, [GOOD, BAD]);
    expect(env.failures).toEqual(["unreadable *"]);
    expect(env.titles()).toEqual(["[almanac test] DOWN: site", "[almanac test] DOWN: new"]);
    env.table.preload({ monitor: { S: "*" }, item: { S: "registry" }, monitors: { SS: ["site"] } });
    for (const index of [2, 3]) await env.checkAndPublish(index, [GOOD, BAD]);
    expect(env.titles().slice(2)).toEqual(["[almanac test] NO LONGER MONITORED: site"]);
    expect([...(await env.table.registered())].sort()).toEqual(["new", "other"]);
  });

  it("may be a cron monitor, and be the last monitor", async () => {
    const env = setup([], { cronMonitors: [{ name: "backup", everySeconds: 60, graceSeconds: 0, maintenance: [] }] });
    for (const index of [0, 1]) await env.checkAndPublish(index);
    env.configure([]);
    for (const index of [2, 3]) await env.checkAndPublish(index);
    expect(env.titles()).toEqual([
      "[almanac test] DOWN: cron/backup",
      "[almanac test] NO LONGER MONITORED: cron/backup",
    ]);
    expect(env.table.items()[1]).toEqual({ monitor: "*", item: "registry" });
  });

  it("begins anew when it comes back: its old incident says why it was closed", async () => {
    const env = setup([site, other]);
    await env.checkAndPublish(0, [BAD]);
    env.configure([other]);
    await env.checkAndPublish(1);
    env.configure([site, other]);
    await env.checkAndPublish(12);
    expect(env.documents.at(-1)?.monitors[0]).toMatchObject({ name: "site", state: "up" });
    expect(env.documents.at(-1)?.incidents).toMatchObject([
      { monitor: "site", closedAt: time(1), closedBecause: "removed from the configuration" },
    ]);
    await env.checkAndPublish(13, [BAD]);
    expect(env.titles().slice(2)).toEqual(["[almanac test] DOWN: site"]);
  });

  it("leaves notifications of a shared certificate to the other targets", async () => {
    const env = setup([
      { ...site, failuresBeforeDown: 1 },
      { ...other, failuresBeforeDown: 1 },
    ]);
    await env.checkAndPublish(0, [expiring("aa"), expiring("aa")]);
    env.configure([{ ...other, failuresBeforeDown: 1 }]);
    await env.checkAndPublish(1, [expiring("aa")]);
    for (const index of [2, 3]) await env.checkAndPublish(index, [GOOD]);
    expect(env.titles()).toEqual([
      "[almanac test] DEGRADED: 2 targets with one certificate",
      "[almanac test] NO LONGER MONITORED: site",
      "[almanac test] UP again: other",
    ]);
  });
});

describe("a shared certificate", () => {
  const three = [{ name: "a" }, { name: "b" }, { name: "c" }];

  it("alarms once, not once per target, and once when it is good again everywhere", async () => {
    const { checkAndPublish, sent } = setup(three);
    const bad = Array.from({ length: 3 }, () => expiring("f00d"));
    for (let index = 0; index < 5; index++)
      await Promise.all([checkAndPublish(index, bad), checkAndPublish(index, bad)]);
    for (let index = 5; index < 8; index++) await checkAndPublish(index);
    expect(sent.map(({ title }) => title)).toEqual([
      "[almanac test] DEGRADED: 3 targets with one certificate",
      "[almanac test] UP again: 3 targets with one certificate",
    ]);
    expect(sent[0]?.text).toContain("Targets: a, b, c");
    expect(sent[0]?.text).toContain("Certificate SHA-256 f00d");
  });

  it("is told for each target that notices it, and reminds for the first of them only", async () => {
    const { checkAndPublish, titles } = setup(three, { remindAfterHours: 1 });
    for (let index = 0; index < 18; index++)
      await checkAndPublish(index, [GOOD, expiring("f00d"), index < 4 ? GOOD : expiring("f00d")]);
    expect(titles()).toEqual([
      "[almanac test] DEGRADED: b",
      "[almanac test] NOW ALSO DEGRADED: c",
      "[almanac test] STILL DEGRADED: b",
    ]);
  });

  it("tells that one target recovered while others have not", async () => {
    const { checkAndPublish, titles, sent } = setup(three);
    for (let index = 0; index < 14; index++) {
      const [a, b] = [index < 8, index >= 4 && index < 12];
      await checkAndPublish(index, [a ? expiring("f00d") : GOOD, b ? expiring("f00d") : GOOD]);
    }
    expect(titles()).toEqual([
      "[almanac test] DEGRADED: a",
      "[almanac test] NOW ALSO DEGRADED: b",
      "[almanac test] UP again: a",
      "[almanac test] UP again: b",
    ]);
    expect(sent[1]?.text).toContain("Not up, same certificate: a");
    expect(sent[2]?.text).toContain("Not up, same certificate: b");
  });

  it("costs no uptime", async () => {
    const { checkAndPublish, documents } = setup([{ name: "a" }]);
    for (let index = 0; index < 30; index++) await checkAndPublish(index, [expiring("f00d")]);
    expect(documents.at(-1)?.monitors[0]).toMatchObject({ state: "degraded", windows: { "24h": { uptime: 1 } } });
  });

  it("is another alarm than another certificate, and than another failure", async () => {
    const { checkAndPublish, titles } = setup(three);
    for (let index = 0; index < 4; index++) await checkAndPublish(index, [expiring("f00d"), expiring("beef"), BAD]);
    expect(titles().toSorted()).toEqual([
      "[almanac test] DEGRADED: a",
      "[almanac test] DEGRADED: b",
      "[almanac test] DOWN: c",
    ]);
  });
});

describe("a cron monitor", () => {
  const cronMonitors = monitorSettingsSchema.parse({
    cronMonitors: [{ name: "backup", everySeconds: 900, graceSeconds: 300 }],
  }).cronMonitors;

  it("is unknown before its first heartbeat, and an incident after interval and grace period without one", async () => {
    const { checkAndPublish, documents, titles, sent } = setup([], { cronMonitors });
    for (let index = 0; index <= 5; index++) await checkAndPublish(index);
    expect(documents.map(({ monitors: [cron] }) => cron?.state)).toEqual([...Array<string>(5).fill("unknown"), "down"]);
    expect(documents.at(-1)?.monitors[0]).toMatchObject({ name: "backup", kind: "cron", lastCheck: null });
    expect(titles()).toEqual(["[almanac test] DOWN: cron/backup"]);
    expect(sent[0]?.text).toContain(`no heartbeat since ${new Date(tickAt(0)).toISOString()}, expected every 900 s`);
  });

  it("is up while it sends heartbeats, down when they stop, and up again at the next one", async () => {
    const { checkAndPublish, documents, titles, table } = setup([], { cronMonitors });
    for (let index = 0; index < 20; index++) {
      if (index < 6 || index > 15) await table.recordReport("cron/backup", { event: "success" }, tickAt(index) - 1_000);
      await checkAndPublish(index);
    }
    const states = documents.map(({ monitors: [cron] }) => cron?.state);
    // The last heartbeat came a second before the sixth run; interval and grace period are four runs.
    expect(states.slice(0, 9)).toEqual([...Array<string>(9).fill("up")]);
    expect(states.slice(9, 16)).toEqual([...Array<string>(7).fill("down")]);
    expect(states.slice(16)).toEqual([...Array<string>(4).fill("up")]);
    expect(titles()).toEqual(["[almanac test] DOWN: cron/backup", "[almanac test] UP again: cron/backup"]);
  });

  it("says when it reported last and when the next report is due, and has no place in the headline before the first", async () => {
    const { checkAndPublish, documents, table } = setup([{ name: "site" }], { cronMonitors });
    await checkAndPublish(0);
    expect(headline(documents.at(-1)?.monitors ?? [])).toBe("The monitor is up");
    await table.recordReport("cron/backup", { event: "success" }, tickAt(0));
    await checkAndPublish(1);
    expect(documents.at(-1)?.monitors[1]).toMatchObject({ lastHeartbeat: time(0), nextDue: time(4) });
    const page = statusPage(documents.at(-1) ?? statusDocument([]));
    expect(page).toContain("Next report due by");
    expect(page).not.toContain("Not checked yet");
  });

  it("ignores an older heartbeat that arrives late", async () => {
    const { table, checkAndPublish, documents } = setup([], { cronMonitors });
    await table.recordReport("cron/backup", { event: "success" }, tickAt(4));
    await table.recordReport("cron/backup", { event: "success" }, tickAt(0));
    await checkAndPublish(5);
    expect(documents[0]?.monitors[0]?.state).toBe("up");
  });

  it("that reports a failure is down until it succeeds, and its output is kept", async () => {
    const { checkAndPublish, documents, titles, sent, table } = setup([], { cronMonitors });
    const report = (event: "success" | "start" | "fail", index: number, details = {}) =>
      table.recordReport("cron/backup", { event, ...details }, tickAt(index) - 1_000);
    await report("success", 0);
    await checkAndPublish(0);
    await report("start", 1);
    await report("fail", 2, { exitCode: 3, log: "disk full" });
    await checkAndPublish(2);
    expect(await table.readLog("cron/backup")).toBe("disk full");
    expect(documents.at(-1)?.monitors[0]).toMatchObject({ state: "down", lastRunMs: 300_000 });
    expect(documents.at(-1)?.incidents[0]?.message).toBe("the job failed");
    await report("start", 3);
    await checkAndPublish(3);
    expect(documents.at(-1)?.monitors[0]?.state).toBe("down");
    // Its last report is that of the failure.
    expect(statusPage(documents.at(-1) ?? statusDocument([]))).toMatch(
      /<dt>Last success<\/dt><dd[^>]*><time datetime="2026-11-21T06:54:59/,
    );
    await report("success", 4, { durationMs: 1_500 });
    await checkAndPublish(4);
    expect(documents.at(-1)?.monitors[0]).toMatchObject({ state: "up", lastRunMs: 1_500 });
    expect(await table.readLog("cron/backup")).toBeUndefined();
    // The start was of the run before.
    await report("success", 5);
    await checkAndPublish(5);
    expect(documents.at(-1)?.monitors[0]).toMatchObject({ state: "up", lastRunMs: null });
    expect(titles()).toEqual(["[almanac test] DOWN: cron/backup", "[almanac test] UP again: cron/backup"]);
    expect(sent[0]?.text).toContain("the job failed: exit code 3");
  });

  it("that failed and succeeded again between two checks is notified as down once, and as up", async () => {
    const { checkAndPublish, titles, sent, table } = setup([], { cronMonitors });
    const report = (event: "success" | "fail", at: number, exitCode: number) =>
      table.recordReport("cron/backup", { event, exitCode }, at);
    await report("success", tickAt(0) - 1_000, 0);
    await checkAndPublish(0);
    await report("fail", tickAt(0) + 60_000, 3);
    await report("success", tickAt(0) + 120_000, 0);
    for (const index of [1, 2, 3]) await checkAndPublish(index);
    expect(titles()).toEqual(["[almanac test] DOWN: cron/backup", "[almanac test] UP again: cron/backup"]);
    expect(sent[0]?.text).toContain("the job failed, and has succeeded since");
    // Seen at a check, and over by the next one.
    await report("fail", tickAt(4) - 5_000, 3);
    await checkAndPublish(4);
    await report("success", tickAt(4) + 60_000, 0);
    await checkAndPublish(5);
    expect(titles().slice(2)).toEqual(titles().slice(0, 2));
  });

  it("that has failed only is not said to await its first report", async () => {
    const { checkAndPublish, documents, table } = setup([], { cronMonitors });
    await table.recordReport("cron/backup", { event: "fail", exitCode: 1 }, tickAt(0) - 1_000);
    await checkAndPublish(0);
    const page = statusPage(documents.at(-1) ?? statusDocument([]));
    expect(page).toMatch(/<dt>Last success<\/dt><dd[^>]*>None yet<\/dd>/);
    expect(page).not.toMatch(/first report|Not checked yet/);
  });

  it("that has started is not missed, until it takes too long", async () => {
    const [backup] = cronMonitors;
    if (backup === undefined) throw new Error("no cron monitor");
    const { checkAndPublish, documents, titles, sent, table } = setup([], {
      cronMonitors: [{ ...backup, maxRunSeconds: 1_000 }],
    });
    await table.recordReport("cron/backup", { event: "success" }, tickAt(0));
    await table.recordReport("cron/backup", { event: "start" }, tickAt(3) + 1);
    for (let index = 0; index <= 6; index += 1) await checkAndPublish(index);
    expect(documents.at(-1)?.monitors[0]?.state).toBe("up");
    await checkAndPublish(7);
    expect(titles()).toEqual(["[almanac test] DOWN: cron/backup"]);
    expect(sent[0]?.text).toContain("at most 1000 s expected");
    expect(documents.at(-1)?.incidents[0]?.message).toBe("the job takes too long");
  });

  it("may miss heartbeats in maintenance", async () => {
    const maintenance = [{ from: time(0), to: time(9) }];
    const { checkAndPublish, titles } = setup([], { cronMonitors, maintenance });
    for (let index = 0; index < 9; index++) await checkAndPublish(index);
    expect(titles()).toEqual([]);
    await checkAndPublish(9);
    expect(titles()).toEqual(["[almanac test] DOWN: cron/backup"]);
  });
});

describe("the status of all targets", () => {
  it("has none of what is not public", async () => {
    const [cron] = monitorSettingsSchema.parse({ cronMonitors: [{ name: "job", everySeconds: 60 }] }).cronMonitors;
    const cronMonitors = cron === undefined ? [] : [{ ...cron, public: false }];
    const { checkAndPublish, documents } = setup([{ name: "site" }, { name: "intranet", public: false }], {
      cronMonitors,
    });
    await checkAndPublish(0);
    expect(documents.at(-1)?.monitors.map(({ name }) => name)).toEqual(["site"]);
    expect(JSON.stringify(documents)).not.toContain("intranet");
  });

  it("never says up while the monitor itself was down", async () => {
    const { checkAndPublish, documents } = setup([{ name: "site" }]);
    await checkAndPublish(0);
    await checkAndPublish(1);
    await checkAndPublish(61); // five hours later
    await checkAndPublish(62);
    const [site] = documents.at(-1)?.monitors ?? [];
    expect(site?.windows["24h"]).toMatchObject({ uptime: 1, coverage: expect.closeTo(15 / 310, 2) as unknown });
    expect(site?.days.at(-1)).toMatchObject({ down: 0, noData: expect.closeTo(295 / 310, 2) as unknown });
  });

  it("shows ticks that drift from five minutes to an hour as what they are: mostly no data", async () => {
    const { checkAndPublish, documents } = setup([{ name: "site" }]);
    for (let hour = 0; hour <= 6; hour++) await checkAndPublish(hour * 12);
    expect(documents.at(-1)?.monitors[0]?.windows["24h"]).toMatchObject({
      uptime: 1,
      coverage: expect.closeTo(1 / 12, 2) as unknown,
    });
  });

  it("has a history that is not tied to the interval of checks, and outlives its change", async () => {
    const { checkAndPublish, documents } = setup([{ name: "site" }]);
    for (let index = 0; index <= 12; index++) await checkAndPublish(index);
    for (let minute = 61; minute <= 180; minute++) await checkAndPublish(minute / 5, [], { intervalMinutes: 1 });
    const [site] = documents.at(-1)?.monitors ?? [];
    expect(site?.windows["90d"]).toMatchObject({ uptime: 1, coverage: 1 });
    expect(site?.days).toHaveLength(90);
    expect(site?.days.at(-1)).toEqual({ date: "2026-11-21", up: 1, degraded: 0, down: 0, maintenance: 0, noData: 0 });
  });

  it("has fractions of each day that are all of it, and windows that agree with them", async () => {
    const slow: Outcome = { ok: false, reason: "slow", message: "took 900 ms, at most 500 expected" };
    const kinds = fc.constantFrom<Outcome | undefined>(GOOD, GOOD, BAD, slow, undefined);
    await fc.assert(
      fc.asyncProperty(fc.array(kinds, { minLength: 2, maxLength: 60, size: "max" }), async (outcomes) => {
        const { checkAndPublish, documents } = setup([{ name: "site" }], {
          maintenance: [{ weekday: "saturday", from: "08:00", minutes: 30 }],
        });
        // Half an hour apart now and then, so that days end too.
        for (const [index, outcome] of outcomes.entries())
          if (outcome) await checkAndPublish(index * (index % 9 === 0 ? 6 : 5), [outcome]);
        for (const { monitors } of documents) {
          const days = monitors[0]?.days ?? [];
          expect(days).toHaveLength(90);
          for (const { up, degraded, down, maintenance, noData } of days)
            expect([0, 1]).toContainEqual(expect.closeTo(up + degraded + down + maintenance + noData, 3));
          for (const { uptime, coverage } of Object.values(monitors[0]?.windows ?? {})) {
            expect(uptime ?? 1).toBeLessThanOrEqual(1);
            expect(coverage).toBeLessThanOrEqual(1);
          }
        }
      }),
      { numRuns: sized(5, 60) },
    );
  });

  it("shows a target whose state was not saved as unknown, and fails after saving and notifying the others", async () => {
    const { checkAndPublish, table, documents } = setup([{ name: "a" }, { name: "b" }]);
    const save: typeof table.save = (key, transition) =>
      key === "a" ? Promise.reject(new Error("no")) : table.save(key, transition);
    await expect(checkAndPublish(0, [], { table: { ...table, save } })).rejects.toMatchObject({
      name: "StateWriteError",
      message: "1 of 2 states not saved",
    });
    expect(documents[0]?.monitors.map(({ name, state }) => `${name} ${state}`)).toEqual(["a unknown", "b up"]);
  });

  it("remembers percentiles over hours and days", async () => {
    const { checkAndPublish, documents, table } = setup([{ name: "site" }]);
    for (let index = 0; index < 400; index += 1) await checkAndPublish(index);
    const [site] = documents.at(-1)?.monitors ?? [];
    for (const window of Object.values(site?.windows ?? {}))
      expect(window).toMatchObject({ uptime: 1, coverage: 1, p50Ms: expect.closeTo(120, -1) as unknown });
    expect(site?.hours.filter(({ p50Ms }) => p50Ms !== null)).toHaveLength(25);
    expect(site?.days.filter(({ up }) => up > 0).map(({ date }) => date)).toEqual(["2026-11-21", "2026-11-22"]);
    // For longer than the page shows them: what has expired may be gone at once.
    const hours = table
      .items()
      .flatMap(({ start, ttl, item }) => (String(item).startsWith("hour#") ? [[start, ttl]] : []));
    expect(hours.length).toBeGreaterThan(30);
    for (const [start, ttl] of hours) expect(Number(ttl) - Number(start) / 1_000).toBe(10 * 86_400);
  });
});

describe("a monitor that is malformed for a while", () => {
  const down = { name: "site", failuresBeforeDown: 1, successesBeforeUp: 1 };

  it.each([[{ name: "site" }], [{}]])("is not taken for removed: set aside as %j", async (item) => {
    const env = setup([down, { name: "other" }]);
    await env.checkAndPublish(0, [BAD, GOOD]);
    env.configure([{ name: "other" }], {}, [{ ...item, problem: "url: is not an http(s) URL" }]);
    for (const index of [1, 2, 3]) await env.checkAndPublish(index);
    env.configure([down, { name: "other" }]);
    await env.checkAndPublish(4, [BAD, GOOD]);
    await env.checkAndPublish(5, [GOOD, GOOD]);
    expect(env.titles()).toEqual(["[almanac test] DOWN: site", "[almanac test] UP again: site"]);
    expect(env.documents.at(-1)?.incidents).toHaveLength(1);
  });
});

describe("a schedule that is malformed for a while", () => {
  it("is not taken for removed", async () => {
    const env = setup([{ name: "other" }]);
    await env.table.register(["schedule/report"]);
    env.configure([{ name: "other" }], {}, [{ name: "report", problem: "title: is too long" }]);
    for (const index of [0, 1]) await env.checkAndPublish(index);
    expect([...(await env.table.registered())]).toContain("schedule/report");
    env.configure([{ name: "other" }]);
    for (const index of [2, 3]) await env.checkAndPublish(index);
    expect([...(await env.table.registered())]).toEqual(["other"]);
  });
});

describe("announced maintenance", () => {
  const iso = (index: number) => new Date(tickAt(index)).toISOString();
  const upgrade = { from: iso(2), to: iso(4), note: "database upgrade" };

  it("is told when it begins and when it ends, once, and is on the page before", async () => {
    const { checkAndPublish, sent, documents } = setup([{ name: "site" }, { name: "api" }], { maintenance: [upgrade] });
    for (let index = 0; index < 7; index += 1) await checkAndPublish(index, index === 3 ? [BAD, BAD] : []);
    expect(sent.map(({ title, text }) => [title, text.split("\n")[0]])).toEqual([
      [
        "[almanac test] MAINTENANCE BEGINS: as announced",
        `as announced: database upgrade, until ${time(4)} (all monitors)`,
      ],
      [
        "[almanac test] MAINTENANCE OVER: as announced",
        `as announced: database upgrade, until ${time(4)} (all monitors)`,
      ],
    ]);
    const shown = { from: time(2), to: time(4), note: "database upgrade", monitors: null };
    expect(documents.map(({ maintenance }) => maintenance)).toEqual([[shown], [shown], [shown], [shown], [], [], []]);
    expect(documents.at(-1)?.incidents).toEqual([]);
  });

  it("is told by a notifier that was dead meanwhile, in one message", async () => {
    let isDead = true;
    const delivered: string[] = [];
    const slack: Notifier = {
      name: "slack",
      send: ({ title }) => {
        if (isDead) return Promise.reject(new Error("down"));
        delivered.push(title);
        return Promise.resolve();
      },
    };
    const { check, titles } = setup([{ name: "site" }], { maintenance: [upgrade] }, slack);
    for (let index = 0; index < 7; index += 1) await check(index);
    isDead = false;
    await check(8);
    await check(9);
    expect(delivered).toEqual(["[almanac test] MAINTENANCE OVER: as announced"]);
    expect(titles()).toHaveLength(2);
  });

  it("that overlaps other maintenance is told as a change, and that of one monitor names it", async () => {
    const own = { from: iso(3), to: iso(6), note: "new disks" };
    const { checkAndPublish, sent, documents } = setup(
      [
        { name: "site", maintenance: [own] },
        { name: "hidden", public: false, maintenance: [{ ...own, note: "secret" }] },
      ],
      { maintenance: [upgrade] },
    );
    for (let index = 0; index < 8; index += 1) await checkAndPublish(index);
    expect(sent.map(({ title }) => title.replace("[almanac test] ", ""))).toEqual([
      "MAINTENANCE BEGINS: as announced",
      "MAINTENANCE: as announced",
      "MAINTENANCE: as announced",
      "MAINTENANCE OVER: as announced",
    ]);
    expect(sent[1]?.text).toContain("new disks, until");
    expect(documents[0]?.maintenance.map(({ note, monitors }) => [note, monitors])).toEqual([
      ["database upgrade", null],
      ["new disks", ["site"]],
    ]);
  });

  it("of monitors that are not public is not on the page, nor are their names", async () => {
    const targets = [
      { name: "site", maintenance: [upgrade] },
      { name: "intranet", public: false, maintenance: [upgrade, { ...upgrade, note: "wiring" }] },
    ];
    const { checkAndPublish, documents } = setup(targets);
    await checkAndPublish(0);
    expect(documents[0]?.maintenance).toMatchObject([{ note: "database upgrade", monitors: ["site"] }]);
  });

  it("without a note is told to nobody", async () => {
    const { checkAndPublish, sent, documents } = setup([{ name: "site" }], {
      maintenance: [{ from: upgrade.from, to: upgrade.to }],
    });
    for (let index = 0; index < 7; index += 1) await checkAndPublish(index);
    expect(sent).toEqual([]);
    expect(documents[2]?.maintenance).toEqual([]);
  });
});

describe("what people say about an incident", () => {
  it("is in its timeline, between what the monitor saw", async () => {
    const { checkAndPublish, documents, table } = setup([{ name: "site" }]);
    const incident = `site.${time(0)}`;
    for (let index = 0; index < 4; index += 1) await checkAndPublish(index, [BAD]);
    await table.updates.add({ incident, at: tickAt(4), status: "identified", text: "A disk is full." });
    await table.updates.add({ incident: "site.other", at: tickAt(4), status: "update", text: "not of this one" });
    for (let index = 5; index < 8; index += 1) await checkAndPublish(index);
    await table.updates.add({ incident, at: tickAt(9), status: "resolved", text: "It has an alarm now." });
    await checkAndPublish(10);
    expect(
      documents.at(-1)?.incidents.map(({ timeline }) => timeline.map(({ kind, text }) => `${kind}: ${text}`)),
    ).toEqual([
      [
        "opened: Down: status 500, expected 200-299",
        "identified: A disk is full.",
        "closed: Up again",
        "resolved: It has an alarm now.",
      ],
    ]);
  });

  it("is followed by what the monitor saw change", async () => {
    const { checkAndPublish, documents } = setup([{ name: "site" }]);
    const refused: Outcome = { ok: false, reason: "refused", message: "connect ECONNREFUSED 10.0.0.7:443" };
    for (let index = 0; index < 8; index += 1) await checkAndPublish(index, [index < 4 ? BAD : refused]);
    expect(documents.at(-1)?.incidents[0]?.timeline.map(({ kind, text }) => `${kind}: ${text}`)).toEqual([
      "opened: Down: status 500, expected 200-299",
      "changed: Down: the connection fails",
    ]);
  });
});
