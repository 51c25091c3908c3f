import { jsonText } from "../../../../functions/shared/json-text";
import { UnavailableError } from "../../../../functions/shared/handlers/http-errors";
import { sleep } from "../../../../functions/shared/clock";
import { cancelTask, findTask, startTask } from "../../../../functions/workflows/task/lifecycle";
import { sweep } from "../../../../functions/workflows/task/sweep";
import { hashOf } from "../../../../functions/workflows/task/input-hash";
import type { Json } from "../../../../functions/workflows/task/json";
import { executionNameOf } from "../../../../functions/workflows/task/execution-name";
import { reconcileEvent } from "../../../../functions/workflows/task/reconciler";
import { taskInputOf, type Execution } from "../../../../functions/workflows/task/task";
import { jsonata } from "../../../../modules/asl/asl";
import { taskMachine } from "../../../../modules/workflows/definition";
import { ownMachine } from "../../../../modules/workflows/own-machine";
import { fakeExecutions } from "../../../support/fake-executions";
import { fakeTaskTable, type FakeTaskTable } from "../../../support/fake-task-table";
import { virtualClock } from "../../../support/virtual-clock";

const START = Date.parse("2026-11-21T12:00:00Z");
const machine = taskMachine({
  table: "tasks",
  waitSeconds: 30,
  timeLimitSeconds: 600,
  keepDays: 90,
  work: { functionName: "work", timeoutSeconds: 60, retries: 0 },
});

/** @param isWritten false: the write of STARTED never completes */
function setup({ isWritten = true } = {}) {
  const clock = virtualClock(START);
  const table = fakeTaskTable();
  const work = async () => {
    await sleep(clock, 10_000);
    return { Payload: { json: "", location: "" } };
  };
  const services = {
    ...table.services,
    ...(!isWritten && { "dynamodb:updateItem": () => new Promise<never>(() => undefined) }),
    "lambda:invoke": work,
  };
  const executions = fakeExecutions({ clock, machine, services });
  const ports = { table, executions, clock };
  const start = (taskId: string) => startTask({ taskId }, ports);
  const sweepNow = (isOver = () => false) =>
    sweep(ports, {
      stuckBefore: clock.now() - 600_000,
      endedAfter: START,
      isOver,
    });
  return { clock, table, executions, ports, start, sweepNow };
}

const RUNNING: Execution = {
  arn: "arn:old",
  status: "RUNNING",
  input: "{}",
  startedAt: START,
  stoppedAt: undefined,
  error: undefined,
  cause: undefined,
};

/** Writes a row as the machine does. */
const putStarted = (table: FakeTaskTable, taskId: string, startedAt: number) =>
  table.putStarted([{ taskId, arn: `arn:${taskId}`, startedAt }]);

