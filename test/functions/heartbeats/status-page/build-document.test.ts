import { monitorSettingsSchema, targetSchema, type Outcome } from "../../../../functions/heartbeats/contract";
import { monitorsOf, type Monitor } from "../../../../functions/heartbeats/monitors/policy";
import { EMPTY_ROLLUP } from "../../../../functions/heartbeats/monitors/roll-up";
import type { MonitorState } from "../../../../functions/heartbeats/monitors/state";
import { statusDocument } from "../../../../functions/heartbeats/status-page/build-document";
import { historyOf, NO_HISTORY, windowRecord } from "../../../../functions/heartbeats/status-page/history";
import { DAY_MS, HOUR_MS } from "../../../../functions/shared/time";
import { BAD, GOOD, setup, tickAt, time } from "../../../support/heartbeat-rounds";

const site = { name: "site", failuresBeforeDown: 1, successesBeforeUp: 1 };
const SLOW: Outcome = { ok: false, reason: "slow", message: "took 900 ms, at most 500 expected" };
const iso = (index: number) => new Date(tickAt(index)).toISOString();
type Rounds = ReturnType<typeof setup>;
const [MONITOR] = monitorsOf(
  { ...monitorSettingsSchema.parse({}), brand: {}, targets: [targetSchema.parse({ ...site, url: "https://a.test/" })] },
  5,
) as [Monitor];
const STATE: MonitorState = {
  revision: 1,
  runId: "run",
  firstTick: 0,
  lastTick: 0,
  lastCheck: { health: "up", at: 0 },
  health: "up",
  healthSince: 0,
  closedIncidents: 0,
  hour: { start: 0, rollup: EMPTY_ROLLUP },
  outbox: [],
};
const run = async ({ checkAndPublish }: Rounds, outcomes: readonly Outcome[], from = 0) => {
  for (const [index, outcome] of outcomes.entries()) await checkAndPublish(from + index, [outcome]);
};
const statusOf = ({ documents }: Rounds) => documents.at(-1)?.monitors[0];
const times = (count: number, outcome: Outcome) => Array<Outcome>(count).fill(outcome);

