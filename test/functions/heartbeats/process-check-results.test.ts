import fc from "fast-check";

import { aftermath, type AftermathPorts } from "../../../functions/heartbeats/process-check-results";
import type { Observation } from "../../../functions/heartbeats/probe/check-target";
import {
  targetSchema,
  watchSchema,
  type Outcome,
  type Target,
  type TargetInput,
  type Watch,
} from "../../../functions/heartbeats/contract";
import { historyReader } from "../../../functions/heartbeats/status-page/history-reader";
import type { Announcement } from "../../../functions/heartbeats/notifications/plan";
import { currentStatus } from "../../../functions/heartbeats/status-page/build-status";
import type { StatusDocument } from "../../../functions/heartbeats/status-page/document";
import type { Channel } from "../../../functions/heartbeats/notifications/deliver";
import type { Clock } from "../../../functions/shared/clock";
import { MINUTE_MS } from "../../../functions/shared/time";
import { fakeStateTable } from "../../support/fake-state-table";

const START = Date.parse("2026-11-21T06:55:00Z");
const tickAt = (index: number) => START + index * 5 * MINUTE_MS;
const time = (index: number) => new Date(tickAt(index)).toISOString().replace(".000Z", "Z");

const GOOD: Outcome = { ok: true, status: 200 };
const BAD: Outcome = { ok: false, reason: "status", message: "status 500, expected 200-299", status: 500 };
const expiring = (certificateFingerprint: string): Outcome => ({
  ok: false,
  reason: "certificate",
  message: "the certificate expires in 3 days, at least 7 expected",
  certificateDaysLeft: 3,
  certificateFingerprint,
});

/** An environment that rounds of checks happen to. */
function house(targetInputs: readonly Partial<TargetInput>[], watchInput: Partial<Watch> = {}, slack?: Channel) {
  let now = START;
  const clock: Clock = {
    now: () => now,
    elapsed: () => now,
    after: (_milliseconds, callback) => {
      const timer = setImmediate(callback);
      return () => {
        clearImmediate(timer);
      };
    },
  };
  let targets: readonly Target[] = [];
  let watch = watchSchema.parse({});
  /** What is in the configuration from then on. */
  const configure = (targetInputs: readonly Partial<TargetInput>[], watchInput: Partial<Watch> = {}): void => {
    targets = targetInputs.map((input) => targetSchema.parse({ url: "https://a.test/", ...input }));
    watch = watchSchema.parse(watchInput);
  };
  configure(targetInputs, watchInput);
  const table = fakeStateTable(clock);
  const heard: Announcement[] = [];
  const failures: string[] = [];
  const documents: StatusDocument[] = [];
  const topic: Channel = {
    name: "topic",
    send: (announcement) => {
      heard.push(announcement);
      return Promise.resolve();
    },
  };
  const ports: AftermathPorts = {
    app: "almanac",
    environment: "test",
    intervalMinutes: 5,
    table,
    channels: [topic, ...(slack ? [slack] : [])],
    clock,
    random: () => 0.5,
    onFailure: (channel, { id }) => failures.push(`${channel} ${id}`),
  };
  const publishing = { ...ports, histories: historyReader(table), clock };
  let runs = 0;
  const follow = async (index: number, outcomes: readonly Outcome[] = [], changed: Partial<AftermathPorts> = {}) => {
    now = Math.max(now, tickAt(index) + 2_000);
    const observations = targets.map(({ name }, place): Observation => {
      return { target: name, at: tickAt(index) + 1_000, latencyMs: 120, outcome: outcomes[place] ?? GOOD };
    });
    const checked = {
      targets,
      watch,
      observations,
      round: { tick: tickAt(index), run: `run-${runs++}` },
      deadline: Infinity,
    };
    await aftermath(checked, { ...ports, ...changed });
  };
  /** A round, and after it the status, as the publisher makes it. */
  const round = async (...given: Parameters<typeof follow>) => {
    try {
      await follow(...given);
    } finally {
      documents.push(await currentStatus({ targets, watch, deadline: Infinity }, publishing));
    }
  };
  return { configure, follow, round, heard, failures, documents, table, titles: () => heard.map(({ title }) => title) };
}

