import { graphOf } from "../../../scripts/console/architecture/graph";
import { drawingsOf, layOut } from "../../../scripts/console/architecture/layout";
import { machineView } from "../../../scripts/console/architecture/machine";
import { consoleResources, TASK_MACHINE } from "../../support/console-resources";

const graph = graphOf(consoleResources(), "almanac-local-");
const nameOf = (id: string) => {
  const node = graph.nodes.find((each) => each.id === id);
  return node === undefined ? id : `${node.feature}/${node.kind} ${node.label}`;
};

describe("the architecture", () => {
  it("has what calls, reads and writes what, from the deployed resources", () => {
    const edges = graph.edges.map(({ from, to, label }) => `${nameOf(from)} -> ${nameOf(to)}: ${label}`).sort();
    expect(edges).toMatchSnapshot();
  });

  it("has one schedule for rules that do the same, and no dead-letter queues", () => {
    const labels = graph.nodes
      .filter(({ feature }) => feature === "timers")
      .map(({ kind, label }) => `${kind} ${label}`);
    expect(labels.filter((label) => label.startsWith("schedule"))).toEqual(["schedule dispatch-0"]);
    expect(labels.filter((label) => label.includes("dlq"))).toEqual([]);
  });

  it("is drawn within its bounds, without two nodes in one place", () => {
    for (const { feature, width, height, nodes, edges } of drawingsOf(graph, ["heartbeats", "timers", "exports"])) {
      expect(edges.length).toBeGreaterThan(2);
      for (const [index, one] of nodes.entries()) {
        const right = one.x + one.width / 2;
        const bottom = one.y + one.height / 2;
        expect([feature, one.x - one.width / 2 >= 0, right <= width, bottom <= height]).toEqual([
          feature,
          true,
          true,
          true,
        ]);
        for (const other of nodes.slice(index + 1)) {
          const apart =
            Math.abs(one.x - other.x) >= (one.width + other.width) / 2 ||
            Math.abs(one.y - other.y) >= (one.height + other.height) / 2;
          expect([one.label, other.label, apart]).toEqual([one.label, other.label, true]);
        }
      }
    }
  });

  it("survives resources that are not as expected", () => {
    const odd = {
      address: "module.x.aws_iam_role_policy.y",
      module: "x",
      type: "aws_iam_role_policy",
      values: { policy: "{", role: 7 },
    };
    const lambda = { address: "module.x.aws_lambda_function.y", module: "x", type: "aws_lambda_function", values: {} };
    expect(graphOf([odd, lambda], "almanac-local-").nodes.map(({ label }) => label)).toEqual(["x"]);
    expect(layOut([], [], { direction: "LR", sizeOf: () => ({ width: 1, height: 1 }) }).paths).toEqual([]);
  });
});

describe("a state machine", () => {
  const at = (index: number) => Date.parse("2026-11-21T07:00:00Z") + index * 1_000;

  it("shows the current state, those before it with input and output, and the transitions taken", () => {
    const { states, edges } = machineView(TASK_MACHINE, [
      { type: "ExecutionStarted", at: at(0) },
      { type: "TaskStateEntered", at: at(1), state: "RecordStart", input: '{"a":1}' },
      { type: "TaskStateExited", at: at(2), state: "RecordStart", output: '{"b":2}' },
      { type: "WaitStateEntered", at: at(3), state: "Pause", input: '{"b":2}' },
    ]);
    const shown = Object.fromEntries(states.map((state) => [state.name, state]));
    expect(shown["RecordStart"]).toMatchObject({
      status: "succeeded",
      input: '{"a":1}',
      output: '{"b":2}',
      entered: 1,
    });
    expect(shown["Pause"]).toMatchObject({ status: "current", enteredAt: "2026-11-21T07:00:03.000Z" });
    expect(shown["Work"]).toMatchObject({ status: "idle", entered: 0 });
    expect(edges.filter(({ isTaken }) => isTaken).map(({ from, to }) => [from, to])).toEqual([
      ["RecordStart", "Pause"],
    ]);
    expect(edges.filter(({ isCatch }) => isCatch).map(({ to }) => to)).toContain("RecordTimeout");
  });

  it("shows the state in which an execution ended as failed, with the reason, and a caught error as passed on", () => {
    const { states } = machineView(TASK_MACHINE, [
      { type: "TaskStateEntered", at: at(1), state: "Work" },
      { type: "LambdaFunctionFailed", at: at(2), error: "PaymentRefused", cause: "no funds" },
      { type: "TaskStateExited", at: at(3), state: "Work" },
      { type: "TaskStateEntered", at: at(4), state: "RecordFailure" },
      { type: "ExecutionAborted", at: at(5), error: "Cancelled", cause: "the task was cancelled" },
    ]);
    const shown = Object.fromEntries(states.map((state) => [state.name, state]));
    expect(shown["Work"]).toMatchObject({ status: "failed", error: "PaymentRefused: no funds" });
    expect(shown["RecordFailure"]).toMatchObject({ status: "failed", error: "Cancelled: the task was cancelled" });
  });

  it("that is not JSON, or has no states, is empty", () => {
    for (const definition of ["{", "{}", '{"States": 7}']) expect(machineView(definition, []).states).toEqual([]);
  });
});