describe("the status of a monitor", () => {
  it("counts degraded time as uptime, and maintenance as covered", async () => {
    const degraded = setup([site]);
    await run(degraded, [GOOD, SLOW, SLOW, GOOD]);
    expect(statusOf(degraded)?.windows["24h"]).toMatchObject({ uptime: 1, coverage: 1 });
    const maintained = setup([{ ...site, maintenance: [{ from: iso(1), to: iso(3) }] }]);
    await run(maintained, [GOOD, BAD, BAD, GOOD]);
    expect(statusOf(maintained)?.windows["24h"]).toMatchObject({ uptime: 1, coverage: 1 });
  });

  it("never rounds a short outage away, nor a short success", () => {
    const uptime = (up: number, down: number) => {
      const history = { ...NO_HISTORY, windows: windowRecord(() => ({ ...EMPTY_ROLLUP, up, down })) };
      const options = { app: "almanac", environment: "test", intervalSeconds: 300, updates: [], announcedWindows: [] };
      return statusDocument([{ ...MONITOR, state: STATE, history }], { ...options, now: 0 }).monitors[0]?.windows["90d"]
        .uptime;
    };
    expect([uptime(1e9, 1), uptime(1, 1e9), uptime(1, 1), uptime(1, 0), uptime(0, 1)]).toEqual([
      0.9999, 0.0001, 0.5, 1, 0,
    ]);
  });

  it("is unknown after two missing checks, and not before", async () => {
    const rounds = setup([site, { name: "other" }]);
    await run(rounds, [GOOD]);
    const failing = { ...rounds.table, save: () => Promise.reject(new Error("no")) };
    const states: unknown[] = [];
    for (const index of [1, 2, 3]) {
      await rounds.checkAndPublish(index, [GOOD], { table: failing }).catch(() => undefined);
      states.push(statusOf(rounds)?.state);
    }
    expect(states).toEqual(["up", "unknown", "unknown"]);
  });

  it("stays down while checks are not measured, and is unknown when it was up", async () => {
    const unmeasured: Outcome = { ok: false, reason: "unmeasured", message: "not judged" };
    const down = setup([site]);
    await run(down, [BAD, unmeasured]);
    expect(statusOf(down)?.state).toBe("down");
    const degraded = setup([site]);
    await run(degraded, [SLOW, unmeasured]);
    expect(statusOf(degraded)?.state).toBe("degraded");
    const up = setup([site]);
    await run(up, [GOOD, unmeasured]);
    expect(statusOf(up)?.state).toBe("unknown");
  });

  it("has all of its first day, which began with it", async () => {
    const rounds = setup([site]);
    await run(rounds, times(4, GOOD));
    expect(statusOf(rounds)?.days.at(-1)).toMatchObject({ up: 1, noData: 0 });
  });

  it("has all of each day, whatever it was like", () => {
    const rollup = { ...EMPTY_ROLLUP, up: 0.4 * DAY_MS, degraded: 0.3 * DAY_MS, down: 0.2 * DAY_MS };
    const stored = {
      hours: [],
      days: [{ start: 0, rollup: { ...rollup, maintenance: 0.06 * DAY_MS } }],
      incidents: [],
    };
    const options = { app: "almanac", environment: "test", intervalSeconds: 300, updates: [], announcedWindows: [] };
    const now = 1.5 * DAY_MS;
    const state = { ...STATE, lastTick: now, hour: { start: now, rollup: EMPTY_ROLLUP } };
    const record = { ...MONITOR, state, history: historyOf(stored, now) };
    expect(statusDocument([record], { ...options, now }).monitors[0]?.days.slice(-2)).toEqual([
      { date: "1970-01-01", up: 0.4, degraded: 0.3, down: 0.2, maintenance: 0.06, noData: 0.04 },
      { date: "1970-01-02", up: 0, degraded: 0, down: 0, maintenance: 0, noData: 1 },
    ]);
  });

  it("never names an address, a parameter or what a body contains", async () => {
    const message = 'connect 10.0.0.7:443, /almanac/token, "S3cr3t"';
    const reasons = ["refused", "forbidden-address", "tls", "body-mismatch", "slow", "secret", "internal"] as const;
    for (const reason of reasons) {
      const rounds = setup([site]);
      await run(rounds, [{ ok: false, reason, message }, GOOD, { ok: false, reason, message }]);
      expect(statusOf(rounds)?.lastCheck?.message).toEqual(expect.any(String));
      expect(JSON.stringify(rounds.documents)).not.toMatch(/10\.0\.0\.7|token|S3cr3t/);
    }
  });

  it("has the latency of the current hour, not the one that was stored", async () => {
    const rounds = setup([site]);
    await run(rounds, times(14, GOOD));
    expect(statusOf(rounds)?.hours.at(-1)).toMatchObject({ p50Ms: 120 });
    expect(statusOf(rounds)?.hours.filter(({ p50Ms }) => p50Ms !== null).length).toBeGreaterThanOrEqual(2);
  });
});

describe("windows", () => {
  const days = async (count: number) => {
    const rounds = setup([site]);
    await run(rounds, times(2, BAD));
    for (let index = 2; index < 288 * count; index += 1) if (index % 48 === 0) await rounds.check(index, [GOOD]);
    await run(rounds, [GOOD], 288 * count);
    return statusOf(rounds)?.windows;
  };

  it("have the last 24 hours, and today with the six days before it", async () => {
    const six = await days(6);
    expect([six?.["24h"].uptime, six?.["7d"].uptime === 1]).toEqual([1, false]);
    const seven = await days(7);
    expect([seven?.["7d"].uptime, seven?.["30d"].uptime === 1]).toEqual([1, false]);
  });

  it("of days have as many as their names say, with today", () => {
    const days = Array.from({ length: 100 }, (_, day) => ({
      start: day * DAY_MS,
      rollup: { ...EMPTY_ROLLUP, down: 1 },
    }));
    const { windows } = historyOf({ hours: [], days, incidents: [] }, 99.5 * DAY_MS);
    expect(windows).toMatchObject({ "7d": { down: 7 }, "30d": { down: 30 }, "90d": { down: 90 } });
  });

  it("of 24 hours begin at an hour, not at midnight", () => {
    const rollup = { ...EMPTY_ROLLUP, down: 3_600 };
    const stored = { hours: [{ start: 23 * HOUR_MS, rollup }], days: [{ start: 0, rollup }], incidents: [] };
    expect(historyOf(stored, DAY_MS + HOUR_MS / 2).windows).toMatchObject({ "24h": { down: 3_600 } });
    expect(historyOf(stored, 2 * DAY_MS - 1).windows).toMatchObject({ "24h": { down: 0 }, "7d": { down: 3_600 } });
  });
});