describe("a target that fails and recovers", () => {
  it("is one incident, told of when it opens and when it closes, and one in the status", async () => {
    const { round, heard, documents, table } = house([{ name: "site" }]);
    const story = [GOOD, BAD, BAD, BAD, BAD, GOOD, GOOD, GOOD];
    for (const [index, outcome] of story.entries()) await round(index, [outcome]);
    expect(heard).toEqual([
      {
        id: `site.${time(1)}.opened`,
        title: "[almanac test] DOWN: site",
        text: `site: status 500, expected 200-299\nSince ${time(1)}`,
      },
      {
        id: `site.${time(1)}.closed`,
        title: "[almanac test] UP again: site",
        text: `site: status 500, expected 200-299\nSince ${time(1)}\nUntil ${time(5)} (20 min)`,
      },
    ]);
    expect(documents.map(({ targets: [target] }) => target?.state)).toEqual([
      ..."up up up down down down up up".split(" "),
    ]);
    expect(documents.at(-1)?.incidents).toEqual([
      {
        id: `site.${time(1)}`,
        target: "site",
        openedAt: time(1),
        closedAt: time(5),
        message: "status 500, expected 200-299",
      },
    ]);
    expect(table.items().map(({ item }) => item)).toEqual([
      "watched",
      "day#2026-11-21",
      "hour#2026-11-21T06",
      `incident#${new Date(tickAt(5)).toISOString()}`,
      "state",
    ]);
  });

  it("is told of exactly once under doubled and concurrent ticks, and its time counted once", async () => {
    const letters = fc.array(fc.constantFrom(GOOD, BAD), { minLength: 1, maxLength: 24 });
    await fc.assert(
      fc.asyncProperty(letters, fc.integer({ min: 1, max: 3 }), async (outcomes, copies) => {
        const [once, often] = [house([{ name: "site" }]), house([{ name: "site" }])];
        for (const [index, outcome] of outcomes.entries()) {
          await once.round(index, [outcome]);
          await Promise.all(Array.from({ length: copies }, () => often.round(index, [outcome])));
          await often.round(Math.max(0, index - 1), [BAD]); // an old tick, tried again
        }
        expect(often.heard).toEqual(once.heard);
        const summary = ({ documents }: typeof once) => documents.at(-1)?.targets[0]?.days.at(-1);
        expect(summary(often)).toEqual(summary(once));
      }),
      { numRuns: 15 },
    );
  }, 60_000);

  it("is told of by the next tick where the first could not, under the same id", async () => {
    let broken = true;
    const sent: string[] = [];
    const slack: Channel = {
      name: "slack",
      send: ({ id }) => (broken ? Promise.reject(new Error("no")) : Promise.resolve(void sent.push(id))),
    };
    const { round, titles, failures } = house([{ name: "site", failuresBeforeDown: 1 }], {}, slack);
    await round(0, [BAD]);
    expect(failures).toEqual([`slack site.${time(0)}.opened`]);
    broken = false;
    await round(1, [BAD]);
    await round(2, [BAD]);
    expect(sent).toEqual([`site.${time(0)}.opened`]);
    expect(titles()).toHaveLength(1); // the topic had taken it
  });

  it("is told of although the function died between keeping and telling", async () => {
    const { round, titles } = house([{ name: "site", failuresBeforeDown: 1 }]);
    const channels = [{ name: "topic", send: () => new Promise<never>(() => undefined) }];
    await Promise.race([round(0, [BAD], { channels }), new Promise((resolve) => setTimeout(resolve, 50))]);
    await round(1, [BAD]);
    await round(2, [BAD]);
    expect(titles()).toEqual(["[almanac test] DOWN: site"]);
  });

  it("costs one write and one key read a tick, and a few more at an hour's end", async () => {
    const { follow, table } = house([{ name: "site" }]);
    for (let index = 0; index < 12; index++) await follow(index, [GOOD]);
    // 06:55 to 07:50, the first write of the new hour being a transaction of state, hour and day; and, for all targets together,
    // each tick one read of who is watched, the first one a write
    expect(table.requests()).toEqual({
      BatchGetItem: 12,
      PutItem: 11,
      TransactWriteItems: 1,
      GetItem: 1 + 12,
      UpdateItem: 1,
    });
  });

  it("is a kilobyte at most in a usual hour, so that a tick's write is one unit", async () => {
    const { round, table } = house([{ name: "a-target-with-a-rather-long-name" }]);
    for (let index = 1; index < 13; index++) await round(index, [{ ...BAD, certificateFingerprint: "f".repeat(64) }]);
    const state = table.items().find(({ item }) => item === "state");
    expect(JSON.stringify(state).length).toBeLessThan(1_024); // DynamoDB counts less: neither quotes nor brackets
  });

  it("has its history read once an hour, not once a tick", async () => {
    const { round, table } = house([{ name: "site" }]);
    for (let index = 1; index < 13; index++) await round(index, [GOOD]);
    expect(table.requests()).toMatchObject({ Query: 3 });
  });
});