describe("a start", () => {
  it("of the same id a hundred times at once is one execution, and one response", async () => {
    const { executions, start } = setup();
    const responses = await Promise.all(Array.from({ length: 100 }, () => start("order 1")));
    expect(new Set(responses.map((response) => JSON.stringify(response))).size).toBe(1);
    expect(executions.arns()).toHaveLength(1);
    expect(responses[0]).toEqual({
      taskId: "order 1",
      timestamp: START / 1_000,
      executionArn: executions.arnOf(executionNameOf("order 1")),
      startDate: "2026-11-21T12:00:00.000Z",
    });
  });

  it("gets the first response when the task has long ended", async () => {
    const { clock, start } = setup();
    const first = await start("order-1");
    await sleep(clock, 3_600_000);
    expect(await start("order-1")).toEqual(first);
  });

  it("gets the first response although an execution that was started by hand has a later row of the same task", async () => {
    const { clock, executions, table, start } = setup();
    const first = await start("order-1");
    await sleep(clock, 60_000);
    await executions.start("by-hand", JSON.stringify({ taskId: "order-1", timestamp: START / 1_000 + 60 }));
    await sleep(clock, 5_000);
    expect(await table.read("order-1")).toMatchObject({ executionArn: executions.arnOf("by-hand") });
    expect(await start("order-1")).toEqual(first);
  });

  it("passes the ID, the time and the input to the execution", async () => {
    const { executions, ports } = setup();
    await startTask({ taskId: "order-1", input: { amount: 12 } }, ports);
    const execution = await executions.describe(executions.arnOf("order-1"));
    expect(JSON.parse(execution?.input ?? "")).toEqual({
      taskId: "order-1",
      timestamp: START / 1_000,
      input: { amount: 12 },
      inputHash: hashOf({ amount: 12 }),
    });
  });

  it("is refused when the task was started with another input, whatever the order of its names", async () => {
    const { clock, ports } = setup();
    const start = (input?: Json) => startTask({ taskId: "order-1", ...(input !== undefined && { input }) }, ports);
    const first = await start({ amount: 12, currency: "EUR" });
    const others: readonly (Json | undefined)[] = [{ amount: 13, currency: "EUR" }, {}, null, undefined];
    for (const readFrom of ["execution", "row"]) {
      expect([readFrom, await start({ currency: "EUR", amount: 12 })]).toEqual([readFrom, first]);
      for (const other of others) await expect(start(other)).rejects.toThrow("the task was started with another input");
      await sleep(clock, 5_000);
    }
  });

  it("is answered from the row while the execution cannot be described yet, and tried again when there is none", async () => {
    const { clock, executions, start } = setup({ isWritten: false });
    const first = await start("order-1");
    const describe = jest.spyOn(executions, "describe").mockResolvedValue(undefined);
    await sleep(clock, 1_000);
    await expect(start("order-1")).rejects.toThrow(UnavailableError);
    expect(describe).toHaveBeenCalledTimes(6);
    describe.mockResolvedValueOnce(undefined).mockRestore();
    await expect(start("order-1")).resolves.toEqual(first);
    const written = setup();
    await written.start("order-1");
    jest.spyOn(written.executions, "describe").mockResolvedValue(undefined);
    await sleep(written.clock, 1_000);
    await expect(written.start("order-1")).resolves.toMatchObject({ timestamp: START / 1_000 });
  });

  it("is refused when another execution has that name", async () => {
    const { executions, start } = setup();
    await executions.start("order-1", "{}");
    await expect(start("order-1")).rejects.toThrow("an execution with this task's name exists, but is not this task's");
  });
});

describe("a task of a machine of the user's", () => {
  it("has its result, although its execution is described as RUNNING for a moment after the machine has written DONE", async () => {
    const clock = virtualClock(START);
    const table = fakeTaskTable();
    const { stateMachine, succeed, wait } = jsonata;
    const States = { Pause: wait({ Seconds: 10, Next: "Result" }), Result: succeed({ Output: { receipt: "r" } }) };
    const own = {
      table: "tasks",
      timeLimitSeconds: 600,
      keepDays: 90,
      machine: stateMachine({ StartAt: "Pause", States }),
    };
    const lag = { ms: 0 };
    const executions = fakeExecutions({ clock, machine: ownMachine(own), services: table.services, lag: () => lag.ms });
    const ports = { table, executions, clock };
    await startTask({ taskId: "order-1" }, ports);
    await sleep(clock, 10_001);
    lag.ms = 1_000;
    const task = await findTask("order-1", ports);
    expect(task).toMatchObject({ status: "DONE" });
    expect(jsonText(task.result)).toBe('{"receipt":"r"}');
  });
});

describe("a task", () => {
  it("comes from its execution while it has no row", async () => {
    const { executions, ports, start } = setup({ isWritten: false });
    await start("order-1");
    expect(await findTask("order-1", ports)).toMatchObject({ status: "STARTED", history: [{ status: "STARTED" }] });
    await executions.stop(executions.arnOf("order-1"), { error: "Mine", cause: "enough" });
    expect(ports.table.row("order-1")).toBeUndefined();
    expect(await findTask("order-1", ports)).toMatchObject({
      taskId: "order-1",
      timestamp: START / 1_000,
      status: "ABORTED",
      reason: "Mine: enough",
      history: [{ status: "STARTED" }, { status: "ABORTED" }],
    });
  });

  it("that was never started is not found, and cannot be cancelled", async () => {
    const { ports } = setup();
    await expect(findTask("order-1", ports)).rejects.toThrow("there is no task with this id");
    await expect(cancelTask("order-1", ports)).rejects.toThrow("there is no task with this id");
  });

  it.each([
    ["before its start is written", 0, "ABORTED"],
    ["in its wait", 10_000, "ABORTED"],
    ["at work", 35_000, "ABORTED"],
    ["when it is done", 60_000, "DONE"],
  ])("is cancelled at any time: %s", async (_, after, status) => {
    const { clock, ports, start } = setup();
    await start("order-1");
    if (after > 0) await sleep(clock, after);
    const cancelled = await cancelTask("order-1", ports);
    expect(cancelled).toMatchObject({ status });
    await sleep(clock, 3_600_000);
    // Neither requests in progress nor a second cancellation change it.
    expect(await findTask("order-1", ports)).toEqual(cancelled);
    expect(await cancelTask("order-1", ports)).toEqual(cancelled);
    expect(ports.table.row("order-1")).toMatchObject({ status, history: [{ status: "STARTED" }, { status }] });
    if (status === "ABORTED") expect(cancelled.reason).toBe("Cancelled: the task was cancelled");
  });
});

