import { parsePlan } from "../../../scripts/review/plan";
import { reviewPlan } from "../../../scripts/review/report";
import { samplePlan } from "./sample-plan";

const MACHINE = "module.exports.aws_sfn_state_machine.export";

const TASK = {
  Type: "Task",
  Resource: "arn:aws:states:::lambda:invoke",
  TimeoutSeconds: 60,
  HeartbeatSeconds: 20,
  Retry: [{ ErrorEquals: ["Throttled", "States.Timeout"], MaxAttempts: 4 }, { ErrorEquals: ["Slow"] }],
  Catch: [{ ErrorEquals: ["States.ALL"], Next: "Fail" }],
  Next: "Fail",
};
const definitionOf = (task: object, more: object = {}) => ({
  StartAt: "Scan",
  TimeoutSeconds: 3600,
  States: {
    Scan: {
      Type: "Map",
      ToleratedFailureCount: 5,
      ItemProcessor: { StartAt: "Read", States: { Read: task } },
      Next: "Fail",
    },
    Fail: { Type: "Fail" },
  },
  ...more,
});

/** `❌ what: change` */
function findingsOf(after: object | null, before: object = definitionOf(TASK), rest: object = {}) {
  const change = {
    address: MACHINE,
    actions: ["update"],
    before: { name: "export", definition: JSON.stringify(before) },
    after: { name: "export", ...(after !== null && { definition: JSON.stringify(after) }) },
    after_unknown: after === null ? { definition: true } : {},
  };
  return reviewPlan(parsePlan(samplePlan([change], { ...rest })), new Set()).findings.map(
    ({ refused, what, changes }) => `${refused ? "❌" : "⚠️"} ${what}: ${changes.join("; ")}`,
  );
}
const changedTask = (change: object) => findingsOf(definitionOf({ ...TASK, ...change }));