describe("what is removed from the configuration", () => {
  const [site, other] = [{ name: "site", failuresBeforeDown: 1 }, { name: "other" }];
  const closedOf = ({ table }: ReturnType<typeof house>, subject: string) =>
    table.items().filter((stored) => stored["subject"] === subject && String(stored["item"]).startsWith("incident#"));

  it("has its open incident closed for that reason, told of once, and no longer shown", async () => {
    const h = house([site, other]);
    await h.round(0, [BAD]);
    h.configure([other]);
    for (const index of [1, 2, 3]) await h.round(index);
    expect(h.heard.slice(1)).toEqual([
      {
        id: `site.${time(0)}.removed`,
        title: "[almanac test] NO LONGER WATCHED: site",
        text: [
          "site: status 500, expected 200-299",
          `Since ${time(0)}`,
          `Until ${time(1)} (5 min)`,
          "It is not known to be up: it was removed from the configuration",
        ].join("\n"),
      },
    ]);
    expect(closedOf(h, "site")).toMatchObject([
      { openedAt: tickAt(0), closedAt: tickAt(1), closedBecause: "removed from the configuration" },
    ]);
    expect(h.documents.at(-1)).toMatchObject({ targets: [{ name: "other" }], incidents: [] });
  });

  it("is nothing to tell of where nothing was open", async () => {
    const h = house([site, other]);
    await h.round(0);
    h.configure([other]);
    for (const index of [1, 2]) await h.round(index);
    expect(h.heard).toEqual([]);
    expect(h.table.items()[0]).toEqual({ subject: "*", item: "watched", subjects: new Set(["other"]) });
  });

  it("is told of once under doubled and concurrent ticks", async () => {
    const h = house([site, other]);
    await h.round(0, [BAD]);
    h.configure([other]);
    await Promise.all([h.round(1), h.round(1), h.round(1)]);
    for (const index of [2, 1]) await h.round(index);
    expect(h.titles()).toEqual(["[almanac test] DOWN: site", "[almanac test] NO LONGER WATCHED: site"]);
    expect(closedOf(h, "site")).toHaveLength(1);
  });

  it("is told of by a later round where the first could not", async () => {
    const h = house([site, other]);
    await h.round(0, [BAD]);
    h.configure([other]);
    await h.round(1, [], { channels: [{ name: "topic", send: () => Promise.reject(new Error("no")) }] });
    for (const index of [2, 3, 4]) await h.round(index);
    expect(h.titles()).toEqual(["[almanac test] DOWN: site", "[almanac test] NO LONGER WATCHED: site"]);
  });

  it("may be a job, and be the last that there was", async () => {
    const h = house([], { jobs: [{ name: "backup", everySeconds: 60, graceSeconds: 0, maintenance: [] }] });
    for (const index of [0, 1]) await h.round(index);
    h.configure([]);
    for (const index of [2, 3]) await h.round(index);
    expect(h.titles()).toEqual(["[almanac test] DOWN: job/backup", "[almanac test] NO LONGER WATCHED: job/backup"]);
    expect(h.table.items()[0]).toEqual({ subject: "*", item: "watched" });
  });

  it("begins anew when it comes back: its old incident says why it was closed", async () => {
    const h = house([site, other]);
    await h.round(0, [BAD]);
    h.configure([other]);
    await h.round(1);
    h.configure([site, other]);
    await h.round(12);
    expect(h.documents.at(-1)?.targets[0]).toMatchObject({ name: "site", state: "up" });
    expect(h.documents.at(-1)?.incidents).toMatchObject([
      { target: "site", closedAt: time(1), closedBecause: "removed from the configuration" },
    ]);
    await h.round(13, [BAD]);
    expect(h.titles().slice(2)).toEqual(["[almanac test] DOWN: site"]);
  });

  it("leaves a certificate that others share to be told of by them", async () => {
    const h = house([
      { ...site, failuresBeforeDown: 1 },
      { ...other, failuresBeforeDown: 1 },
    ]);
    await h.round(0, [expiring("aa"), expiring("aa")]);
    h.configure([{ ...other, failuresBeforeDown: 1 }]);
    await h.round(1, [expiring("aa")]);
    for (const index of [2, 3]) await h.round(index, [GOOD]);
    expect(h.titles()).toEqual([
      "[almanac test] DOWN: 2 targets with one certificate",
      "[almanac test] NO LONGER WATCHED: site",
      "[almanac test] UP again: other",
    ]);
  });
});