describe("an execution that was started by hand", () => {
  it("does not touch the row of another execution with the same key", async () => {
    const { clock, table, executions, start } = setup();
    const { taskId, timestamp } = await start("order-1");
    await sleep(clock, 5_000);
    await executions.start("by-hand", JSON.stringify({ taskId, timestamp }));
    await sleep(clock, 200_000);
    expect(executions.run("by-hand").status()).toBe("FAILED");
    expect(table.row("order-1")).toMatchObject({ status: "DONE", executionArn: executions.arnOf("order-1") });
  });

  it.each([START / 1_000 + 0.5, 5, -1, 0, START * 1_000 + 123, START / 1_000 + 0.1234567])(
    "has one row, which is reconciled, with any number as its time: %d",
    async (timestamp) => {
      const { clock, table, executions, ports } = setup();
      await executions.start("by-hand", JSON.stringify({ taskId: "order-1", timestamp }));
      await sleep(clock, 5_000);
      const executionArn = executions.arnOf("by-hand");
      await executions.stop(executionArn, { error: "Mine", cause: "enough" });
      expect(await reconcileEvent({ executionArn }, ports)).toBe("changed");
      const written = Number.isInteger(timestamp) ? timestamp : Number(timestamp.toPrecision(15));
      expect(table.row("order-1")).toMatchObject({ timestamp: written, status: "ABORTED" });
      expect((await table.list("STARTED", {})).tasks).toEqual([]);
      expect(await findTask("order-1", ports)).toMatchObject({ timestamp: written, executionArn });
    },
  );

  it.each([
    ["a text as its time", { taskId: "order-1", timestamp: "1795262400" }],
    ["a time beyond what a double holds", { taskId: "order-1", timestamp: 1e21 }],
    ["a time in nanoseconds", { taskId: "order-1", timestamp: START * 1e6 }],
    ["no time", { taskId: "order-1" }],
    ["no id", { timestamp: START / 1_000 }],
    ["null", null],
  ])("and has %s fails, writes no row, and is no task for the reconciler and the sweep", async (_, input) => {
    const { clock, table, executions, ports, sweepNow } = setup();
    await executions.start("by-hand", JSON.stringify(input));
    await sleep(clock, 200_000);
    expect(executions.run("by-hand").status()).toBe("FAILED");
    expect(await reconcileEvent({ executionArn: executions.arnOf("by-hand") }, ports)).toBe("no task");
    expect(await sweepNow()).toEqual({ reconciled: 0, stuck: [], failures: [] });
    expect(table.row("order-1")).toBeUndefined();
  });

  it.each([
    ["an empty id", { taskId: "", timestamp: 5 }],
    ["an id that is longer than a key", { taskId: "é".repeat(1_025), timestamp: 5 }],
    ["a time below what DynamoDB holds", { taskId: "order-1", timestamp: 1e-200 }],
  ])("and has %s, which DynamoDB refuses, is no task", (_, input) => {
    expect(taskInputOf({ input: JSON.stringify(input) })).toBeUndefined();
  });
});

