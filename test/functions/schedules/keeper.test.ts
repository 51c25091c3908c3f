import { keepSchedules, type KeeperPorts } from "../../../functions/schedules/keeper/keep-schedules";
import { runAttempt, type ScheduledRun } from "../../../functions/schedules/run/run-attempt";
import { schedulesSchema, type Attempt } from "../../../functions/schedules/contract";
import { runsTable, type AttemptEnd } from "../../../functions/schedules/storage/runs-table";
import { HOUR_MS, MINUTE_MS } from "../../../functions/shared/time";
import { memoryRuns } from "../../support/memory-runs";

const START = Date.parse("2026-11-21T05:59:30Z");

/** One schedule whose keeper ticks when the test says so. Attempts run at once, unless `holds`. */
function setup(fields: object = {}) {
  const schedules = schedulesSchema.parse({ report: { schedule: "rate(1 hour)", ...fields } });
  const memory = memoryRuns();
  const table = runsTable(memory.call, "runs");
  const state = { now: START };
  const clock = { now: () => state.now, elapsed: () => state.now, after: () => () => undefined };
  const invoked: Attempt[] = [];
  const events: ScheduledRun[] = [];
  const run = (attempt: Attempt, call: (run: ScheduledRun) => unknown = () => "done", owner = `o${invoked.length}`) =>
    runAttempt(
      attempt,
      { owner, deadline: state.now + MINUTE_MS, log: { group: "g", stream: "s", requestId: "r" } },
      {
        table,
        clock,
        call: (event) => {
          events.push(event);
          return Promise.resolve(call(event));
        },
        observer: {
          duplicate: () => undefined,
          began: () => undefined,
          ended: () => undefined,
          failed: () => undefined,
          tooLate: () => undefined,
        },
      },
    );
  const ports: KeeperPorts = {
    table,
    clock,
    invoke: (attempt) => {
      invoked.push(attempt);
      return Promise.resolve();
    },
    observer: {
      created: () => undefined,
      lost: () => undefined,
      invoked: () => undefined,
      failed: (_, error) => {
        throw error;
      },
    },
  };
  const tick = (minutes = 1) => {
    state.now += minutes * MINUTE_MS;
    return keepSchedules(schedules, ports, state.now);
  };
  const rows = async () =>
    (await table.list("report", 1_000)).map(({ run: key, outcome }) => `${key.slice(11, 16)} ${outcome}`).reverse();
  return { tick, ports, table, invoked, events, run, rows, memory, state };
}

const ATTEMPT: Attempt = {
  schedule: "report",
  run: "2026-11-21T06:00:00.000Z",
  attempt: 1,
  retries: { count: 0, backoffSeconds: 60, maxAgeSeconds: 3_600 },
};

describe("the keeper", () => {
  it("runs nothing of the time before a schedule's deployment, then each instant once", async () => {
    const { tick, invoked, rows } = setup();
    await tick(0);
    expect(await rows()).toEqual([]);
    await tick();
    await tick();
    expect(invoked).toEqual([ATTEMPT]);
    expect(await rows()).toEqual(["06:00 queued"]);
  });

  it("keeps result, times and log of a run in its row, and forgets the run", async () => {
    const { tick, table, run } = setup({ input: { day: 7 } });
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
    const { tick, run, events } = setup({ input: { day: 7 } });
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
    const { tick, run, events } = setup();
    await tick(0);
    await tick();
    const ends = await Promise.all([run(ATTEMPT, () => 1, "a"), run(ATTEMPT, () => 2, "b")]);
    expect(events).toHaveLength(1);
    expect(ends.filter((end?: AttemptEnd) => end !== undefined)).toHaveLength(1);
  });

  it("retries a failed run after its backoff, with the number of the attempt", async () => {
    const { tick, run, invoked, rows, table } = setup({ retries: { count: 1, backoffSeconds: 120 } });
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
  });

  it("finds an attempt that Lambda has ended", async () => {
    const { tick, table, rows, memory } = setup();
    await tick(0);
    await tick();
    await table.claim(ATTEMPT, { attempt: 1, owner: "killed", now: START, deadline: START + 2 * MINUTE_MS });
    await tick();
    expect(await rows()).toEqual(["06:00 running"]);
    await tick();
    expect(await rows()).toEqual(["06:00 failed"]);
    expect((await table.list("report", 1))[0]?.reason).toMatch(/ended by Lambda/);
    expect(memory.items.size).toBe(2);
  });

  it("invokes a function again that has not begun, and gives it up after three times", async () => {
    const { tick, invoked, rows } = setup();
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
    const { tick, table, rows, invoked } = setup({ schedule: "rate(1 minute)", overlap });
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
    ["all", ["06:00 queued", "07:00 queued", "08:00 queued"]],
    ["latest", ["06:00 missed", "07:00 missed", "08:00 queued"]],
    ["none", ["06:00 missed", "07:00 missed", "08:00 missed"]],
  ])("catches up after an outage by the policy %s", async (catchUp, outcomes) => {
    const { tick, rows } = setup({ catchUp });
    await tick(0);
    await tick(2 * 60 + 31);
    expect(await rows()).toEqual(outcomes);
  });

  it("neither runs nor misses what was due in a pause, or while a schedule was disabled", async () => {
    const { tick, table, rows, state } = setup();
    await tick(0);
    expect(await table.pause("report", state.now)).toBe(true);
    await tick(90);
    await table.resume("report", state.now);
    await tick();
    expect(await rows()).toEqual([]);
    await tick(40);
    expect(await rows()).toEqual(["08:00 queued"]);
  });

  it("begins anew with another schedule under a name", async () => {
    const one = setup();
    await one.tick(0);
    const schedules = schedulesSchema.parse({ report: { schedule: "rate(1 minute)" } });
    one.state.now = START + 10 * HOUR_MS;
    await keepSchedules(schedules, one.ports, 0);
    expect(await one.rows()).toEqual([]);
    expect((await one.table.states()).get("report")?.cursor).toBe(START + 10 * HOUR_MS);
  });
});