describe("a shared certificate", () => {
  const three = [{ name: "a" }, { name: "b" }, { name: "c" }];

  it("alarms once, not once per target, and once when it is good again everywhere", async () => {
    const { round, heard } = house(three);
    const bad = Array.from({ length: 3 }, () => expiring("f00d"));
    for (let index = 0; index < 5; index++) await Promise.all([round(index, bad), round(index, bad)]);
    for (let index = 5; index < 8; index++) await round(index);
    expect(heard.map(({ title }) => title)).toEqual([
      "[almanac test] DOWN: 3 targets with one certificate",
      "[almanac test] UP again: 3 targets with one certificate",
    ]);
    expect(heard[0]?.text).toContain("Targets: a, b, c");
    expect(heard[0]?.text).toContain("Certificate SHA-256 f00d");
  });

  it("alarms once though targets notice it at different times, and reminds for one of them only", async () => {
    const { round, titles } = house(three, { remindAfterHours: 1 });
    for (let index = 0; index < 18; index++)
      await round(index, [GOOD, expiring("f00d"), index < 4 ? GOOD : expiring("f00d")]);
    expect(titles()).toEqual(["[almanac test] DOWN: b", "[almanac test] STILL DOWN: 2 targets with one certificate"]);
  });

  it("is another alarm than another certificate, and than another failure", async () => {
    const { round, titles } = house(three);
    for (let index = 0; index < 4; index++) await round(index, [expiring("f00d"), expiring("beef"), BAD]);
    expect(titles().toSorted()).toEqual(["a", "b", "c"].map((name) => `[almanac test] DOWN: ${name}`));
  });
});

describe("a job that reports in", () => {
  const jobs = watchSchema.parse({ jobs: [{ name: "backup", everySeconds: 900, graceSeconds: 300 }] }).jobs;

  it("is unknown before its first report, and an incident after period and grace of silence", async () => {
    const { round, documents, titles, heard } = house([], { jobs });
    for (let index = 0; index <= 5; index++) await round(index);
    expect(documents.map(({ targets: [job] }) => job?.state)).toEqual([...Array<string>(5).fill("unknown"), "down"]);
    expect(documents.at(-1)?.targets[0]).toMatchObject({ name: "backup", kind: "job", lastCheck: null });
    expect(titles()).toEqual(["[almanac test] DOWN: job/backup"]);
    expect(heard[0]?.text).toContain(`no report since ${new Date(tickAt(0)).toISOString()}, expected every 900 s`);
  });

  it("is up while it reports, down when it falls silent, and up again at its next report", async () => {
    const { round, documents, titles, table } = house([], { jobs });
    for (let index = 0; index < 20; index++) {
      if (index < 6 || index > 15) await table.report("job/backup", tickAt(index) - 1_000);
      await round(index);
    }
    const states = documents.map(({ targets: [job] }) => job?.state);
    // The last report before the silence came a second before the sixth round; period and grace are four rounds.
    expect(states.slice(0, 9)).toEqual([...Array<string>(9).fill("up")]);
    expect(states.slice(9, 16)).toEqual([...Array<string>(7).fill("down")]);
    expect(states.slice(16)).toEqual([...Array<string>(4).fill("up")]);
    expect(titles()).toEqual(["[almanac test] DOWN: job/backup", "[almanac test] UP again: job/backup"]);
  });

  it("is not silent for a report that came late and old", async () => {
    const { table, round, documents } = house([], { jobs });
    await table.report("job/backup", tickAt(4));
    await table.report("job/backup", tickAt(0));
    await round(5);
    expect(documents[0]?.targets[0]?.state).toBe("up");
  });

  it("is silent without alarm in maintenance", async () => {
    const maintenance = [{ from: time(0), to: time(9) }];
    const { round, titles } = house([], { jobs, maintenance });
    for (let index = 0; index < 9; index++) await round(index);
    expect(titles()).toEqual([]);
    await round(9);
    expect(titles()).toEqual(["[almanac test] DOWN: job/backup"]);
  });
});