describe("an incident on the page", () => {
  it("has its worst severity, and each change with the time at which it began", async () => {
    const rounds = setup([site]);
    await run(rounds, [GOOD, SLOW, BAD, SLOW, SLOW]);
    const [incident] = rounds.documents.at(-1)?.incidents ?? [];
    expect(incident).toMatchObject({ severity: "down", closedAt: null });
    expect(incident?.timeline.map(({ at, kind, text }) => [at, kind, text.split(":")[0]])).toEqual([
      [time(1), "opened", "Degraded"],
      [time(2), "changed", "Down"],
      [time(3), "changed", "Degraded"],
    ]);
  });

  it("is before all that are over, whichever began first", async () => {
    const rounds = setup([site, { ...site, name: "other" }]);
    await rounds.checkAndPublish(0, [BAD, GOOD]);
    await rounds.checkAndPublish(1, [BAD, BAD]);
    await rounds.checkAndPublish(2, [BAD, GOOD]);
    expect(rounds.documents.at(-1)?.incidents.map(({ monitor }) => monitor)).toEqual(["site", "other"]);
  });

  it("is over on the page at once, with what people have said of it", async () => {
    const rounds = setup([site]);
    await run(rounds, [GOOD, BAD]);
    const id = rounds.documents.at(-1)?.incidents[0]?.id ?? "";
    await rounds.table.updates.add({ incident: id, at: tickAt(1) + 1, status: "identified", text: "A full disk." });
    await run(rounds, [GOOD], 2);
    const [incident] = rounds.documents.at(-1)?.incidents ?? [];
    expect(incident).toMatchObject({ closedAt: time(2) });
    expect(incident?.timeline.map(({ kind }) => kind)).toEqual(["opened", "identified", "closed"]);
  });

  it("has all that people have said of it since it began, however long ago that was", async () => {
    const rounds = setup([site]);
    await run(rounds, [BAD]);
    const incident = rounds.documents.at(-1)?.incidents[0]?.id ?? "";
    await rounds.table.updates.add({ incident, at: tickAt(0) + 1, status: "identified", text: "A cut cable." });
    const inMonths = 100 * 288;
    await run(rounds, [BAD, GOOD], inMonths);
    for (const { incidents } of rounds.documents.slice(-2))
      expect(incidents[0]?.timeline.map(({ kind }) => kind)).toContain("identified");
  });

  it("of a monitor that is not public is not there, nor its maintenance", async () => {
    const upgrade = { from: iso(0), to: iso(9), note: "upgrade" };
    const rounds = setup([
      { ...site, public: false, maintenance: [upgrade] },
      { name: "other", maintenance: [upgrade] },
    ]);
    await rounds.checkAndPublish(0, [BAD, GOOD]);
    const { monitors, incidents, maintenance } = rounds.documents.at(-1) ?? {};
    expect([monitors?.map(({ name }) => name), incidents]).toEqual([["other"], []]);
    expect(maintenance?.map((each) => each.monitors)).toEqual([["other"]]);
  });
});

describe("announced maintenance", () => {
  it("is there from a week before", async () => {
    const announced = async (days: number) => {
      const [from, to] = [days * 288, days * 288 + 1].map(iso);
      const rounds = setup([{ ...site, maintenance: [{ from: from ?? "", to: to ?? "", note: "upgrade" }] }]);
      await rounds.checkAndPublish(0);
      return rounds.documents[0]?.maintenance.length;
    };
    expect([await announced(6.9), await announced(7.1)]).toEqual([1, 0]);
  });
});
