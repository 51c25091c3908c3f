import { machineView } from "../../../scripts/console/architecture/machine";
import { historyOf } from "../../support/machine-history";
import { NESTED_MACHINE, TASK_MACHINE } from "../../support/console-resources";

const shownIn = (definition: string, events: ReturnType<typeof historyOf>) => {
  const { states, edges, ...size } = machineView(definition, events);
  const taken = edges.filter(({ isTaken }) => isTaken).map(({ from, to }) => `${from} -> ${to}`);
  return { states, size, edges, taken, byName: Object.fromEntries(states.map((state) => [state.name, state])) };
};

describe("a state machine", () => {
  it("shows the current state, those before it with input and output, and the transitions taken", () => {
    const { byName, edges, taken } = shownIn(
      TASK_MACHINE,
      historyOf([
        ["ExecutionStarted"],
        ["TaskStateEntered", { state: "RecordStart", input: '{"a":1}' }],
        ["TaskStateExited", { state: "RecordStart", output: '{"b":2}' }],
        ["WaitStateEntered", { state: "Pause", input: '{"b":2}' }],
      ]),
    );
    expect(byName["RecordStart"]).toMatchObject({
      ...{ status: "succeeded", input: '{"a":1}', output: '{"b":2}', entered: 1 },
    });
    expect(byName["Pause"]).toMatchObject({ status: "current", enteredAt: "2026-11-21T07:00:03.000Z" });
    expect(byName["Work"]).toMatchObject({ status: "idle", entered: 0 });
    expect(taken).toEqual(["RecordStart -> Pause"]);
    expect(edges.filter(({ isCatch }) => isCatch).map(({ to }) => to)).toContain("RecordTimeout");
  });

  it("shows the state in which an execution ended as failed, with the reason, and a caught error as passed on", () => {
    const { byName } = shownIn(
      TASK_MACHINE,
      historyOf([
        ["TaskStateEntered", { state: "Work" }],
        ["LambdaFunctionFailed", { error: "PaymentRefused", cause: "no funds" }],
        ["TaskStateExited", { state: "Work" }],
        ["TaskStateEntered", { state: "RecordFailure" }],
        ["ExecutionAborted", { error: "Cancelled", cause: "the task was cancelled" }],
      ]),
    );
    expect(byName["Work"]).toMatchObject({ status: "failed", error: "PaymentRefused: no funds" });
    expect(byName["RecordFailure"]).toMatchObject({ status: "failed", error: "Cancelled: the task was cancelled" });
  });

  it("shows a state as succeeded whose retry has", () => {
    const { byName } = shownIn(
      TASK_MACHINE,
      historyOf([
        ["TaskStateEntered", { state: "Work" }],
        ["TaskFailed", { error: "Throttled" }],
        ["TaskScheduled"],
        ["TaskSucceeded"],
        ["TaskStateExited", { state: "Work", output: "1" }],
      ]),
    );
    expect(byName["Work"]).toMatchObject({ status: "succeeded", output: "1" });
    expect(byName["Work"]?.error).toBeUndefined();
  });

  it("that is not JSON, or has no states, is empty", () => {
    for (const definition of ["{", "{}", '{"States": 7}']) expect(machineView(definition, []).states).toEqual([]);
  });
});

describe("a machine within a machine", () => {
  /** Charge runs while two items are shipped, one of which has arrived. */
  const running = historyOf([
    ["PassStateEntered", { state: "Prepare" }],
    ["PassStateExited", { state: "Prepare" }],
    ["ParallelStateEntered", { state: "Both" }],
    ["TaskStateEntered", { state: "Charge", after: 3 }],
    ["MapStateEntered", { state: "Each item", after: 3 }],
    ["TaskStateEntered", { state: "Ship", after: 5, input: "1" }],
    ["TaskStateEntered", { state: "Ship", after: 5, input: "2" }],
    ["TaskSucceeded", { after: 6 }],
    ["TaskStateExited", { state: "Ship", after: 8, output: "one" }],
    ["TaskFailed", { after: 4, error: "NoFunds" }],
  ]);

  it("is drawn within the bounds of its group, apart from its other branches", () => {
    const { byName, size, states } = shownIn(NESTED_MACHINE, []);
    const bounds = (name: string) => {
      const { x = 0, y = 0, width = 0, height = 0 } = byName[name] ?? {};
      return { left: x - width / 2, right: x + width / 2, top: y - height / 2, bottom: y + height / 2 };
    };
    const outer: readonly (readonly [string, string])[] = [
      ["Charge", "Both"],
      ["Receipt", "Both"],
      ["Each item", "Both"],
      ["Ship", "Each item"],
    ];
    for (const [name, group] of outer) {
      const [inner, around] = [bounds(name), bounds(group)];
      expect([name, inner.left > around.left, inner.right < around.right]).toEqual([name, true, true]);
      expect([name, inner.top > around.top, inner.bottom < around.bottom]).toEqual([name, true, true]);
    }
    expect(bounds("Charge").right).toBeLessThan(bounds("Each item").left);
    expect(bounds("Both").right).toBeLessThanOrEqual(size.width);
    expect(bounds("Done").bottom).toBeLessThanOrEqual(size.height);
    expect(states.filter(({ isGroup }) => isGroup).map(({ name }) => name)).toEqual(["Both", "Each item"]);
    const order = states.map(({ name }) => name);
    expect(order.indexOf("Both")).toBeLessThan(order.indexOf("Charge"));
  });

  it("has its own current states, failures and transitions, although its branches run side by side", () => {
    const { byName, taken } = shownIn(NESTED_MACHINE, running);
    const statuses = Object.fromEntries(Object.entries(byName).map(([name, { status }]) => [name, status]));
    expect(statuses).toEqual({
      ...{ Prepare: "succeeded", Both: "current", Charge: "current", Receipt: "idle", "Each item": "current" },
      ...{ Ship: "current", Undo: "idle", Done: "idle" },
    });
    expect(byName["Charge"]).toMatchObject({ error: "NoFunds" });
    expect(byName["Ship"]).toMatchObject({ entered: 2, output: "one" });
    expect(taken).toEqual(["Prepare -> Both"]);
  });

  it("is at an end when its group is, also where a failed branch has stopped another", () => {
    const { byName, taken } = shownIn(
      NESTED_MACHINE,
      historyOf(
        [
          ["ParallelStateExited", { state: "Both", after: 3, output: "{}" }],
          ["TaskStateEntered", { state: "Undo" }],
        ],
        running,
      ),
    );
    const statuses = Object.fromEntries(Object.entries(byName).map(([name, { status }]) => [name, status]));
    expect(statuses).toMatchObject({ Charge: "failed", "Each item": "failed", Ship: "failed", Undo: "current" });
    expect(taken).toEqual(["Prepare -> Both", "Both -> Undo"]);
  });
});
