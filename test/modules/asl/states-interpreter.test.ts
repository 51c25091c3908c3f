import { jsonata } from "../../../modules/asl/asl";
import type { Machine } from "../../../modules/asl/machine";
import { runMachine, StatesError, type Service } from "../../support/states-interpreter";
import { virtualClock } from "../../support/virtual-clock";

const { stateMachine, pass, wait, choice, succeed, fail, map, parallel, lambdaInvoke } = jsonata;

const START = Date.parse("2026-11-21T12:00:00Z");
const start = (machine: Machine, work?: Service) => {
  const clock = virtualClock(START);
  return { clock, run: runMachine(machine, {}, { clock, services: work ? { "lambda:invoke": work } : {} }) };
};
const call = { Arguments: { FunctionName: "work" } };

describe("the interpreter of state machines", () => {
  it("waits, chooses, assigns, and returns its last output", async () => {
    const machine = stateMachine({
      StartAt: "Set",
      States: {
        Set: pass({ Assign: { count: 2 }, Output: { list: [1, "{% 1 + 1 %}"] }, Next: "Pause" }),
        Pause: wait({ Seconds: "{% $count * 30 %}", Next: "Choose" }),
        Choose: choice({ Choices: [{ Condition: "{% $count > 5 %}", Next: "Many" }], Default: "Few" }),
        Many: succeed(),
        Few: succeed({ Output: "{% $sum($states.input.list) %}" }),
      },
    });
    const { clock, run } = start(machine);
    await expect(run.ended).resolves.toEqual({ status: "SUCCEEDED", output: 3 });
    expect(run.path).toEqual(["Set", "Pause", "Choose", "Few"]);
    expect(clock.now() - START).toBe(60_000);
  });

  it("retries with growing intervals, then catches, by the error's name", async () => {
    const machine = stateMachine({
      StartAt: "Work",
      States: {
        Work: lambdaInvoke({
          ...call,
          Retry: [{ ErrorEquals: ["Flaky"], IntervalSeconds: 1, MaxAttempts: 2 }],
          Catch: [
            { ErrorEquals: ["Other"], Next: "Done" },
            { ErrorEquals: ["States.TaskFailed"], Assign: { why: "{% $states.errorOutput.Cause %}" }, Next: "Failed" },
          ],
          Next: "Done",
        }),
        Done: succeed(),
        Failed: fail({ Error: "Mine", Cause: "{% $why %}" }),
      },
    });
    const { clock, run } = start(machine, (_, { attempt }) =>
      Promise.reject(new StatesError("Flaky", `try ${attempt}`)),
    );
    await expect(run.ended).resolves.toEqual({ status: "FAILED", error: "Mine", cause: "try 2" });
    expect(clock.now() - START).toBe(3_000);
  });

  it("ends a task, and an execution, that takes too long", async () => {
    const never: Service = () => new Promise(() => undefined);
    const task = stateMachine({
      StartAt: "Work",
      States: {
        Work: lambdaInvoke({
          ...call,
          TimeoutSeconds: 5,
          Next: "Done",
          Catch: [{ ErrorEquals: ["States.Timeout"], Next: "Late" }],
        }),
        Done: succeed(),
        Late: fail({ Error: "Late" }),
      },
    });
    await expect(start(task, never).run.ended).resolves.toMatchObject({ status: "FAILED", error: "Late" });
    const whole = stateMachine({
      StartAt: "Work",
      TimeoutSeconds: 9,
      States: { Work: lambdaInvoke({ ...call, End: true }) },
    });
    await expect(start(whole, never).run.ended).resolves.toMatchObject({ status: "TIMED_OUT" });
  });

  it("runs machines within machines, and enters nothing once it is aborted", async () => {
    const one = stateMachine({
      StartAt: "Double",
      States: { Double: pass({ Output: "{% $states.input * 2 %}", End: true }) },
    });
    const slow = stateMachine({ StartAt: "Slow", States: { Slow: wait({ Seconds: 9, End: true }) } });
    const machine = stateMachine({
      StartAt: "Each",
      States: {
        Each: map({ Items: [1, 2, 3], ItemProcessor: one, Next: "Beside" }),
        Beside: parallel({ Branches: [slow], Next: "Never" }),
        Never: succeed(),
      },
    });
    const { clock, run } = start(machine);
    clock.after(5_000, () => {
      run.abort("Mine", "enough");
    });
    await expect(run.ended).resolves.toEqual({ status: "ABORTED", error: "Mine", cause: "enough" });
    await new Promise(setImmediate);
    expect(run.path).toEqual(["Each", "Double", "Double", "Double", "Beside", "Slow"]);
  });

  it("treats missing fields as errors, as Step Functions does, and rejects unsupported fields", async () => {
    const typo = stateMachine({
      StartAt: "A",
      States: { A: pass({ Output: "{% $states.input.nothing %}", End: true }) },
    });
    await expect(start(typo).run.ended).resolves.toMatchObject({
      status: "FAILED",
      error: "States.QueryEvaluationError",
    });
    const heartbeat = stateMachine({
      StartAt: "A",
      States: { A: lambdaInvoke({ ...call, HeartbeatSeconds: 5, End: true }) },
    });
    await expect(start(heartbeat).run.ended).resolves.toMatchObject({ status: "FAILED", error: "ZodError" });
  });
});