describe("the sweep", () => {
  it("reconciles rows whose end event was lost, and leaves the others", async () => {
    const { clock, table, executions, start, sweepNow } = setup();
    await start("aborted");
    await start("fine");
    await sleep(clock, 10_000);
    await executions.stop(executions.arnOf("aborted"), { error: "Mine", cause: "later" });
    expect(table.row("aborted")).toMatchObject({ status: "STARTED" });
    expect(await sweepNow()).toEqual({ reconciled: 1, stuck: [], failures: [] });
    expect(table.row("aborted")).toMatchObject({ status: "ABORTED", reason: "Mine: later" });
    expect(table.row("fine")).toMatchObject({ status: "STARTED" });
    expect(await sweepNow()).toEqual({ reconciled: 0, stuck: [], failures: [] });
  });

  it("creates rows that were never written", async () => {
    const { table, executions, start, sweepNow } = setup({ isWritten: false });
    await start("early");
    const executionArn = executions.arnOf("early");
    await executions.stop(executionArn, { error: "Mine", cause: "at once" });
    expect(table.row("early")).toBeUndefined();
    expect(await sweepNow()).toEqual({ reconciled: 1, stuck: [], failures: [] });
    expect(table.row("early")).toMatchObject({ status: "ABORTED", reason: "Mine: at once", executionArn });
  });

  it.each([
    // An execution that ended a moment ago is in the other list, too.
    ["running", 2, "running executions could not be listed: throttled"],
    ["unsuccessfulSince", 1, "unsuccessful executions could not be listed: throttled"],
  ] as const)("does what it can without %s, and the rest the next time", async (call, reconciled, why) => {
    const { clock, table, executions, start, sweepNow } = setup({ isWritten: false });
    for (const taskId of ["with a row", "without a row"]) {
      const { executionArn: arn } = await start(taskId);
      if (taskId === "with a row") await table.putStarted([{ taskId, arn, startedAt: clock.now() }]);
      await executions.stop(arn, { error: "Mine", cause: "later" });
    }
    await sleep(clock, 100_000);
    const listing = jest.spyOn(executions, call).mockRejectedValue(new Error("throttled"));
    expect(await sweepNow()).toEqual({ reconciled, stuck: [], failures: [why] });
    expect(table.row("with a row")).toMatchObject({ status: "ABORTED" });
    listing.mockRestore();
    expect(await sweepNow()).toEqual({ reconciled: 2 - reconciled, stuck: [], failures: [] });
    expect(table.row("without a row")).toMatchObject({ status: "ABORTED" });
  });

  it("checks all STARTED tasks, page after page, although one of them fails", async () => {
    const { table, executions, sweepNow } = setup();
    for (let index = 0; index < 250; index++) await putStarted(table, `task-${index}`, START - 120_000 - index);
    jest.spyOn(executions, "describe").mockImplementation((arn) => {
      if (arn === "arn:task-7") return Promise.reject(new Error("throttled"));
      const [, taskId = ""] = arn.split(":");
      const input = JSON.stringify({ taskId, timestamp: table.row(taskId)?.["timestamp"] });
      return Promise.resolve({ ...RUNNING, arn, input, status: "ABORTED", error: "Mine" });
    });
    expect(await sweepNow()).toEqual({ reconciled: 249, stuck: [], failures: ["arn:task-7: throttled"] });
    expect(table.row("task-249")).toMatchObject({ status: "ABORTED" });
  });

  it("reports when it ran out of time, and tasks that exceed their time limit", async () => {
    const { table, executions, sweepNow } = setup();
    await putStarted(table, "old", START - 700_000);
    await putStarted(table, "lost", START - 700_000);
    jest.spyOn(executions, "describe").mockResolvedValue(RUNNING);
    jest
      .spyOn(executions, "running")
      .mockResolvedValue(
        new Map([["arn:old", { arn: "arn:old", startedAt: START - 700_000, stoppedAt: 0, isRedriven: false }]]),
      );
    expect(await sweepNow()).toEqual({ reconciled: 0, stuck: ["old"], failures: [] });
    expect((await sweepNow(() => true)).failures).toEqual([expect.stringContaining("out of time: 1 executions")]);
  });

  it("aborts tasks whose execution no longer exists", async () => {
    const { clock, table, executions, start, sweepNow } = setup();
    await start("order-1");
    await sleep(clock, 5_000);
    jest.spyOn(executions, "describe").mockResolvedValue(undefined);
    executions.run("order-1").abort("", "");
    await sleep(clock, 800_000);
    await sweepNow();
    // For a quarter of an hour, it may exist all the same: DescribeExecution is eventually consistent.
    expect(table.row("order-1")).toMatchObject({ status: "STARTED" });
    await sleep(clock, 200_000);
    await sweepNow();
    expect(table.row("order-1")).toMatchObject({ status: "ABORTED", reason: "its execution no longer exists" });
  });
});
