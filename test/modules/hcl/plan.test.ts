/** The modules in HCL and in JSON, planned by Terraform with the AWS provider. */
import { cpSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { App } from "cdktf";
import * as z from "zod";
import { Environment } from "../../../modules/environment";
import { offlineAws, type OfflineAws } from "../../../scripts/dev/record-plans/offline";
import { terraform } from "../../../scripts/terraform/terraform";
import { Expressions, parsePlan } from "../../../scripts/review/plan";
import { withSources } from "../../../scripts/review/sources";
import { EVERYTHING } from "../../support/everything";

const output = mkdtempSync(join(tmpdir(), "almanac-plans-"));
const stack = join(output, "stacks", "staging");
const modules = join(stack, "modules");

const rootSchema = z.looseObject({
  module: z.record(z.string(), z.looseObject({ source: z.string() })),
  output: z.record(z.string(), z.looseObject({ value: z.string() })),
});
const planSchema = z.object({
  planned_values: z.object({
    root_module: z.object({
      child_modules: z.array(z.looseObject({ address: z.string() })),
    }),
  }),
  resource_changes: z.array(
    z.looseObject({
      address: z.string(),
      module_address: z.string().optional(),
    }),
  ),
  output_changes: z.record(z.string(), z.unknown()),
});

let aws: OfflineAws;

beforeAll(async () => {
  const app = new App({ outdir: output });
  new Environment(app, "staging", { region: "eu-central-1", ...EVERYTHING });
  app.synth();
  aws = await offlineAws();
  aws.use(stack);
  addJson();
});
afterAll(async () => {
  await aws.close();
  rmSync(output, { recursive: true });
});

/** One plan for both: the root calls each module a second time, as JSON. */
function addJson(): void {
  const file = join(stack, "cdk.tf.json");
  const root = rootSchema.parse(JSON.parse(readFileSync(file, "utf8")));
  for (const [name, call] of Object.entries(root.module)) {
    const folder = join(stack, "json", name);
    mkdirSync(folder, { recursive: true });
    cpSync(join(modules, name, "assets"), join(folder, "assets"), {
      recursive: true,
    });
    cpSync(join(modules, name, "module.json"), join(folder, "main.tf.json"));
    root.module[`json_${name}`] = { ...call, source: `./json/${name}` };
    root.output[`json_${name}`] = { value: `\${module.json_${name}}` };
  }
  writeFileSync(file, JSON.stringify(root));
}

/** What a review reads: texts, such as policies. */
const textsOf = (values: unknown) =>
  Object.fromEntries(Object.entries(values as object).filter(([, value]) => typeof value === "string"));

it("has the formatting of terraform fmt", async () => {
  expect(await terraform(["fmt", "-diff", "-recursive"], { cwd: modules })).toBe("");
});

it("has the plan of the JSON: values, changes, outputs and dependencies, to the last attribute", async () => {
  const options = { cwd: stack };
  await terraform(["init", "-no-color"], options);
  await terraform(["plan", "-no-color", "-refresh=false", "-out=plan"], options);
  const shown = await terraform(["show", "-json", "plan"], options);
  const plan = planSchema.parse(JSON.parse(shown));
  const graph = (await terraform(["graph", "-plan=plan"], options))
    .split("\n")
    .filter((line) => !line.includes("aws_cloudwatch_dashboard")); // reads the outputs of the HCL only

  const isJson = (value: unknown) => JSON.stringify(value).includes("json_");
  const asHcl = (json: unknown): unknown =>
    JSON.parse(JSON.stringify(json).replaceAll("json_", "").replaceAll("json/", "modules/"));
  for (const name of readdirSync(modules)) {
    const isModule = (address = "") => [`module.${name}`, `module.json_${name}`].includes(address);
    const values = plan.planned_values.root_module.child_modules.filter(({ address }) => isModule(address));
    expect(values.filter((each) => !isJson(each))).toEqual(asHcl(values.filter(isJson)));
    const changes = plan.resource_changes.filter(({ module_address: address }) => isModule(address));
    expect(changes.length).toBeGreaterThan(50);
    expect(changes.filter((each) => !isJson(each))).toEqual(asHcl(changes.filter(isJson)));
    const written = new Expressions(await withSources(parsePlan(shown), stack));
    for (const { address } of changes.filter((each) => !isJson(each))) {
      const inJson = address.replace(`module.${name}.`, `module.json_${name}.`);
      expect({ address, ...textsOf(written.of(address)) }).toEqual({
        address,
        ...textsOf(asHcl(written.of(inJson))),
      });
    }
    expect(plan.output_changes[name]).toEqual(plan.output_changes[`json_${name}`]);
    const arrows = graph.filter((line) => new RegExp(`module\\.(json_)?${name}\\.`).test(line));
    expect(arrows.length).toBeGreaterThan(50);
    expect(arrows.filter((line) => !isJson(line)).sort()).toEqual(arrows.filter(isJson).map(asHcl).sort());
  }
});

it("has the same files in each module, and one for each service that only some use", () => {
  const common = [
    ...["NOTICE", "alarms.tf", "assets", "events.tf", "functions.tf", "iam.tf", "main.tf", "module.json"],
    ...["outputs.tf", "queues.tf", "storage.tf", "variables.tf", "versions.tf"],
  ];
  const filesOf = (...others: readonly string[]) => [...common, ...others].sort();
  const files = readdirSync(modules).map((name) => [name, readdirSync(join(modules, name)).sort()] as const);
  expect(Object.fromEntries(files)).toEqual({
    exports: filesOf("catalog.tf", "state-machines.tf"),
    heartbeats: filesOf("api.tf", "cdn.tf"),
    pipelines: filesOf("api.tf"),
    schedules: filesOf(),
    timers: filesOf("api.tf"),
    workflows: filesOf("api.tf", "state-machines.tf"),
  });
});
