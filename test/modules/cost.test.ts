/** What the environments of main.ts cost and create, from what is synthesized. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { estimate, type Estimate } from "../../scripts/cost/estimate";
import { METRICS_ON_USE } from "../../scripts/cost/metrics-on-use";
import { readStackResources } from "../../scripts/terraform/stack-resources";
import { synthesizeStacks } from "../../scripts/terraform/synthesize";

const outputDirectory = mkdtempSync(join(tmpdir(), "almanac-cost-"));
afterAll(() => {
  rmSync(outputDirectory, { recursive: true });
});

let stacks: string;
beforeAll(async () => {
  ({ folder: stacks } = await synthesizeStacks({ outputDirectory, personal: "alice" }));
});

async function estimateOf(environment: string): Promise<Estimate> {
  return estimate(await readStackResources(join(stacks, environment)));
}

describe("staging as it is shipped", () => {
  it("costs $5 a month at most when it is idle, in any region", async () => {
    const { idle, most } = await estimateOf("staging");
    expect(idle.map(({ what }) => what)).toContain("almanac-staging-heartbeats-check: 8,640 runs, rate(5 minutes)");
    expect(most).toBeLessThanOrEqual(5);
  });

  it.each(["local", "staging", "production"])(
    "has nothing in it whose price is not known, and neither has %s",
    async (environment) => {
      expect((await estimateOf(environment)).unknown).toEqual([]);
    },
  );
});

/** The environment that a row of a document describes: staging has no schedules. */
const environmentWith = (feature: string) => (feature === "schedules" ? "local" : "staging");

it("costs what docs/costs.md says", async () => {
  const document = readFileSync("docs/costs.md", "utf8");
  const { total, listed } = await estimateOf("staging");
  expect(document).toContain(`**$${total.toFixed(2)}** a month idle, or $${listed.toFixed(2)} at list price`);
  const rows = [...document.matchAll(/^\| (?:\[(\w+)\]|The environment).*?\| +\$([\d.]+) \|/gm)];
  expect(rows).toHaveLength(7);
  for (const [, name = "", dollars] of rows) {
    const feature = name.toLowerCase();
    const { idle } = await estimateOf(environmentWith(feature));
    const own = idle.filter(({ module }) => module === feature).reduce((sum, line) => sum + line.listed, 0);
    expect([feature, own.toFixed(2)]).toEqual([feature, dollars]);
  }
});

it("costs what docs/heartbeats.md says, item by item", async () => {
  const { idle } = await estimateOf("staging");
  const lines = idle.filter(({ module }) => module === "heartbeats");
  const rows = [...readFileSync("docs/heartbeats.md", "utf8").matchAll(/^\| (.+?) +\| +\$([\d.]+) \|$/gm)];
  const documented = rows.map(([, what = "", dollars = ""]) => [
    /[\d,]+ (runs|alarms|custom metrics)|Together/.exec(what)?.[0],
    dollars,
  ]);
  const total = lines.reduce((sum, { listed }) => sum + listed, 0);
  expect(documented).toEqual([
    ...lines.map(({ what, listed }) => [/[\d,]+ (runs|alarms|custom metrics)/.exec(what)?.[0], listed.toFixed(2)]),
    ["Together", total.toFixed(2)],
  ]);
});

it("creates what docs/deploying.md says", async () => {
  const rows = [
    ...readFileSync("docs/deploying.md", "utf8").matchAll(/^\| (\w+) +((?:\| +\d* ){3}\| +[^|]+\| +\d+ )\|/gm),
  ];
  expect(rows).toHaveLength(6);
  for (const [, feature = "", cells = ""] of rows) {
    const resources = await readStackResources(join(stacks, environmentWith(feature)));
    const counts = ["dynamodb_table", "s3_bucket", "sqs_queue", "lambda_function", "cloudwatch_metric_alarm"].map(
      (type) => resources.filter((each) => each.module === feature && each.type === `aws_${type}`).length,
    );
    const documented = cells.split("|").slice(1);
    expect([feature, ...documented.map((cell) => Number(cell.replace("1 and one each", "2")))]).toEqual([
      feature,
      ...counts,
    ]);
  }
});

it("has every metric that only use brings about in local, which has all features", async () => {
  const stack = JSON.stringify(await readStackResources(join(stacks, "local")));
  expect([...METRICS_ON_USE].filter((metric) => !stack.includes(metric.split("/")[1] ?? metric))).toEqual([]);
});

it("costs no more for a personal environment than for staging", async () => {
  const [own, staging] = [await estimateOf("alice"), await estimateOf("staging")];
  expect(own.listed).toBeGreaterThan(0);
  expect(own.listed).toBeLessThanOrEqual(staging.listed);
});
