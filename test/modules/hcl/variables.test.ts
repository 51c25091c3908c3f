/** Terraform checks a module's variables as zod checks main.ts. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as z from "zod";
import { terraform } from "../../../scripts/terraform/terraform";
import { EVERYTHING } from "../../support/everything";
import { synthesize } from "../../support/synthesized";

const { root, modules } = synthesize(EVERYTHING);
const variableSchema = z.looseObject({ type: z.string(), default: z.unknown().optional() });
const folder = mkdtempSync(join(tmpdir(), "almanac-variables-"));
afterAll(() => {
  rmSync(folder, { recursive: true });
});

/** What Terraform says of values of a module's variables; those that are left out have their defaults. */
async function check(feature: string, values: Readonly<Record<string, unknown>>): Promise<string> {
  const cwd = mkdtempSync(join(folder, `${feature}-`));
  writeFileSync(join(cwd, "main.tf.json"), JSON.stringify({ variable: modules[feature]?.variable }));
  writeFileSync(join(cwd, "terraform.tfvars.json"), JSON.stringify(values));
  return terraform(["plan", "-no-color"], { cwd }).catch((error: unknown) => String(error));
}

const variablesOf = (feature: string) =>
  Object.entries(modules[feature]?.variable ?? {}).map(([name, each]) => [name, variableSchema.parse(each)] as const);

/** The environment's values, references as texts. */
function valuesOf(feature: string, { withDefaults }: { readonly withDefaults: boolean }) {
  const given = root.module[feature] ?? {};
  const names = variablesOf(feature).filter(([, each]) => !withDefaults || each.default === undefined);
  return Object.fromEntries(names.map(([name]) => [name, given[name]]));
}

it.each(Object.keys(modules))("%s: takes the environment's values, and has defaults that it takes", async (feature) => {
  expect(await check(feature, valuesOf(feature, { withDefaults: false }))).toContain("No changes");
  expect(await check(feature, valuesOf(feature, { withDefaults: true }))).toContain("No changes");
});

const target = { name: "site", url: "https://example.org/" };
it.each<[string, Readonly<Record<string, unknown>>, string]>([
  ["timers", { shards: 0 }, "shards: is not a whole number from 1 to 1000"],
  ["timers", { shards: 1.5 }, "shards: is not a whole number"],
  ["timers", { app: "Almanac" }, "app: does not match"],
  ["workflows", { task_keep_days: 4_000 }, "task_keep_days: is not a whole number from 1 to 3650"],
  [
    "heartbeats",
    { targets: [target, { ...target, timeoutSeconds: 61 }] },
    "targets[*].timeoutSeconds: is not a number",
  ],
  ["heartbeats", { targets: [{ ...target, timeout: 5 }] }, "targets[*]: has a field that is none of name, url"],
  ["heartbeats", { targets: [{ name: "site" }] }, "targets[*]: needs name, url"],
  ["heartbeats", { targets: [{ ...target, private: "no" }] }, "targets[*].private: is not true or false"],
  ["heartbeats", { targets: [{ ...target, method: "TRACE" }] }, "targets[*].method: is none of GET, HEAD"],
  ["heartbeats", { targets: [{ ...target, name: "Site" }] }, "targets[*].name: does not match"],
  ["pipelines", { pipelines: { JobOrder: { key: "/id" } } }, "pipelines: a name does not match"],
  ["pipelines", { pipelines: { jobOrder: { key: "id" } } }, "pipelines[*].key: does not match"],
])("%s: refuses %j", async (feature, wrong, message) => {
  const said = await check(feature, { ...valuesOf(feature, { withDefaults: false }), ...wrong });
  expect(said.replace(/\s+/g, " ")).toContain(message);
});
