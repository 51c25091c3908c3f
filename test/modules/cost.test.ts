/** What the environments of main.ts cost, from what is synthesized. */
import { mkdtempSync, rmSync } from "node:fs";
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
  stacks = await synthesizeStacks({ outputDirectory, personal: "alice" });
}, 60_000);

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

it("has every metric that only use brings about in local, which has all features", async () => {
  const stack = JSON.stringify(await readStackResources(join(stacks, "local")));
  expect([...METRICS_ON_USE].filter((metric) => !stack.includes(metric.split("/")[1] ?? metric))).toEqual([]);
});

it("costs no more for a personal environment than for staging", async () => {
  const [own, staging] = [await estimateOf("alice"), await estimateOf("staging")];
  expect(own.listed).toBeGreaterThan(0);
  expect(own.listed).toBeLessThanOrEqual(staging.listed);
});
