/** Runs the definition on a virtual clock: every path, including each Catch. */
import { readFileSync } from "node:fs";
import { mermaidOf } from "../../support/mermaid";
import { taskMachine } from "../../../modules/workflows/definition";
import { aslFaultsOf } from "../../support/asl-faults";
import { fakeTaskTable } from "../../support/fake-task-table";
import { runMachine, StatesError, type Service } from "../../support/states-interpreter";
import { virtualClock } from "../../support/virtual-clock";

const START = Date.parse("2026-11-21T12:00:00Z");
const refs = { table: "tasks", waitSeconds: 30, timeLimitSeconds: 3_600, keepDays: 90 };
const plain = taskMachine(refs);
const working = taskMachine({ ...refs, work: { functionName: "work", timeoutSeconds: 60, retries: 2 } });

const TIMESTAMP = START / 1_000;
const INPUT = { taskId: "order-1", timestamp: TIMESTAMP, input: { amount: 12 } };
const RESULT = { StatusCode: 200, Payload: { json: '{"paid":true}', location: "" } };
const done: Service = () => Promise.resolve(RESULT);

/** By state: the error of its service, for the first `times` attempts. */
type Faults = Readonly<Record<string, { readonly error: string; readonly cause?: string; readonly times: number }>>;

function start(work: Service | undefined, faults: Faults = {}) {
  const clock = virtualClock(START);
  const table = fakeTaskTable();
  const faulty =
    (service: Service): Service =>
    (parameters, context) => {
      const fault = faults[context.state];
      if (fault === undefined || context.attempt >= fault.times) return service(parameters, context);
      return Promise.reject(new StatesError(fault.error, fault.cause));
    };
  const services = Object.fromEntries(
    Object.entries({ ...table.services, ...(work && { "lambda:invoke": work }) }).map(([name, service]) => [
      name,
      faulty(service),
    ]),
  );
  const run = runMachine(work ? working : plain, INPUT, { clock, services, name: "order-1" });
  return { clock, table, run, row: () => table.row("order-1") };
}

const at = (seconds: number) => new Date(START + seconds * 1_000).toISOString();
const UNAVAILABLE = { error: "DynamoDB.InternalServerErrorException", cause: "try again" };

