/** Approvals, redrives and their cancellation, against the in-memory table and stubbed executions. */
import { sleep } from "../../../../functions/shared/clock";
import { decide, type Decided } from "../../../../functions/workflows/task/decide";
import {
  NotRedrivableError,
  type ListedExecution,
  type StateEnd,
  type StateOutcome,
} from "../../../../functions/workflows/task/executions";
import { cancelTask } from "../../../../functions/workflows/task/lifecycle";
import { redriveTask } from "../../../../functions/workflows/task/redrive";
import { ExecutionNotSettledError, reconcile, reconcileEvent } from "../../../../functions/workflows/task/reconciler";
import { sweep } from "../../../../functions/workflows/task/sweep";
import type { Execution } from "../../../../functions/workflows/task/task";
import { approval } from "../../../../modules/workflows/record";
import { endOf } from "../../../support/fake-executions";
import { fakeTaskTable } from "../../../support/fake-task-table";
import { virtualClock } from "../../../support/virtual-clock";

const START = Date.parse("2026-11-21T12:00:00Z");
const at = (seconds: number) => new Date(START + seconds * 1_000).toISOString();
const ARN = "arn:aws:states:eu-central-1:000000000000:execution:refund:r-1";
const BY = "arn:aws:iam::111122223333:user/ann";
const FAILED: Execution = {
  arn: ARN,
  status: "FAILED",
  input: JSON.stringify({ taskId: "r-1", timestamp: START / 1_000 }),
  startedAt: START,
  stoppedAt: START + 5_000,
  error: "PaymentRefused",
  cause: "no funds",
};

async function setup() {
  const clock = virtualClock(START);
  const table = fakeTaskTable();
  await table.putStarted([{ taskId: "r-1", arn: ARN, startedAt: START }]);
  const outcomes: StateOutcome[] = [];
  const open = new Set<string>();
  const ends = new Map<string, StateEnd>();
  /** As the machine's state writes it. */
  const enter = async (token: string, state = "Approve") => {
    open.add(token);
    const text = JSON.stringify(
      Reflect.get(approval({ table: "tasks", keepDays: 90 }, { TimeoutSeconds: 60, End: true }), "Arguments"),
    )
      .replace("{% $states.context.Execution.Input.taskId %}", "r-1")
      .replace("{% $string($states.context.Execution.Input.timestamp) %}", String(START / 1_000))
      .replace("{% $states.context.Execution.Id %}", ARN)
      .replace("{% $states.context.State.Name %}", state)
      .replace("{% $states.context.State.EnteredTime %}", new Date(clock.now()).toISOString())
      .replace("{% $states.context.Task.Token %}", token);
    await table.services["dynamodb:updateItem"](
      JSON.parse(text) as Parameters<(typeof table.services)["dynamodb:updateItem"]>[0],
    );
  };
  const execution: { now: Execution } = { now: FAILED };
  const redrives: { count: number; readonly tokens: Set<string>; error?: Error } = { count: 0, tokens: new Set() };
  const executions = {
    complete: (token: string, outcome: StateOutcome) => {
      if (!open.delete(token)) return Promise.resolve(false);
      outcomes.push(outcome);
      ends.set(token, endOf(outcome, clock.now()));
      return Promise.resolve(true);
    },
    endOf: (_: string, token: string) => Promise.resolve(ends.get(token)),
    arnOf: () => ARN,
    describe: () => Promise.resolve(execution.now),
    /** As Step Functions: an execution that has ended stays as it is. */
    stop: (_: string, reason: { readonly error: string; readonly cause: string }) => {
      if (execution.now.status === "RUNNING")
        execution.now = { ...execution.now, ...reason, status: "ABORTED", stoppedAt: clock.now() };
      return Promise.resolve();
    },
    redrive: (_: string, token: string) => {
      if (redrives.tokens.has(token)) return Promise.resolve();
      redrives.count += 1;
      if (redrives.error) return Promise.reject(redrives.error);
      redrives.tokens.add(token);
      execution.now = { ...FAILED, status: "RUNNING", stoppedAt: undefined, redrivenAt: clock.now() };
      return Promise.resolve();
    },
    running: () => Promise.resolve(new Map<string, ListedExecution>()),
    unsuccessfulSince: () => Promise.resolve([]),
  };
  const ports = { clock, table, executions };
  const decided = (fields: Partial<Decided> = {}) => decide("r-1", { decision: "approved", by: BY, ...fields }, ports);
  return { clock, table, executions, outcomes, open, ends, enter, ports, decided, execution, redrives };
}

