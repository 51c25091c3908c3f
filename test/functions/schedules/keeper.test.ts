import { keepSchedules } from "../../../functions/schedules/keeper/keep-schedules";
import { readSchedules, schedulesSchema } from "../../../functions/schedules/contract";
import type { AttemptEnd } from "../../../functions/schedules/storage/runs-table";
import { planSchedule } from "../../../functions/schedules/plan/plan";
import { HOUR_MS, MINUTE_MS } from "../../../functions/shared/time";
import { ATTEMPT, START, setup } from "../../support/schedule-keeper";

describe("the keeper", () => {
  // Each failure of a schedule's tick, which the keeper reports and survives.
  const all: ReturnType<typeof setup>[] = [];
  const keeper = (fields?: object) => {
    const one = setup(fields);
    all.push(one);
    return one;
  };
  afterEach(() => {
    expect(all.splice(0).flatMap(({ failures }) => failures)).toEqual([]);
  });

  it("runs nothing of the time before a schedule's deployment, then each instant once", async () => {
    const { tick, invoked, rows } = keeper();
    await tick(0);
    expect(await rows()).toEqual([]);
    await tick();
    await tick();
    expect(invoked).toEqual([ATTEMPT]);
    expect(await rows()).toEqual(["06:00 queued"]);
  });

  it("keeps result, times and log of a run in its row, and forgets the run", async () => {
    const { tick, table, run } = keeper({ input: { day: 7 } });
    await tick(0);
    await tick();
    await run(ATTEMPT, () => ({ invoices: 42 }));
    await tick();
    const [row] = await table.list("report", 1);
    expect(row).toMatchObject({ outcome: "succeeded", result: '{"invoices":42}', attempt: 1, log: { group: "g" } });
    expect(row?.endedAt).toBeDefined();
    expect((await table.states()).get("report")?.open.size).toBe(0);
  });

  it("gives the handler the schedule's input", async () => {
    const { tick, run, events } = keeper({ input: { day: 7 } });
    await tick(0);
    await tick();
    await run(ATTEMPT);
    expect(events).toEqual([
      {
        schedule: "report",
        scheduledAt: new Date("2026-11-21T06:00:00Z"),
        runId: "report/2026-11-21T06:00:00.000Z",
        attempt: 1,
        input: { day: 7 },
      },
    ]);
  });

  it("lets one of two deliveries of an attempt run", async () => {
    const { tick, run, events } = keeper();
    await tick(0);
    await tick();
    const ends = await Promise.all([run(ATTEMPT, () => 1, "a"), run(ATTEMPT, () => 2, "b")]);
    expect(events).toHaveLength(1);
    expect(ends.filter((end?: AttemptEnd) => end !== undefined)).toHaveLength(1);
  });

  it("retries a failed run after its backoff, with the number of the attempt", async () => {
    const { tick, run, invoked, rows, table } = keeper({ retries: { count: 1, backoffSeconds: 120 } });
    await tick(0);
    await tick();
    const [first] = invoked;
    if (first === undefined) throw new Error("nothing was invoked");
    const fail = () => {
      throw new TypeError("no luck");
    };
    await run(first, fail);
    expect((await table.list("report", 1))[0]).toMatchObject({ outcome: "retrying", reason: "TypeError: no luck" });
    await tick();
    expect(invoked).toHaveLength(1);
    await tick();
    expect(invoked[1]).toMatchObject({ run: first.run, attempt: 2 });
    // A late delivery of the first attempt.
    await run(first);
    expect(await rows()).toEqual(["06:00 retrying"]);
    await run({ ...first, attempt: 2 }, fail);
    expect(await rows()).toEqual(["06:00 failed"]);
    expect((await table.list("report", 1))[0]).not.toHaveProperty("nextAttemptAt");
  });

  it("finds an attempt that Lambda has ended", async () => {
    const { tick, table, rows, memory } = keeper();
    await tick(0);
    await tick();
    await table.claim(ATTEMPT, { attempt: 1, owner: "killed", now: START, deadline: START + 2 * MINUTE_MS });
    await tick();
    expect(await rows()).toEqual(["06:00 running"]);
    await tick();
    expect(await rows()).toEqual(["06:00 failed"]);
    expect((await table.list("report", 1))[0]?.reason).toMatch(/ended by Lambda/);
    expect(memory.items.size).toBe(3);
  });

  it("invokes a function again that has not begun, and gives it up after three times", async () => {
    const { tick, invoked, rows } = keeper();
    await tick(0);
    await tick();
    for (let minute = 0; minute < 20; minute += 1) await tick();
    expect(invoked).toHaveLength(3);
    expect(await rows()).toEqual(["06:00 failed"]);
  });

  it.each([
    ["skip", ["00 succeeded", "01 skipped", "02 skipped"], 1],
    ["queue", ["00 succeeded", "01 queued", "02 queued"], 2],
    ["allow", ["00 succeeded", "01 queued", "02 queued"], 3],
  ])("treats runs that overlap by the policy %s", async (overlap, outcomes, invocations) => {
    const { tick, table, rows, invoked } = keeper({ schedule: "rate(1 minute)", overlap });
    await tick(0);
    await tick();
    await table.claim(ATTEMPT, { attempt: 1, owner: "slow", now: START, deadline: START + HOUR_MS });
    await tick();
    await tick();
    const [slow] = await table.list("report", 100).then((all) => all.slice(-1));
    if (slow === undefined) throw new Error("no run");
    await table.end(slow, { outcome: "succeeded" }, START + 3 * MINUTE_MS);
    expect((await rows()).map((row) => row.slice(3))).toEqual(outcomes);
    await tick();
    expect(invoked.filter((each) => each.run <= "2026-11-21T06:02:01")).toHaveLength(invocations);
  });

  it.each([
    ["succeeded", { outcome: "succeeded" }],
    ["retrying", { reason: "no luck", outcome: "retrying", attempt: 2, nextAttemptAt: START + HOUR_MS }],
  ] as const)("ends an attempt once, and again when the response to that was lost: %s", async (_, end) => {
    const { tick, table } = keeper({ retries: { count: 2 } });
    await tick(0);
    await tick();
    const running = await table.claim(ATTEMPT, { attempt: 1, owner: "one", now: START, deadline: START + HOUR_MS });
    if (running === undefined) throw new Error("no run");
    expect(await table.end(running, end, START + MINUTE_MS)).toBe(true);
    const row = await table.list("report", 1);
    expect(await table.end(running, end, START + MINUTE_MS)).toBe(true);
    expect(await table.list("report", 1)).toEqual(row);
    const other = { outcome: "failed", reason: "was ended by Lambda" } as const;
    expect(await table.end(running, other, START + 2 * MINUTE_MS)).toBe(false);
    expect(await table.list("report", 1)).toEqual(row);
  });

  it.each([
    ["all", ["06:00 queued", "07:00 queued", "08:00 queued"]],
    ["latest", ["06:00 missed", "07:00 missed", "08:00 queued"]],
    ["none", ["06:00 missed", "07:00 missed", "08:00 missed"]],
  ])("catches up after an outage by the policy %s", async (catchUp, outcomes) => {
    const { tick, rows } = keeper({ catchUp });
    await tick(0);
    await tick(2 * 60 + 31);
    expect(await rows()).toEqual(outcomes);
  });

  it("neither runs nor misses what was due in a pause, or while a schedule was disabled", async () => {
    const { tick, table, rows, state } = keeper();
    await tick(0);
    expect(await table.pause("report", state.now)).toBe(true);
    await tick(90);
    await table.resume("report", state.now);
    await tick();
    expect(await rows()).toEqual([]);
    await tick(40);
    expect(await rows()).toEqual(["08:00 queued"]);
  });

  it.each(["all", "latest", "none"])("catches up nothing of a pause (catchUp %s)", async (catchUp) => {
    const { tick, table, rows, state } = keeper({ catchUp });
    await tick(0);
    await table.pause("report", state.now);
    await tick(3 * 60 + 30);
    await table.resume("report", state.now);
    await tick();
    await tick(30);
    expect(await rows()).toEqual(["10:00 queued"]);
  });

  it("ends what has begun before a pause, retries it, and starts what waits", async () => {
    const { tick, table, run, rows, state, invoked } = keeper({
      schedule: "rate(1 minute)",
      overlap: "queue",
      retries: { count: 1 },
    });
    await tick(0);
    await tick();
    const [first = ATTEMPT] = invoked;
    await table.claim(first, { attempt: 1, owner: "slow", now: state.now, deadline: state.now + HOUR_MS });
    await tick();
    await table.pause("report", state.now);
    const [, running] = await table.list("report", 2);
    if (running === undefined) throw new Error("no run");
    const retry = { outcome: "retrying", attempt: 2, nextAttemptAt: state.now } as const;
    await table.end(running, { reason: "no luck", ...retry }, state.now);
    await tick();
    expect(invoked.at(-1)).toMatchObject({ run: first.run, attempt: 2 });
    await run({ ...first, attempt: 2 });
    await tick();
    const waiting = invoked.at(-1);
    expect(waiting?.run).toBe("2026-11-21T06:01:00.000Z");
    await run(waiting ?? first);
    await tick(10);
    expect(await rows()).toEqual(["06:00 succeeded", "06:01 succeeded"]);
  });

  it("ends and retries what has begun before a pause, also when the schedule is changed in it, and begins anew after it", async () => {
    const before = keeper({ retries: { count: 1 } });
    await before.tick(0);
    await before.tick();
    await before.table.pause("report", before.state.now);
    await before.run(before.invoked[0] ?? ATTEMPT, () => {
      throw new Error("no luck");
    });
    const { tick, table, invoked, rows, memory, state } = keeper({
      schedule: "rate(5 minutes)",
      retries: { count: 1 },
    });
    for (const [key, item] of before.memory.items) memory.items.set(key, item);
    state.now = before.state.now;
    await tick(10);
    await tick();
    expect(invoked).toMatchObject([{ run: ATTEMPT.run, attempt: 2 }]);
    state.now = Date.parse("2026-11-21T06:14:50Z");
    await table.resume("report", state.now);
    await tick();
    expect(await rows()).toEqual(["06:00 retrying", "06:15 skipped"]);
  });

  it("never counts a run as late or missed that has waited for the jitter of one before it", async () => {
    const { tick, table } = keeper({
      schedule: "rate(1 minute)",
      jitterSeconds: 3_600,
      overlap: "allow",
      catchUp: "none",
    });
    await tick(0);
    for (let minute = 0; minute < 150; minute += 1) await tick();
    const runs = await table.list("report", 1_000);
    expect(runs.length).toBeGreaterThan(85);
    expect(runs.filter(({ outcome, dueAt, scheduledAt }) => outcome === "missed" || dueAt < scheduledAt)).toEqual([]);
  });

  it("lists the latest runs, and finds a rare outcome among all of them", async () => {
    const { tick, table, run, invoked } = keeper({ schedule: "rate(1 minute)", overlap: "allow" });
    await tick(0);
    for (let minute = 0; minute < 30; minute += 1) {
      await tick();
      const last = invoked.at(-1);
      if (last !== undefined) await run(last, ({ attempt }) => (minute === 3 ? Promise.reject(new Error()) : attempt));
    }
    expect((await table.list("report", 2)).map((each) => each.run.slice(11, 16))).toEqual(["06:29", "06:28"]);
    expect((await table.list("report", 2, "failed")).map((each) => each.run.slice(11, 16))).toEqual(["06:03"]);
    expect(await table.list("report", 2, "missed")).toEqual([]);
  });

  it("lets a hundred runs wait, and misses more", async () => {
    const { tick, table } = keeper({ schedule: "rate(1 minute)", overlap: "queue", catchUp: "all" });
    await tick(0);
    await tick(103);
    const runs = await table.list("report", 1_000);
    expect(runs.filter(({ outcome }) => outcome === "queued")).toHaveLength(100);
    expect(runs.filter(({ outcome }) => outcome === "missed").map(({ reason }) => reason)).toEqual(
      Array(3).fill("100 runs had not ended"),
    );
  });

  it("runs by hand during a pause", async () => {
    const { tick, table, invoked, state } = keeper();
    await tick(0);
    await table.pause("report", state.now);
    const row = { ...ATTEMPT, run: "2026-11-21T05:59:30.000Z#1", outcome: "queued", manual: true } as const;
    await table.create({ ...row, scheduledAt: state.now, dueAt: state.now, invocations: 0 });
    await table.follow(row);
    await tick();
    expect(invoked.map(({ run }) => run)).toEqual([row.run]);
  });

  it("keeps the first time of a pause, and pauses nothing that it has not seen", async () => {
    const { tick, table } = keeper();
    expect(await table.pause("report", 1)).toBe(false);
    await tick(0);
    await table.pause("report", 1);
    await table.pause("report", 2);
    expect((await table.states()).get("report")?.pausedAt).toBe(1);
    const cursor = (await table.states()).get("report")?.cursor;
    await table.resume("report", 5);
    await table.resume("report", 7);
    expect((await table.states()).get("report")).toMatchObject({ cursor: 5 });
    expect(cursor).toBe(START);
  });

  it("does not move the cursor of a schedule that another tick has moved, or a person has paused and resumed", async () => {
    const { tick, table } = keeper();
    await tick(0);
    const before = (await table.states()).get("report");
    const back = { cursor: START - HOUR_MS, fingerprint: "", opened: [] };
    await table.pause("report", START);
    expect(await table.advance("report", before, back)).toBe(false);
    await table.resume("report", START + MINUTE_MS);
    expect(await table.advance("report", before, back)).toBe(false);
    expect((await table.states()).get("report")).toMatchObject({ cursor: START + MINUTE_MS });
  });

  it("begins anew with a schedule that was not configured for more than an hour, and goes on with one that was back sooner", async () => {
    const { tick, ports, table, run, rows, state, monitor } = keeper({ catchUp: "none" });
    const other = schedulesSchema.parse({ other: { schedule: "rate(1 hour)" } });
    await tick(0);
    await tick();
    await run(ATTEMPT);
    const tickWithout = (minutes: number) => {
      state.now += minutes * MINUTE_MS;
      return keepSchedules(other, ports, state.now);
    };
    await tickWithout(59);
    await tick(2);
    expect(await rows()).toEqual(["06:00 succeeded", "07:00 queued"]);
    await tickWithout(61);
    await tickWithout(2 * 60);
    expect((await table.states()).has("report")).toBe(false);
    expect(monitor()).toMatchObject({ health: "up" });
    await tick(10);
    await tick();
    expect(await rows()).toEqual(["06:00 succeeded", "07:00 queued"]);
  });

  it("goes on with the other schedules where one cannot be read, and misses what was due once it can be", async () => {
    const { tick, ports, table, invoked, rows, state } = setup({ catchUp: "none" });
    const failures: string[] = [];
    const text = (report: string) =>
      JSON.stringify({ report: { schedule: report }, other: { schedule: "rate(1 hour)" } });
    const tickWith = (minutes: number, schedule: string) => {
      state.now += minutes * MINUTE_MS;
      const observer = {
        ...ports.observer,
        failed: (name: string, error: unknown) => failures.push(`${name} ${String(error)}`),
      };
      return keepSchedules(readSchedules(text(schedule)), { ...ports, observer }, state.now);
    };
    await tick(0);
    await tickWith(0, "rate(1 hour)");
    for (let hour = 0; hour < 3; hour += 1) expect(await tickWith(60, "rate(1 hours)")).toBe(1);
    expect(new Set(failures)).toEqual(
      new Set(['report SchemaError: schedule: needs "1 hour", as EventBridge requires']),
    );
    expect(invoked.map(({ schedule }) => schedule)).toContain("other");
    expect((await table.states()).has("report")).toBe(true);
    await tick(10);
    expect(await rows()).toEqual(["06:00 missed", "07:00 missed", "08:00 missed", "09:00 missed"]);
  });

  it.each(["", "null", "[]", "{"])("does not take %j for schedules", (text) => {
    expect(() => readSchedules(text)).toThrow();
  });

  it.each<readonly [what: string, before: object, after: object, minutes: number, rows: readonly string[]]>([
    // Ticks are at half past each minute, from 05:59.
    ["another time that has passed", { schedule: "cron(0 7 * * ? *)" }, { schedule: "cron(0 5 * * ? *)" }, 30, []],
    ["hours after the last tick", {}, { schedule: "rate(1 minute)", overlap: "allow" }, 600, ["15:58", "15:59"]],
    ["the end, in the minute of a run", {}, { endAt: "2030-01-01T00:00:00Z" }, 1, ["06:00"]],
    [
      "the end, while a run waits for its jitter",
      { jitterSeconds: 1_800 },
      { jitterSeconds: 1_800, endAt: "2030-01-01T00:00:00Z" },
      1,
      ["06:00"],
    ],
    ["a shorter jitter", { jitterSeconds: 3_600 }, { jitterSeconds: 0 }, 1, ["06:00"]],
    ["enabled again", { enabled: false }, {}, 1, []],
    ["disabled", {}, { enabled: false }, 1, []],
  ])(
    "that is changed runs by its new fields, and loses no run of the minute of its change: %s",
    async (_, before, after, minutes, rows) => {
      const one = keeper(before);
      await one.tick(0);
      const times = async () => (await one.rows()).map((row) => row.slice(0, "06:00".length));
      const fields = { schedule: "rate(1 hour)", ...after };
      const changed = schedulesSchema.parse({ report: fields });
      one.state.now += minutes * MINUTE_MS;
      for (let tick = 0; tick < 31; tick += 1) {
        await keepSchedules(changed, one.ports, 0);
        if (tick === 0 && minutes > 1) expect(await times()).toEqual(rows);
        if (minutes > 1) return;
        one.state.now += MINUTE_MS;
      }
      expect(await times()).toEqual(rows);
    },
  );

  it("that is changed while jitter delays a run runs it, however long ago its instant was", () => {
    const { report } = schedulesSchema.parse({ report: { schedule: "rate(1 hour)", jitterSeconds: 3_600 } });
    if (report === undefined) throw new Error("no schedule");
    const cursor = Date.parse("2026-11-21T05:59:00Z");
    const planAt = (now: number, fingerprint: string) =>
      planSchedule({ name: "report", config: report, state: { cursor, fingerprint, open: new Set() }, open: [], now });
    const { fingerprint } = planAt(cursor, "");
    const [{ dueAt, scheduledAt } = { dueAt: 0, scheduledAt: 0 }] = planAt(cursor + 2 * HOUR_MS, fingerprint).created;
    expect(dueAt - scheduledAt).toBeGreaterThan(30 * MINUTE_MS);
    expect(planAt(dueAt + 30_000, "of before").created).toMatchObject([{ dueAt, outcome: "queued" }]);
  });

  it("that is changed while nothing is due misses what is due in an outage afterwards", async () => {
    const one = keeper();
    await one.tick(0);
    const changed = schedulesSchema.parse({ report: { schedule: "rate(1 hour)", endAt: "2030-01-01T00:00:00Z" } });
    await keepSchedules(changed, one.ports, 0);
    one.state.now += 3 * HOUR_MS;
    await keepSchedules(changed, one.ports, 0);
    expect((await one.rows()).map((row) => row.slice(0, 5))).toEqual(["06:00", "07:00", "08:00"]);
  });

  it("that is changed back and forth runs each instant once", async () => {
    const one = keeper({ overlap: "allow" });
    await one.tick(0);
    for (let minute = 0; minute < 125; minute += 1) {
      one.state.now += MINUTE_MS;
      const endAt = `20${30 + (minute % 2)}-01-01T00:00:00Z`;
      await keepSchedules(
        schedulesSchema.parse({ report: { schedule: "rate(1 hour)", overlap: "allow", endAt } }),
        one.ports,
        0,
      );
    }
    const runs = (await one.rows()).map((row) => row.slice(0, 5));
    expect(runs).toEqual(["06:00", "07:00", "08:00"]);
  });
});