describe("the task machine", () => {
  it.each([
    ["without work", plain],
    ["with work", working],
  ])("is Amazon States Language: %s", (_, machine) => {
    expect(aslFaultsOf(machine)).toEqual([]);
  });

  it("is drawn in the README as it is", () => {
    expect(readFileSync("modules/workflows/README.md", "utf8")).toContain(`\`\`\`mermaid\n${mermaidOf(working)}\`\`\``);
  });

  it("writes STARTED, waits, writes DONE", async () => {
    const { clock, run, row } = start(undefined);
    let between: unknown;
    clock.after(29_000, () => {
      between = row();
    });
    await expect(run.ended).resolves.toEqual({ status: "SUCCEEDED", output: INPUT });
    expect(run.path).toEqual(["RecordStart", "Pause", "RecordDone"]);
    expect(between).toEqual({
      taskId: "order-1",
      timestamp: TIMESTAMP,
      status: "STARTED",
      executionArn: "arn:execution:order-1",
      startDate: at(0),
      inputHash: "none",
      history: [{ status: "STARTED", at: at(0) }],
    });
    expect(row()).toMatchObject({
      status: "DONE",
      history: [
        { status: "STARTED", at: at(0) },
        { status: "DONE", at: at(30) },
      ],
      ttl: TIMESTAMP + 30 + 90 * 86_400, // from its end: a running task's row does not expire
    });
  });

  it("invokes the work in between, with the whole task", async () => {
    const events: unknown[] = [];
    const { run, row } = start((parameters) => {
      events.push(parameters);
      return Promise.resolve(RESULT);
    });
    await expect(run.ended).resolves.toMatchObject({ status: "SUCCEEDED" });
    expect(run.path).toEqual(["RecordStart", "Pause", "Work", "RecordDone"]);
    expect(events).toEqual([{ FunctionName: "work", Payload: INPUT }]);
    expect(row()).toMatchObject({ status: "DONE", result: '{"paid":true}', resultLocation: "" });
  });

  it("retries work that fails twice, then has the function's own reason", async () => {
    const cause = JSON.stringify({ errorType: "Error", errorMessage: "no funds", trace: ["at pay"] });
    const { clock, run, row } = start(done, { Work: { error: "PaymentRefused", cause, times: 99 } });
    await expect(run.ended).resolves.toEqual({ status: "FAILED", error: "PaymentRefused", cause: "no funds" });
    expect(run.path).toEqual(["RecordStart", "Pause", "Work", "RecordFailure", "Failed"]);
    expect(clock.now() - START).toBe(33_000); // 30, and 1 and 2 between three tries
    expect(row()).toMatchObject({
      status: "FAILED",
      reason: "PaymentRefused: no funds",
      history: [
        { status: "STARTED", at: at(0) },
        { status: "FAILED", at: at(33), reason: "PaymentRefused: no funds" },
      ],
    });
  });

  it("tolerates work that fails once, and errors of Lambda itself six times", async () => {
    const flaky = start(done, { Work: { error: "Error", times: 1 } });
    await expect(flaky.run.ended).resolves.toMatchObject({ status: "SUCCEEDED" });
    const busy = start(done, { Work: { error: "Lambda.TooManyRequestsException", times: 6 } });
    await expect(busy.run.ended).resolves.toMatchObject({ status: "SUCCEEDED" });
  });

  it("ends work that takes too long as TIMED_OUT, and does not retry it", async () => {
    let calls = 0;
    const { clock, run, row } = start(() => {
      calls++;
      return new Promise(() => undefined);
    });
    const reason = "the work took longer than 60 s";
    await expect(run.ended).resolves.toEqual({ status: "FAILED", error: "TaskTimedOut", cause: reason });
    expect(run.path).toEqual(["RecordStart", "Pause", "Work", "RecordTimeout", "TimedOut"]);
    expect([calls, clock.now() - START]).toEqual([1, 90_000]);
    expect(row()).toMatchObject({ status: "TIMED_OUT", reason });
  });

  it("ends as TIMED_OUT when the whole task takes too long", async () => {
    const machine = taskMachine({ ...refs, waitSeconds: "{% $states.input.timestamp %}", timeLimitSeconds: 10 });
    const run = runMachine(machine, INPUT, { clock: virtualClock(START), services: fakeTaskTable().services });
    await expect(run.ended).resolves.toMatchObject({ status: "TIMED_OUT" });
  });

  it.each(["RecordStart", "RecordDone"])("retries %s, whatever DynamoDB responds", async (state) => {
    const { run, row } = start(undefined, { [state]: { ...UNAVAILABLE, times: 5 } });
    await expect(run.ended).resolves.toMatchObject({ status: "SUCCEEDED" });
    expect(row()).toMatchObject({ status: "DONE", history: [{ status: "STARTED" }, { status: "DONE" }] });
  });

  it("fails when its start cannot be written: there is no row, and the execution has the reason", async () => {
    const { run, row } = start(undefined, { RecordStart: { ...UNAVAILABLE, times: 99 } });
    await expect(run.ended).resolves.toEqual({ status: "FAILED", error: UNAVAILABLE.error, cause: "try again" });
    expect(run.path).toEqual(["RecordStart", "Failed"]);
    expect(row()).toBeUndefined();
  });

  it("fails when its end cannot be written", async () => {
    const { run, row } = start(undefined, { RecordDone: { ...UNAVAILABLE, times: 99 } });
    await expect(run.ended).resolves.toMatchObject({ status: "FAILED", error: UNAVAILABLE.error });
    expect(run.path).toEqual(["RecordStart", "Pause", "RecordDone", "RecordFailure", "Failed"]);
    expect(row()).toMatchObject({ status: "FAILED", reason: "DynamoDB.InternalServerErrorException: try again" });
  });

  it("fails as the work did, when not even that can be written: the row is the reconciler's", async () => {
    const { run, row } = start(done, {
      Work: { error: "PaymentRefused", times: 99 },
      RecordFailure: { ...UNAVAILABLE, times: 99 },
    });
    await expect(run.ended).resolves.toEqual({ status: "FAILED", error: "PaymentRefused", cause: "" });
    expect(run.path).toEqual(["RecordStart", "Pause", "Work", "RecordFailure", "Failed"]);
    expect(row()).toMatchObject({ status: "STARTED" });
  });

  it("is TIMED_OUT all the same when that cannot be written", async () => {
    const { run } = start(() => new Promise(() => undefined), { RecordTimeout: { ...UNAVAILABLE, times: 99 } });
    await expect(run.ended).resolves.toMatchObject({ status: "FAILED", error: "TaskTimedOut" });
  });

  it("does not write DONE over another end", async () => {
    const { clock, table, run, row } = start(undefined);
    clock.after(20_000, () => {
      const end = { status: "ABORTED", at: clock.now(), reason: "Mine: enough" } as const;
      void table.writeEnd(INPUT, { arn: "arn:execution:order-1", startedAt: START }, end);
    });
    await run.ended;
    expect(run.path.at(-1)).toBe("Recorded");
    expect(row()).toMatchObject({
      status: "ABORTED",
      reason: "Mine: enough",
      history: [{ status: "STARTED" }, { status: "ABORTED", at: at(20) }],
    });
  });
});