describe("an approval", () => {
  it("ends the state with the decision, and then the row has it", async () => {
    const { enter, decided, outcomes, clock, table } = await setup();
    await enter("t1");
    await sleep(clock, 9_000);
    const task = await decided({ comment: "fine" });
    const recorded = { state: "Approve", requestedAt: at(0), decision: "approved", decidedAt: at(9), decidedBy: BY };
    expect(task.approvals).toEqual([{ ...recorded, comment: "fine" }]);
    expect(outcomes).toEqual([
      { output: { state: "Approve", decision: "approved", by: BY, at: at(9), comment: "fine" } },
    ]);
    expect(JSON.stringify(task)).not.toContain("t1");
    expect(JSON.stringify(table.row("r-1"))).toContain("t1");
  });

  it("is decided once: the same again is the same answer, another is refused", async () => {
    const { enter, decided, outcomes } = await setup();
    await enter("t1");
    const first = await decided({ decision: "rejected" });
    expect(await decided({ decision: "rejected", by: "another" })).toEqual(first);
    await expect(decided()).rejects.toThrow(`the task was rejected at ${at(0)}`);
    expect(outcomes).toEqual([{ error: "Rejected", cause: `by ${BY}` }]);
  });

  it("is decided once by two who decide at once", async () => {
    const { enter, decided, outcomes, table } = await setup();
    await enter("t1");
    const both = await Promise.allSettled([decided(), decided({ decision: "rejected" })]);
    expect(outcomes).toHaveLength(1);
    expect(both.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
    expect(table.row("r-1")).toMatchObject({ approvals: [{ decision: "approved" }] });
  });

  it("is refused after the task's end, without a call to Step Functions", async () => {
    const { enter, decided, outcomes, table } = await setup();
    await enter("t1");
    await reconcile(FAILED, table);
    await expect(decided()).rejects.toThrow("the approval has expired, its task has ended");
    expect(outcomes).toEqual([]);
  });

  it("is recorded also when the machine waits for the next one already", async () => {
    const { enter, decided, executions, table } = await setup();
    await enter("t1");
    const { complete } = executions;
    executions.complete = async (...completed) => {
      const isAccepted = await complete(...completed);
      await enter("t2");
      return isAccepted;
    };
    await decided({ comment: "fine" });
    expect(table.row("r-1")).toMatchObject({ approvals: [{ decision: "approved", comment: "fine" }, { token: "t2" }] });
    expect(table.row("r-1")).not.toHaveProperty("approvals.1.decision");
  });

  it("says when it has expired", async () => {
    const { enter, decided, open, table } = await setup();
    await enter("t1");
    open.clear();
    await expect(decided()).rejects.toThrow("the approval has expired, its task has ended");
    expect(table.row("r-1")).toMatchObject({ approvals: [{ state: "Approve" }] });
    expect(JSON.stringify(table.row("r-1"))).not.toContain("decision");
  });

  it.each([
    ["approved", "fine"],
    ["rejected", "no (real)\nreceipt"],
    ["rejected", ""],
  ] as const)(
    "whose response was lost is %s by the one who decided, also when another repeats it: %j",
    async (...decision) => {
      const [way, comment] = decision;
      const { enter, decided, executions, outcomes, table, clock } = await setup();
      await enter("t1");
      const { complete } = executions;
      executions.complete = async (...completed) => {
        await complete(...completed);
        throw new Error("socket hang up");
      };
      await expect(decided({ decision: way, comment })).rejects.toThrow("socket hang up");
      executions.complete = complete;
      await sleep(clock, 60_000);
      const task = await decided({ decision: way, by: "another" });
      expect(task.approvals).toMatchObject([{ decision: way, decidedBy: BY, decidedAt: at(0), comment }]);
      expect(table.row("r-1")).toMatchObject({ approvals: [{ decision: way, decidedBy: BY, comment, token: "t1" }] });
      const other = way === "approved" ? "rejected" : "approved";
      await expect(decided({ decision: other })).rejects.toThrow(`the task was ${way} at ${at(0)}`);
      expect(outcomes).toHaveLength(1);
    },
  );

  it("whose response was lost is known when the SDK's own retry finds the token used, and the history is late", async () => {
    const { enter, decided, executions, clock } = await setup();
    await enter("t1");
    const { complete, endOf: read } = executions;
    executions.complete = async (...completed) => {
      await complete(...completed);
      return complete(...completed);
    };
    executions.endOf = (...asked) => (clock.now() < START + 500 ? Promise.resolve(undefined) : read(...asked));
    expect((await decided()).approvals).toMatchObject([{ decision: "approved", decidedBy: BY }]);
  });

  it("whose response was lost is recorded after the task's end, and while the machine waits in another state", async () => {
    const { enter, decided, executions, table } = await setup();
    await enter("t1");
    const { complete } = executions;
    executions.complete = (...completed) => complete(...completed).then(() => Promise.reject(new Error("lost")));
    await expect(decided({ state: "Approve" })).rejects.toThrow("lost");
    await enter("t2", "Audit");
    executions.complete = complete;
    const { approvals } = await decided({ state: "Approve" });
    expect(approvals).toMatchObject([{ decision: "approved", decidedBy: BY }, { state: "Audit" }]);
    expect(approvals?.[1]).not.toHaveProperty("decision");
    executions.complete = (...completed) => complete(...completed).then(() => Promise.reject(new Error("lost")));
    await expect(decided({ decision: "rejected", state: "Audit" })).rejects.toThrow("lost");
    await reconcile(FAILED, table);
    expect(await decided({ decision: "rejected", state: "Audit" })).toMatchObject({
      status: "FAILED",
      approvals: [{ decision: "approved" }, { decision: "rejected", decidedBy: BY }],
    });
  });

  it("that another program ended, or that expired, is none", async () => {
    const { enter, decided, table, ends, open } = await setup();
    for (const end of [
      endOf({ output: { ok: true } }, START),
      { at: START, output: "no JSON" },
      endOf({ error: "Rejected", cause: "" }, START),
      endOf({ error: "States.Timeout", cause: "by me" }, START),
    ]) {
      await enter("t1");
      open.clear();
      ends.set("t1", end);
      await expect(decided()).rejects.toThrow("the approval has expired");
    }
    expect(JSON.stringify(table.row("r-1"))).not.toContain("decision");
  });

  it("is not the next one for a request that is repeated: of another state, or of the same one", async () => {
    const { enter, decided, outcomes, table, clock } = await setup();
    await enter("t1");
    const first = await decided();
    await enter("t2", "Audit");
    await expect(decided()).rejects.toThrow("several states have asked for an approval, name one: Approve, Audit");
    await decided({ state: "Audit" });
    await sleep(clock, 1_000);
    await enter("t3");
    const [{ requestedAt } = { requestedAt: "" }] = first.approvals ?? [];
    await decided({ state: "Approve", requestedAt });
    expect(outcomes).toHaveLength(2);
    expect(table.row("r-1")).not.toHaveProperty("approvals.2.decision");
    await expect(decided({ requestedAt: at(5) })).rejects.toThrow("does not wait for an approval");
    await decided({ decision: "rejected", requestedAt: at(1) });
    expect(table.row("r-1")).toHaveProperty("approvals.2.decision", "rejected");
  });

  it("is the last one, of the state that is named", async () => {
    const { enter, decided, table } = await setup();
    await expect(decided()).rejects.toThrow("the task does not wait for an approval");
    await enter("t1");
    await expect(decided({ state: "Other" })).rejects.toThrow("does not wait for an approval of Other");
    await decided({ state: "Approve" });
    await enter("t2");
    await decided({ decision: "rejected" });
    expect(table.row("r-1")).toMatchObject({ approvals: [{ decision: "approved" }, { decision: "rejected" }] });
    await expect(decide("unknown", { decision: "approved", by: BY }, (await setup()).ports)).rejects.toThrow("no task");
  });
});

describe("a redrive", () => {
  it("is none of a task that is DONE", async () => {
    const { ports, table, clock, redrives } = await setup();
    await table.writeEnd(
      { taskId: "r-1", timestamp: START / 1_000 },
      { arn: ARN, startedAt: START },
      { status: "DONE", at: clock.now() },
    );
    await expect(redriveTask("r-1", ports)).rejects.toThrow("the task is DONE");
    expect(redrives.count).toBe(0);
  });

  it("makes the row STARTED, runs the execution, and only a later end counts", async () => {
    const { ports, table, clock, redrives, execution } = await setup();
    await reconcile(FAILED, table);
    await sleep(clock, 60_000);
    const task = await redriveTask("r-1", ports);
    expect(task).toMatchObject({
      status: "STARTED",
      history: [{ status: "STARTED" }, { status: "FAILED" }, { status: "STARTED" }],
    });
    expect(task).not.toHaveProperty("reason");
    expect(redrives.count).toBe(1);
    // An event that arrives twice, and a describe that is late.
    expect(await reconcile(FAILED, table)).toBe("unchanged");
    expect(await redriveTask("r-1", ports)).toEqual(task);
    expect(redrives.count).toBe(1);
    await sleep(clock, 60_000);
    execution.now = { ...FAILED, stoppedAt: clock.now() };
    expect(await reconcile(execution.now, table)).toBe("changed");
    expect(table.row("r-1")).toMatchObject({ status: "FAILED", reason: "PaymentRefused: no funds" });
  });

  it("whose end event is read before the execution's description has the end is not settled", async () => {
    const { ports, table, clock, execution } = await setup();
    await reconcile(FAILED, table);
    await sleep(clock, 60_000);
    await redriveTask("r-1", ports);
    await sleep(clock, 60_000);
    const event = { executionArn: ARN, stopDate: clock.now() };
    // As before the redrive, as it runs, and as it is.
    execution.now = FAILED;
    await expect(reconcileEvent(event, ports)).rejects.toThrow(ExecutionNotSettledError);
    execution.now = { ...FAILED, status: "RUNNING", stoppedAt: undefined, redrivenAt: clock.now() - 60_000 };
    await expect(reconcileEvent(event, ports)).rejects.toThrow(ExecutionNotSettledError);
    execution.now = { ...FAILED, stoppedAt: clock.now() };
    expect(await reconcileEvent(event, ports)).toBe("changed");
    // An event without its time.
    expect(await reconcileEvent({ executionArn: ARN }, ports)).toBe("unchanged");
  });

  it("continues after a crash between the row and the execution", async () => {
    const { ports, table, clock, redrives } = await setup();
    await reconcile(FAILED, table);
    await sleep(clock, 60_000);
    redrives.error = new Error("killed");
    await expect(redriveTask("r-1", ports)).rejects.toThrow("killed");
    expect(table.row("r-1")).toMatchObject({ status: "STARTED" });
    delete redrives.error;
    expect(await redriveTask("r-1", ports)).toMatchObject({ status: "STARTED" });
    expect(redrives.count).toBe(2);
  });

  it("whose execution never ran is ended again by the sweep, after a quarter of an hour", async () => {
    const { ports, table, clock, redrives } = await setup();
    await reconcile(FAILED, table);
    await sleep(clock, 60_000);
    redrives.error = new Error("killed");
    await expect(redriveTask("r-1", ports)).rejects.toThrow("killed");
    const times = { stuckBefore: 0, endedAfter: 0, isOver: () => false };
    const swept = async () => {
      const sweeping = sweep(ports, times);
      await sleep(clock, 1_000);
      return (await sweeping).reconciled;
    };
    expect(await swept()).toBe(0);
    await sleep(clock, 16 * 60_000);
    expect(await swept()).toBe(1);
    expect(table.row("r-1")).toMatchObject({ status: "FAILED", reason: "PaymentRefused: no funds" });
  });

  it("that Step Functions refuses leaves the task failed", async () => {
    const { ports, table, clock, redrives } = await setup();
    await reconcile(FAILED, table);
    await sleep(clock, 60_000);
    redrives.error = new NotRedrivableError("older than 14 days");
    await expect(redriveTask("r-1", ports)).rejects.toThrow("Step Functions does not redrive it: older than 14 days");
    expect(table.row("r-1")).toMatchObject({ status: "FAILED", reason: "PaymentRefused: no funds" });
  });

  it("that Step Functions refuses leaves the end of the latest run, though the execution is described as before it", async () => {
    const { ports, table, clock, redrives, execution } = await setup();
    await reconcile(FAILED, table);
    await sleep(clock, 60_000);
    await redriveTask("r-1", ports);
    await sleep(clock, 60_000);
    await reconcile({ ...FAILED, status: "TIMED_OUT", stoppedAt: clock.now(), error: undefined }, table);
    execution.now = FAILED;
    redrives.error = new NotRedrivableError("older than 14 days");
    await expect(redriveTask("r-1", ports)).rejects.toThrow("Step Functions does not redrive it");
    expect(table.row("r-1")).toMatchObject({ status: "TIMED_OUT", reason: "exceeded the time limit of tasks" });
  });

  it("in the console is found by the next call", async () => {
    const { ports, table, clock, redrives, execution } = await setup();
    await reconcile(FAILED, table);
    await sleep(clock, 60_000);
    execution.now = { ...FAILED, status: "RUNNING", stoppedAt: undefined, redrivenAt: clock.now() };
    redrives.error = new NotRedrivableError("it runs");
    expect(await redriveTask("r-1", ports)).toMatchObject({ status: "STARTED" });
    expect(table.row("r-1")).toMatchObject({ status: "STARTED" });
  });

  it("happens also when the execution is still described as running, because reads are late", async () => {
    const { ports, table, clock, redrives, execution } = await setup();
    await reconcile(FAILED, table);
    await sleep(clock, 60_000);
    execution.now = { ...FAILED, status: "RUNNING", stoppedAt: undefined };
    expect(await redriveTask("r-1", ports)).toMatchObject({ status: "STARTED" });
    expect(redrives.count).toBe(1);
  });

  it("happens once for two calls at once, neither of which ends the task", async () => {
    const { ports, table, clock, redrives, execution } = await setup();
    await reconcile(FAILED, table);
    await sleep(clock, 60_000);
    await redriveTask("r-1", ports);
    // The other call read the row after the mark, and the execution before it ran again.
    execution.now = FAILED;
    expect(await redriveTask("r-1", ports)).toMatchObject({ status: "STARTED" });
    expect(redrives.count).toBe(1);
  });

  it("happens also when the response to its mark was lost, and the SDK's own retry finds the row changed", async () => {
    const { ports, table, clock, redrives, execution } = await setup();
    await reconcile(FAILED, table);
    await sleep(clock, 60_000);
    const writeRedrive: typeof table.writeRedrive = async (...marked) => {
      await table.writeRedrive(...marked);
      return table.writeRedrive(...marked);
    };
    const task = await redriveTask("r-1", { ...ports, table: { ...table, writeRedrive } });
    expect(task.history.map(({ status }) => status)).toEqual(["STARTED", "FAILED", "STARTED"]);
    expect([redrives.count, execution.now.status]).toEqual([1, "RUNNING"]);
  });
});

describe("the cancellation of a task whose row a redrive has made STARTED, and whose execution does not run yet", () => {
  const marked = async () => {
    const redriven = await setup();
    const { ports, table, clock, redrives } = redriven;
    await reconcile(FAILED, table);
    await sleep(clock, 60_000);
    redrives.error = new Error("killed");
    await expect(redriveTask("r-1", ports)).rejects.toThrow("killed");
    delete redrives.error;
    return redriven;
  };

  it("is not accepted, because the execution would run all the same", async () => {
    const { ports, table } = await marked();
    await expect(cancelTask("r-1", ports)).rejects.toThrow("the task was redriven a moment ago: try again");
    expect(table.row("r-1")).toMatchObject({ status: "STARTED" });
  });

  it("is not accepted either when it found the end of the run before", async () => {
    const { ports, table, clock, executions } = await setup();
    const { stop } = executions;
    executions.stop = async (...stopped) => {
      await stop(...stopped);
      executions.stop = stop;
      // Its event arrives now, and somebody redrives it.
      await reconcile(FAILED, table);
      const row = await table.read("r-1");
      if (row) await table.writeRedrive(row, { at: clock.now(), endedAt: FAILED.stoppedAt ?? 0 });
    };
    await sleep(clock, 60_000);
    await expect(cancelTask("r-1", ports)).rejects.toThrow("the task was redriven a moment ago: try again");
  });

  it("stops it as soon as it runs", async () => {
    const { ports, clock } = await marked();
    const cancelling = cancelTask("r-1", ports);
    await sleep(clock, 250);
    await redriveTask("r-1", ports);
    expect(await cancelling).toMatchObject({ status: "ABORTED", reason: "Cancelled: the task was cancelled" });
  });
});
