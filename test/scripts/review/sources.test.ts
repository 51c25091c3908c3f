import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Expressions, parsePlan } from "../../../scripts/review/plan";
import { reviewPlan } from "../../../scripts/review/report";
import { withSources } from "../../../scripts/review/sources";
import { samplePlan } from "./sample-plan";

const folder = mkdtempSync(join(tmpdir(), "almanac-sources-"));
afterAll(() => {
  rmSync(folder, { recursive: true });
});

it("a module in HCL has its arguments and its blocks in the review, so that drift of both is found", async () => {
  mkdirSync(join(folder, "modules/bells"), { recursive: true });
  const table = { name: "bells", ttl: { attribute_name: "expires_at", enabled: true } };
  writeFileSync(join(folder, "cdk.tf.json"), JSON.stringify({ module: { bells: { source: "./modules/bells" } } }));
  writeFileSync(
    join(folder, "modules/bells/module.json"),
    JSON.stringify({ resource: { aws_dynamodb_table: { t: table } } }),
  );

  const address = "module.bells.aws_dynamodb_table.t";
  const before = { name: "bells", ttl: [{ attribute_name: "expires_at", enabled: true }], stream_label: "1" };
  const after = { ...before, ttl: [{ attribute_name: "expires_at", enabled: false }], stream_label: "2" };
  const { resource_changes } = JSON.parse(samplePlan([{ address, actions: ["update"], before, after }])) as {
    resource_changes: unknown;
  };
  // As Terraform shows it: of a module in HCL, only what it refers to.
  const configuration = { root_module: { module_calls: { bells: { expressions: {}, module: { resources: [] } } } } };
  const plan = await withSources(
    parsePlan(samplePlan([], { resource_drift: resource_changes, configuration })),
    folder,
  );

  expect(new Expressions(plan).of(address)).toEqual({ name: "bells" });
  expect(reviewPlan(plan, new Set()).drift).toMatchObject([{ address, values: [{ path: "ttl.0.enabled" }] }]);
});