describe("the status of all targets", () => {
  it("never says up while the monitor itself was down", async () => {
    const { round, documents } = house([{ name: "site" }]);
    await round(0);
    await round(1);
    await round(61); // five hours later
    await round(62);
    const [site] = documents.at(-1)?.targets ?? [];
    expect(site?.windows["24h"]).toMatchObject({ uptime: 1, coverage: expect.closeTo(15 / 310, 2) as unknown });
    expect(site?.days.at(-1)).toMatchObject({ down: 0, noData: expect.closeTo(295 / 310, 2) as unknown });
  });

  it("shows ticks that drift from five minutes to an hour as what they are: mostly no data", async () => {
    const { round, documents } = house([{ name: "site" }]);
    for (let hour = 0; hour <= 6; hour++) await round(hour * 12);
    expect(documents.at(-1)?.targets[0]?.windows["24h"]).toMatchObject({
      uptime: 1,
      coverage: expect.closeTo(1 / 12, 2) as unknown,
    });
  });

  it("has a history that is not tied to the interval of checks, and outlives its change", async () => {
    const { round, documents } = house([{ name: "site" }]);
    for (let index = 0; index <= 12; index++) await round(index);
    for (let minute = 61; minute <= 180; minute++) await round(minute / 5, [], { intervalMinutes: 1 });
    const [site] = documents.at(-1)?.targets ?? [];
    expect(site?.windows["90d"]).toMatchObject({ uptime: 1, coverage: 1 });
    expect(site?.days).toHaveLength(90);
    expect(site?.days.at(-1)).toEqual({ date: "2026-11-21", up: 1, down: 0, maintenance: 0, noData: 0 });
  });

  it("has fractions of each day that are all of it, and windows that agree with them", async () => {
    const kinds = fc.constantFrom<Outcome | undefined>(GOOD, GOOD, BAD, undefined);
    await fc.assert(
      fc.asyncProperty(fc.array(kinds, { minLength: 2, maxLength: 60 }), async (outcomes) => {
        const { round, documents } = house([{ name: "site" }], {
          maintenance: [{ weekday: "saturday", from: "08:00", minutes: 30 }],
        });
        // Half an hour apart now and then, so that days end too.
        for (const [index, outcome] of outcomes.entries())
          if (outcome) await round(index * (index % 9 === 0 ? 6 : 5), [outcome]);
        for (const { targets } of documents) {
          const days = targets[0]?.days ?? [];
          expect(days).toHaveLength(90);
          for (const { up, down, maintenance, noData } of days)
            expect([0, 1]).toContainEqual(expect.closeTo(up + down + maintenance + noData, 3));
          for (const { uptime, coverage } of Object.values(targets[0]?.windows ?? {})) {
            expect(uptime ?? 1).toBeLessThanOrEqual(1);
            expect(coverage).toBeLessThanOrEqual(1);
          }
        }
      }),
      { numRuns: 15 },
    );
  }, 60_000);

  it("knows a target of which nothing could be kept as unknown, and fails having kept and told of the others", async () => {
    const { round, table, documents } = house([{ name: "a" }, { name: "b" }]);
    const save: typeof table.save = (subject, step) =>
      subject === "a" ? Promise.reject(new Error("no")) : table.save(subject, step);
    await expect(round(0, [], { table: { ...table, save } })).rejects.toMatchObject({
      name: "StateNotSavedError",
      message: "1 of 2 states not saved",
    });
    expect(documents[0]?.targets.map(({ name, state }) => `${name} ${state}`)).toEqual(["a unknown", "b up"]);
  });

  it("remembers percentiles over hours and days", async () => {
    const { round, documents } = house([{ name: "site" }]);
    for (let index = 0; index < 400; index += 1) await round(index);
    const [site] = documents.at(-1)?.targets ?? [];
    for (const window of Object.values(site?.windows ?? {}))
      expect(window).toMatchObject({ uptime: 1, coverage: 1, p50Ms: expect.closeTo(120, -1) as unknown });
    expect(site?.hours.filter(({ p50Ms }) => p50Ms !== null)).toHaveLength(25);
    expect(site?.days.filter(({ up }) => up > 0).map(({ date }) => date)).toEqual(["2026-11-21", "2026-11-22"]);
  });
});
