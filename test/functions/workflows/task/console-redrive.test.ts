/** An execution that is redriven in the AWS console, which writes no row: the row follows it. */
import * as z from "zod";
import { sleep } from "../../../../functions/shared/clock";
import { findTask, startTask } from "../../../../functions/workflows/task/lifecycle";
import { ExecutionNotSettledError, reconcile, reconcileEvent } from "../../../../functions/workflows/task/reconciler";
import type { Execution } from "../../../../functions/workflows/task/task";
import { sweep } from "../../../../functions/workflows/task/sweep";
import { jsonata } from "../../../../modules/asl/asl";
import type { Machine } from "../../../../modules/asl/machine";
import { requireRow } from "../../../../functions/workflows/task/task-table";
import { taskMachine } from "../../../../modules/workflows/definition";
import { ownMachine } from "../../../../modules/workflows/own-machine";
import { fakeExecutions } from "../../../support/fake-executions";
import { fakeTaskTable } from "../../../support/fake-task-table";
import { virtualClock } from "../../../support/virtual-clock";

const START = Date.parse("2026-11-21T12:00:00Z");
const refs = { table: "tasks", timeLimitSeconds: 7_200, keepDays: 90 };
const taskMachineOf = taskMachine({ ...refs, waitSeconds: 600 });
const { stateMachine, wait, succeed } = jsonata;
const own = ownMachine({
  ...refs,
  machine: stateMachine({
    StartAt: "Pause",
    States: { Pause: wait({ Seconds: 600, Next: "Result" }), Result: succeed({ Output: { receipt: "r" } }) },
  }),
});

const historySchema = z.array(z.looseObject({ status: z.string() }));

async function setup(machine: Machine = taskMachineOf) {
  const clock = virtualClock(START);
  const table = fakeTaskTable();
  const lag = { ms: 0 };
  const executions = fakeExecutions({ clock, machine, services: table.services, lag: () => lag.ms });
  const ports = { table, executions, clock };
  const { executionArn } = await startTask({ taskId: "task" }, ports);
  await sleep(clock, 5_000);
  const now = () => executions.now(executionArn);
  /** The end event. */
  const ended = () => {
    const { stoppedAt, redrivenAt } = now();
    return reconcileEvent({ executionArn, stopDate: stoppedAt, redriveDate: redrivenAt }, ports);
  };
  const abort = () => executions.stop(executionArn, { error: "Mine", cause: "enough" });
  const stop = async () => {
    await abort();
    return ended();
  };
  let redrives = 0;
  const redrive = async () => {
    redrives += 1;
    await executions.redrive(executionArn, `console-${redrives}`);
    return clock.now();
  };
  const redriven = (redriveDate: number) => reconcileEvent({ executionArn, redriveDate }, ports);
  const sweepNow = () => sweep(ports, { stuckBefore: 0, endedAfter: clock.now() - 3_600_000, isOver: () => false });
  const statuses = () => historySchema.parse(table.row("task")?.["history"]).map(({ status }) => status);
  return { clock, table, executions, ports, lag, now, abort, stop, ended, redrive, redriven, sweepNow, statuses };
}