describe("a state machine's definition that changes", () => {
  it.each<[what: string, change: object]>([
    ["no Catch", { Catch: undefined }],
    ["an empty Catch", { Catch: [] }],
  ])("to %s is refused: its execution fails", (_, change) => {
    expect(changedTask(change)).toEqual([
      "❌ no longer catches an error: its execution fails: Read.Catch: States.ALL → nothing",
    ]);
  });

  it.each<[what: string, change: object, lost: string]>([
    ["no Retry", { Retry: undefined }, "Throttled, States.Timeout, Slow → nothing"],
    ["an empty Retry", { Retry: [] }, "Throttled, States.Timeout, Slow → nothing"],
    [
      "a Retry of fewer errors",
      { Retry: [{ ErrorEquals: ["States.TaskFailed"], MaxAttempts: 4 }] },
      "States.Timeout → States.TaskFailed",
    ],
    [
      "a Retry without attempts",
      {
        Retry: [
          { ErrorEquals: ["Throttled"], MaxAttempts: 0 },
          { ErrorEquals: ["States.ALL"], MaxAttempts: 0 },
        ],
      },
      "Throttled, States.Timeout, Slow → nothing",
    ],
  ])("to %s is refused: errors are not retried", (_, change, lost) => {
    expect(changedTask(change)).toEqual([`❌ no longer retries after an error: Read.Retry: ${lost}`]);
  });

  it("to fewer attempts, less time, fewer tolerated failures or without a state is a warning", () => {
    expect(changedTask({ Retry: [{ ErrorEquals: ["States.ALL"], MaxAttempts: 3 }] })).toEqual([
      "⚠️ gives up on errors earlier: Read.Retry.MaxAttempts: 4 → 3",
    ]);
    expect(changedTask({ Retry: [{ ErrorEquals: ["Throttled", "States.Timeout", "Slow"], MaxAttempts: 2 }] })).toEqual([
      "⚠️ gives up on errors earlier: Read.Retry.MaxAttempts: 4 → 2; Read.Retry.MaxAttempts: 3 → 2",
    ]);
    expect(changedTask({ TimeoutSeconds: 30, HeartbeatSeconds: 10 })).toEqual([
      "⚠️ ends what takes longer than a shorter time: Read.TimeoutSeconds: 60 → 30",
      "⚠️ ends a task after a shorter silence: Read.HeartbeatSeconds: 20 → 10",
    ]);
    expect(changedTask({ TimeoutSeconds: undefined })).toEqual([
      "⚠️ has no limit of its time: an execution that hangs goes unnoticed: Read.TimeoutSeconds: 60 → nothing",
    ]);
    expect(findingsOf(definitionOf(TASK, { TimeoutSeconds: 600, States: { Fail: { Type: "Fail" } } }))).toEqual([
      "⚠️ ends what takes longer than a shorter time: TimeoutSeconds: 3600 → 600",
      "⚠️ no longer has a state: what it did is not done: Scan; Read",
    ]);
    const { Scan, Fail } = definitionOf(TASK).States;
    expect(findingsOf(definitionOf(TASK, { States: { Scan: { ...Scan, ToleratedFailureCount: 0 }, Fail } }))).toEqual([
      "⚠️ fails at fewer failed items: Scan.ToleratedFailureCount: 5 → 0",
    ]);
  });

  it("to one that does not reach a state, or does nothing in it, is a warning", () => {
    const { Scan, Fail } = definitionOf(TASK).States;
    expect(findingsOf(definitionOf(TASK, { StartAt: "Fail" }))).toEqual([
      "⚠️ no longer has a state: what it did is not done: Scan; Read",
    ]);
    expect(
      findingsOf(definitionOf(TASK, { StartAt: "Skip", States: { Skip: { Type: "Pass", Next: "Fail" }, Scan, Fail } })),
    ).toEqual(["⚠️ no longer has a state: what it did is not done: Scan; Read"]);
    const { Retry, Catch, TimeoutSeconds, HeartbeatSeconds } = TASK;
    expect(changedTask({ Type: "Pass", Resource: undefined, Retry, Catch, TimeoutSeconds, HeartbeatSeconds })).toEqual([
      "⚠️ no longer does its work: Read.Type: Task → Pass",
    ]);
  });

  it("to one with other names is judged by what its states do", () => {
    const { Scan, Fail } = definitionOf(TASK).States;
    const renamed = (read: object) => ({
      ...definitionOf(TASK),
      StartAt: "ScanAll",
      States: {
        ScanAll: { ...Scan, Next: "End", ItemProcessor: { StartAt: "ReadOne", States: { ReadOne: read } } },
        End: Fail,
      },
    });
    const read = { ...TASK, Catch: [{ ErrorEquals: ["States.ALL"], Next: "End" }], Next: "End" };
    expect(findingsOf(renamed(read))).toEqual([]);
    expect(findingsOf(renamed({ ...read, Catch: [] }))).toEqual([
      "❌ no longer catches an error: its execution fails: Read.Catch: States.ALL → nothing",
    ]);
    expect(findingsOf(renamed({ ...read, Resource: "arn:other" }))).toEqual([
      "⚠️ no longer has a state: what it did is not done: Scan; Read",
    ]);
  });

  it("to more of each is none", () => {
    expect(
      changedTask({
        TimeoutSeconds: 90,
        HeartbeatSeconds: "{% $seconds %}",
        Retry: [{ ErrorEquals: ["States.ALL"], MaxAttempts: 5 }],
        Catch: [{ ErrorEquals: ["Known"], Next: "Fail" }, ...TASK.Catch],
      }),
    ).toEqual([]);
  });

  it("to what is known after the apply is read from its expression, and is a warning where there is none", () => {
    expect(findingsOf(null)).toEqual(["⚠️ gets a definition that is known after the apply only: (known after apply)"]);
    const definition = JSON.stringify(definitionOf({ ...TASK, Resource: "${aws_lambda_function.f.arn}", Catch: [] }));
    const resources = [
      { address: "aws_sfn_state_machine.export", expressions: { definition: { constant_value: definition } } },
    ];
    const configuration = { root_module: { module_calls: { exports: { module: { resources } } } } };
    expect(findingsOf(null, definitionOf(TASK), { configuration })).toEqual([
      "❌ no longer catches an error: its execution fails: Read.Catch: States.ALL → nothing",
    ]);
  });
});
