import { graphOf } from "../../../scripts/console/architecture/graph";
import { drawingsOf, layOut } from "../../../scripts/console/architecture/layout";
import { consoleResources } from "../../support/console-resources";

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

  it("names the webhooks of Slack, and not which pipeline has which", () => {
    expect(graph.nodes.flatMap(({ kind, detail }) => (kind === "slack" ? [detail] : []))).toContain(
      "/almanac/slack/orders",
    );
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

  it("has its lines within its bounds, also those that lead around nodes", () => {
    const ids = ["configuration", "check", "api", "keep", "state", "publish"];
    const edges = [
      ["configuration", "publish"],
      ["configuration", "check"],
      ["configuration", "api"],
      ["keep", "state"],
      ["api", "state"],
      ["check", "state"],
      ["state", "publish"],
      ["check", "publish"],
    ].map(([from = "", to = ""]) => ({ from, to }));
    for (const order of [ids, ids.toReversed()]) {
      const sizeOf = (id: string) => ({ width: 60, height: id === "configuration" ? 12 : 42 });
      const { height, lines, nodes } = layOut(order, edges, { direction: "LR", sizeOf });
      for (const { y } of lines.flat()) expect([y >= 10, y <= height - 10]).toEqual([true, true]);
      for (const { y } of nodes.values()) expect(y).toBeLessThan(height);
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
    expect(layOut([], [], { direction: "LR", sizeOf: () => ({ width: 1, height: 1 }) }).lines).toEqual([]);
  });
});