describe("a redrive in the console", () => {
  it("makes the row STARTED, once for a doubled event, and its machine writes the end", async () => {
    const { clock, table, stop, redrive, redriven, statuses } = await setup();
    await stop();
    expect(table.row("task")).toMatchObject({ status: "ABORTED", reason: "Mine: enough" });
    await sleep(clock, 60_000);
    const at = await redrive();
    await sleep(clock, 1_000);
    await expect(redriven(at)).resolves.toBe("changed");
    await expect(redriven(at)).resolves.toBe("running");
    const row = table.row("task");
    expect(row).toMatchObject({ status: "STARTED", history: [{}, {}, { at: new Date(at).toISOString() }] });
    expect(row).not.toHaveProperty("reason");
    expect(row).not.toHaveProperty("ttl");
    await sleep(clock, 700_000);
    expect(table.row("task")).toMatchObject({ status: "DONE" });
    expect(statuses()).toEqual(["STARTED", "ABORTED", "STARTED", "DONE"]);
  });

  it("is found by the sweep when its event was lost", async () => {
    const { clock, table, stop, redrive, sweepNow, statuses } = await setup();
    await stop();
    await sleep(clock, 60_000);
    await redrive();
    await sleep(clock, 1_000);
    await expect(sweepNow()).resolves.toMatchObject({ reconciled: 1, failures: [] });
    expect(table.row("task")).toMatchObject({ status: "STARTED" });
    await expect(sweepNow()).resolves.toMatchObject({ reconciled: 0 });
    await stop();
    await redrive();
    await stop();
    expect(statuses()).toEqual(["STARTED", "ABORTED", "STARTED", "ABORTED", "STARTED", "ABORTED"]);
  });

  it.each([
    ["a wait", taskMachineOf],
    ["a machine of the user's", own],
  ])("whose events were all lost has the end that %s has written", async (_, machine) => {
    const { clock, table, stop, redrive, sweepNow, now, statuses } = await setup(machine);
    await stop();
    await sleep(clock, 60_000);
    await redrive();
    await sleep(clock, 700_000);
    expect(now()).toMatchObject({ status: "SUCCEEDED" });
    await expect(sweepNow()).resolves.toMatchObject({ reconciled: 0 });
    expect(table.row("task")).toMatchObject({ status: "DONE" });
    expect(table.row("task")).not.toHaveProperty("reason");
    expect(statuses()).toEqual(["STARTED", "ABORTED", "DONE"]);
  });

  it.each([
    ["while it runs", false],
    ["once it has ended again", true],
  ])("whose end before was not seen either is in the history: %s", async (_, isEnded) => {
    const { clock, table, abort, ended, redrive, redriven, sweepNow, statuses } = await setup();
    await abort();
    await sleep(clock, 60_000);
    const at = await redrive();
    await sleep(clock, 120_000);
    if (!isEnded) {
      await expect(sweepNow()).resolves.toMatchObject({ reconciled: 1, failures: [] });
      await expect(sweepNow()).resolves.toMatchObject({ reconciled: 0 });
      await expect(redriven(at)).resolves.toBe("running");
      expect(statuses()).toEqual(["STARTED", "STARTED"]);
    }
    await abort();
    await expect(ended()).resolves.toBe("changed");
    await expect(ended()).resolves.toBe("unchanged");
    expect(table.row("task")).toMatchObject({ status: "ABORTED", reason: "Mine: enough" });
    expect(table.row("task")?.["history"]).toMatchObject([
      {},
      { status: "STARTED", at: new Date(at).toISOString() },
      {},
    ]);
  });

  it.each([
    ["of a task", taskMachineOf, {}],
    ["of a machine of the user's", own, { resultLocation: expect.stringContaining("other") as unknown }],
  ])("%s that was stopped in its first write goes on", async (_, machine, result) => {
    const { clock, table, executions, ports } = await setup(machine);
    const { executionArn } = await startTask({ taskId: "other" }, ports);
    executions.run("other").abort("Mine", "enough");
    await sleep(clock, 1);
    await reconcileEvent({ executionArn }, ports);
    expect(table.row("other")).toMatchObject({ status: "ABORTED" });
    await sleep(clock, 60_000);
    await executions.redrive(executionArn, "console");
    await sleep(clock, 700_000);
    expect(executions.now(executionArn)).toMatchObject({ status: "SUCCEEDED" });
    expect(table.row("other")).toMatchObject({ status: "DONE", executionArn, ...result });
  });

  it("of a task whose machine has written DONE leaves it so", async () => {
    const { clock, table, now, statuses } = await setup();
    await sleep(clock, 700_000);
    // It was stopped after its last write, and redriven.
    const running: Execution = { ...now(), status: "RUNNING", stoppedAt: undefined, redrivenAt: clock.now() };
    await expect(reconcile(running, table)).resolves.toBe("running");
    expect(table.row("task")).toMatchObject({ status: "DONE" });
    expect(statuses()).toEqual(["STARTED", "DONE"]);
  });

  it("of an execution that has no row is in its history", async () => {
    const { clock, table, ports } = await setup();
    const execution: Execution = {
      arn: "arn",
      status: "FAILED",
      input: '{"taskId":"other","timestamp":1}',
      error: "E",
      cause: undefined,
      startedAt: START,
      redrivenAt: START + 60_000,
      stoppedAt: START + 90_000,
    };
    await reconcile(execution, table);
    const statuses = ["STARTED", "STARTED", "FAILED"].map((status) => expect.objectContaining({ status }) as unknown);
    expect(table.row("other")).toMatchObject({ history: statuses });
    const executions = { ...ports.executions, describe: () => Promise.resolve({ ...execution, input: unwritten }) };
    const unwritten = '{"taskId":"unwritten","timestamp":1}';
    await expect(findTask("unwritten", { table, executions, clock })).resolves.toMatchObject({ history: statuses });
  });

  it("leaves the result of a row that the sweep finishes", async () => {
    const { clock, table, ports, sweepNow, now } = await setup(own);
    const { arn } = now();
    await expect(findTask("task", ports)).resolves.not.toHaveProperty("resultLocation");
    await sleep(clock, 700_000);
    expect(now()).toMatchObject({ status: "SUCCEEDED" });
    await table.writeRedrive(await requireRow(table, "task"), { at: clock.now() - 120_000, endedAt: 0 });
    await expect(findTask("task", ports)).resolves.not.toHaveProperty("resultLocation");
    await expect(sweepNow()).resolves.toMatchObject({ reconciled: 1 });
    await expect(findTask("task", ports)).resolves.toMatchObject({ status: "DONE", resultLocation: arn });
  });

  it("that has failed again before anybody saw it has the later end, by its event or by the sweep", async () => {
    for (const find of ["ended", "sweepNow"] as const) {
      const world = await setup();
      await world.stop();
      await sleep(world.clock, 60_000);
      await world.redrive();
      await sleep(world.clock, 20_000);
      await world.abort();
      const stoppedAt = new Date(world.now().stoppedAt ?? 0).toISOString();
      await world[find]();
      expect(world.statuses()).toEqual(["STARTED", "ABORTED", "STARTED", "ABORTED"]);
      expect(world.table.row("task")).toMatchObject({ history: [{}, {}, {}, { at: stoppedAt }] });
      await world.sweepNow();
      expect(world.statuses()).toHaveLength(4);
    }
  });

  it("does not return by a late event, once the task has ended again", async () => {
    const { clock, table, stop, redrive, redriven, lag, sweepNow } = await setup();
    await stop();
    await sleep(clock, 60_000);
    const at = await redrive();
    await redriven(at);
    await sleep(clock, 20_000);
    await stop();
    const row = table.row("task");
    await sleep(clock, 5_000);
    await redriven(at);
    // As it was described while it ran.
    lag.ms = 10_000;
    await redriven(at);
    await sweepNow();
    expect(table.row("task")).toEqual(row);
  });

  it("waits for a description that has it", async () => {
    const { clock, stop, redrive, redriven, lag } = await setup();
    await stop();
    await sleep(clock, 60_000);
    const at = await redrive();
    lag.ms = 5_000;
    await expect(redriven(at)).rejects.toThrow(ExecutionNotSettledError);
    await sleep(clock, 6_000);
    await expect(redriven(at)).resolves.toBe("changed");
  });

  it("of many, which have ended again, costs a sweep as many descriptions as it has time for", async () => {
    const { clock, executions, sweepNow } = await setup();
    const again = Array.from({ length: 1_000 }, (_, n) => ({
      ...{ arn: `arn:${n}`, startedAt: START - 86_400_000, stoppedAt: START + n, isRedriven: true },
    }));
    jest.spyOn(executions, "unsuccessfulSince").mockResolvedValue(again);
    const describe = jest.spyOn(executions, "describe").mockResolvedValue(undefined);
    const before = clock.now();
    await expect(sweepNow()).resolves.toMatchObject({ failures: [] });
    expect(describe.mock.calls.map(([arn]) => arn)).toEqual(
      again
        .slice(-50)
        .reverse()
        .map(({ arn }) => arn),
    );
    expect(clock.now() - before).toBeLessThan(15_000);
  });
});
