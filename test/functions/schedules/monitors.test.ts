import type { Run } from "../../../functions/schedules/contract";
import { reportRuns } from "../../../functions/schedules/keeper/report-runs";
import { MINUTE_MS } from "../../../functions/shared/time";
import { ATTEMPT, START, setup } from "../../support/schedule-keeper";

const fail = () => {
  throw new Error("no luck");
};

describe("a schedule's monitor", () => {
  it("is unknown until a run has ended, then up, for as long as runs succeed", async () => {
    const { tick, run, monitor } = setup();
    await tick(0);
    expect(monitor()).toMatchObject({ health: "unknown", message: "no run has ended yet" });
    await tick();
    expect(monitor()).toMatchObject({ health: "unknown" });
    await run(ATTEMPT);
    await tick();
    expect(monitor()).toMatchObject({ health: "up", heartbeatAt: START + MINUTE_MS, durationMs: 0 });
  });

  it("is down after a run that failed, until one has succeeded: also one by hand", async () => {
    const { tick, run, monitor, table, state } = setup();
    await tick(0);
    await tick();
    await run(ATTEMPT, fail);
    await tick();
    const down = { health: "down", reason: "run-failed", message: "the run of 2026-11-21T06:00:00Z failed" };
    expect(monitor()).toMatchObject(down);
    await tick(30);
    expect(monitor(state.now - MINUTE_MS)).toMatchObject(down);
    const byHand = { ...ATTEMPT, run: "2026-11-21T06:31:00.000Z#1" };
    const scheduledAt = Date.parse("2026-11-21T06:31:00Z");
    const row = {
      ...byHand,
      outcome: "queued",
      scheduledAt,
      dueAt: scheduledAt,
      manual: true,
      invocations: 1,
    } as const;
    await table.create(row);
    await table.follow(row);
    await run(byHand);
    await tick();
    expect(monitor(state.now - MINUTE_MS)).toMatchObject({ health: "up" });
  });

  it("is down for one check after a failure that a success has followed before the check", async () => {
    const { tick, run, monitor, state, invoked } = setup({ schedule: "rate(1 minute)" });
    await tick(0);
    await tick();
    const lastCheck = state.now;
    await run(ATTEMPT, fail);
    await tick();
    await run(invoked[1] ?? ATTEMPT);
    await tick();
    expect(monitor(lastCheck)).toMatchObject({ health: "down", message: "the run of 2026-11-21T06:00:00Z failed" });
    expect(monitor(state.now)).toMatchObject({ health: "up" });
  });

  it("is not down for an attempt that is retried", async () => {
    const { tick, run, monitor, invoked } = setup({ retries: { count: 1 } });
    await tick(0);
    await tick();
    const [first = ATTEMPT] = invoked;
    await run(first, fail);
    await tick();
    expect(monitor()).toMatchObject({ health: "unknown" });
    await run({ ...first, attempt: 2 }, fail);
    await tick();
    expect(monitor()).toMatchObject({ health: "down" });
  });

  it("is down after a run that Lambda ended", async () => {
    const { tick, table, monitor } = setup();
    await tick(0);
    await tick();
    await table.claim(ATTEMPT, { attempt: 1, owner: "killed", now: START, deadline: START + 2 * MINUTE_MS });
    await tick(3);
    expect(monitor()).toMatchObject({ health: "down", reason: "run-failed" });
  });

  it("is overdue while the keeper does not run, and then tells of the missed run", async () => {
    const { tick, monitor, state } = setup({ catchUp: "none" });
    await tick(0);
    state.now = Date.parse("2026-11-21T06:05:00Z");
    expect(monitor()).toMatchObject({ health: "unknown" });
    state.now += 1;
    expect(monitor()).toMatchObject({
      health: "down",
      reason: "run-overdue",
      message: "a run was expected by 2026-11-21T06:05:00Z",
    });
    await tick(3);
    // A missed run is reported by the tick after the one that made its row.
    await tick();
    expect(monitor()).toMatchObject({
      health: "down",
      reason: "run-missed",
      message: "the run of 2026-11-21T06:00:00Z was missed",
    });
  });

  it.each([
    ["a paused schedule", {}, true],
    ["a schedule at its end", { endAt: "2026-11-21T06:00:00Z" }, false],
    ["a schedule before its start", { startAt: "2026-12-24T18:00:00Z" }, false],
  ])("is not overdue for %s", async (_, fields, isPaused) => {
    const { tick, run, table, monitor, state } = setup(fields);
    await tick(0);
    await tick();
    await run(ATTEMPT);
    if (isPaused) await table.pause("report", state.now);
    await tick();
    state.now += 30 * 60 * MINUTE_MS;
    expect(monitor().health).toBe("startAt" in fields ? "unknown" : "up");
    if (!isPaused) return;
    await table.resume("report", state.now);
    await tick();
    state.now += 66 * MINUTE_MS;
    expect(monitor()).toMatchObject({ health: "down", reason: "run-overdue" });
  });

  it("follows a schedule that is changed, so that the old one's next run is not expected", async () => {
    const { tick, memory, state, monitor } = setup({ schedule: "rate(1 minute)" });
    await tick(0);
    const changed = setup({ schedule: "rate(1 day)" });
    for (const [key, item] of memory.items) changed.memory.items.set(key, item);
    changed.state.now = state.now;
    await changed.tick();
    state.now += 60 * MINUTE_MS;
    expect(monitor()).toMatchObject({ health: "down" });
    changed.state.now = state.now;
    expect(changed.monitor()).toMatchObject({ health: "unknown" });
  });

  it("that cannot be written stops no run, and gets the end of the run once it can be written", async () => {
    const { tick, run, monitor, invoked, heartbeats, failures } = setup({ schedule: "rate(1 minute)" });
    await tick(0);
    await tick();
    heartbeats.fails = true;
    await run(ATTEMPT, fail);
    expect(await tick()).toBe(1);
    expect(await tick()).toBe(1);
    expect(invoked).toHaveLength(2);
    expect(failures).toHaveLength(2);
    heartbeats.fails = false;
    expect(await tick()).toBe(0);
    expect(monitor()).toMatchObject({ health: "down", reason: "run-failed" });
  });

  it("that cannot be written for long does not fill the schedule's state", async () => {
    const { tick, run, table, heartbeats, invoked } = setup({ schedule: "rate(1 minute)" });
    await tick(0);
    heartbeats.fails = true;
    for (let minute = 0; minute < 130; minute += 1) {
      await tick();
      const last = invoked.at(-1);
      if (last !== undefined) await run(last);
    }
    expect((await table.states()).get("report")?.open.size).toBeLessThanOrEqual(102);
    expect(invoked).toHaveLength(130);
  });

  it("gets the latest of several ends, in any order, and none twice", async () => {
    const { ports, monitor, state } = setup();
    const { monitors } = ports;
    if (monitors === undefined) throw new Error("no monitors");
    const run = (minute: number, outcome: Run["outcome"]): Run => {
      const scheduledAt = START + minute * MINUTE_MS;
      const key = { schedule: "report", run: new Date(scheduledAt).toISOString() };
      return {
        ...key,
        outcome,
        scheduledAt,
        dueAt: scheduledAt,
        endedAt: scheduledAt,
        manual: false,
        attempt: 1,
        invocations: 1,
      };
    };
    await reportRuns("report", [run(3, "succeeded"), run(2, "failed"), run(1, "succeeded")], monitors, state.now);
    expect(monitor(START + MINUTE_MS)).toMatchObject({ health: "up", heartbeatAt: START + 3 * MINUTE_MS });
    await reportRuns("report", [run(4, "missed"), run(5, "failed"), run(2, "failed")], monitors, state.now);
    expect(monitor()).toMatchObject({ health: "down", message: "the run of 2026-11-21T06:04:30Z failed" });
    await reportRuns("report", [run(6, "succeeded")], monitors, state.now);
    state.now += 10 * MINUTE_MS;
    await reportRuns("report", [run(4, "missed"), run(5, "failed"), run(6, "succeeded")], monitors, state.now);
    expect(monitor(state.now)).toMatchObject({ health: "up", heartbeatAt: START + 6 * MINUTE_MS });
  });

  it("keeps what was known later, when ticks overlap", async () => {
    const { ports, monitor, state } = setup();
    await ports.monitors?.expect("report", undefined, 2);
    expect(await ports.monitors?.expect("report", START - 1, 1)).toBe(false);
    state.now = START;
    expect(monitor().reason).toBeUndefined();
    expect(await ports.monitors?.expect("report", START - 1, 3)).toBe(true);
    expect(monitor()).toMatchObject({ reason: "run-overdue" });
  });
});
