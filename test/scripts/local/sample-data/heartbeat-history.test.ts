import { monitorSettingsSchema, targetsSchema } from "../../../../functions/heartbeats/contract";
import type { Configuration } from "../../../../functions/heartbeats/monitors/policy";
import { statusBuilder } from "../../../../functions/heartbeats/status-page/build-status";
import { DAY_MS, MINUTE_MS } from "../../../../functions/shared/time";
import { sampleHistories, saveHistory } from "../../../../scripts/local/sample-data/heartbeat-history";
import { fakeStateTable } from "../../../support/fake-state-table";
import { virtualClock } from "../../../support/virtual-clock";

const NOW = Date.parse("2026-11-21T06:55:30Z");

const configuration: Configuration = {
  targets: targetsSchema.parse([
    { name: "aws-emulator", url: "http://127.0.0.1:4566/", private: true },
    { name: "unreachable", url: "http://127.0.0.1:9/", private: true },
    { name: "of-a-user", url: "https://example.org/" },
  ]),
  ...monitorSettingsSchema.parse({
    cronMonitors: [{ name: "nightly-backup", everySeconds: 86_400, graceSeconds: 3_600 }],
  }),
  brand: {},
};

const histories = sampleHistories(configuration, NOW);

function setup() {
  const clock = virtualClock(NOW);
  return { clock, table: fakeStateTable(clock) };
}

describe("sample histories", () => {
  it("fill 90 days of the status page, incidents marked as samples", async () => {
    const { clock, table } = setup();
    for (const history of histories) expect(await saveHistory(history, table)).toBe(true);
    const ports = { app: "almanac", environment: "local", intervalMinutes: 1, table, updates: table.updates, clock };
    const { monitors, incidents } = await statusBuilder(ports)(configuration, NOW + MINUTE_MS);

    const sampled = monitors.filter(({ name }) => name !== "of-a-user");
    expect(sampled.map(({ name, state }) => [name, state])).toEqual([
      ["aws-emulator", "up"],
      ["unreachable", "down"],
      ["nightly-backup", "up"],
    ]);
    for (const { days, windows } of sampled) {
      expect(days.filter(({ noData }) => noData === 0)).toHaveLength(90);
      expect(windows["90d"].coverage).toBe(1);
      expect(windows["90d"].uptime).toBeGreaterThan(0.9);
      expect(windows["90d"].uptime).toBeLessThan(1);
    }
    expect(incidents.filter(({ closedAt }) => closedAt === null).map(({ monitor }) => monitor)).toEqual([
      "unreachable",
    ]);
    expect(incidents.filter(({ monitor }) => monitor === "nightly-backup")).toHaveLength(2);
    // The public page has reasons only.
    const stored = table.items().filter(({ item }) => String(item).startsWith("incident#"));
    for (const { message } of stored) expect(message).toMatch(/^sample: /);
  });

  it("leave a monitor with a state as it is", async () => {
    const { table } = setup();
    for (const history of histories) await saveHistory(history, table);
    const before = table.items();
    for (const history of sampleHistories(configuration, NOW + DAY_MS))
      expect(await saveHistory(history, table)).toBe(false);
    expect(table.items()).toEqual(before);
  });

  it("come before the first checks of a slow machine", async () => {
    const { table } = setup();
    const [history] = histories;
    if (history === undefined) throw new Error("no history");
    const { key } = history.monitor;
    await table.save(key, { state: { ...history.state, revision: 1, runId: "check" }, hours: [] });
    expect(await saveHistory(history, table)).toBe(true);
    expect((await table.history(key, { hours: 0, days: 0, incidents: 0 })).days).toHaveLength(91);
  });

  it("continue from the state of a check that runs meanwhile", async () => {
    const { table } = setup();
    const [history] = histories;
    if (history === undefined) throw new Error("no history");
    const { key } = history.monitor;
    let checked = false;
    const interrupted: typeof table = {
      ...table,
      save: async (monitor, transition) => {
        if (transition.state.revision === 5 && !checked) {
          checked = true;
          const state = await table.readOne(key);
          if (state === undefined) throw new Error("no state");
          await table.save(key, { state: { ...state, revision: 5, runId: "check", lastTick: NOW }, hours: [] });
        }
        return table.save(monitor, transition);
      },
    };
    await saveHistory(history, interrupted);
    expect(await table.readOne(key)).toMatchObject({ runId: "check", lastTick: NOW });
    const { days } = await table.history(key, { hours: 0, days: 0, incidents: 0 });
    expect(days).toHaveLength(91);
  });

  it("are whole on a page that was built while they were saved", async () => {
    const { clock, table } = setup();
    const ports = { app: "almanac", environment: "local", intervalMinutes: 1, table, updates: table.updates, clock };
    const build = statusBuilder(ports);
    let builds = 0;
    const watched: typeof table = {
      ...table,
      save: async (monitor, transition) => {
        if (transition.state.revision % 10 === 0) {
          await build(configuration, NOW);
          builds++;
        }
        return table.save(monitor, transition);
      },
    };
    for (const history of histories) await saveHistory(history, watched);
    expect(builds).toBeGreaterThan(5);
    const { monitors } = await build(configuration, NOW + MINUTE_MS);
    for (const { windows } of monitors.filter(({ name }) => name !== "of-a-user"))
      expect(windows["90d"].coverage).toBe(1);
  });

  it("send no notification", () => {
    for (const { state } of histories) expect(state.outbox).toEqual([]);
  });

  it("are none for other targets than those of main.ts", () => {
    const targets = configuration.targets.filter(({ name }) => name === "of-a-user");
    expect(sampleHistories({ ...configuration, targets }, NOW)).toEqual([]);
  });
});
