/** Benchmark: the review of a large plan. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as z from "zod";
import { EXIT } from "../../shared/command-line";
import { ownEnvironment, runCommand } from "../../shared/run-command";
import { figure, figureAtMost, median, type Figure } from "./figure";

const RUNS = 5;
const RESOURCES = 200;

/** A real plan, which replaces, changes and adds: repeated under other module names until it has enough resources. */
const PLAN = "test/scripts/review/plans/first-job.json";

/** `npx almanac review <environment> --plan <file>` of a plan that changes 200 resources: the whole process, to the written report. */
export async function benchReview(): Promise<readonly Figure[]> {
  const folder = mkdtempSync(join(tmpdir(), "almanac-bench-"));
  try {
    const plan = join(folder, "plan.json");
    const { json, resources } = planOf(RESOURCES);
    writeFileSync(plan, json);
    const seconds: number[] = [];
    const report = join(folder, "report.md");
    for (let run = 0; run < RUNS; run += 1) seconds.push(await review(plan, report));
    return [
      figureAtMost("render_s", median(seconds), "s", 2),
      figure("resources", resources, ""),
      figure("plan", json.length / 1000, "kB"),
      figure("report", readFileSync(report).length / 1000, "kB"),
    ];
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** @returns seconds */
async function review(plan: string, report: string): Promise<number> {
  const began = performance.now();
  const command = ["scripts/launcher/almanac.mjs", "review", "bench", "--plan", plan, "--out", report];
  const { code, stderr } = await runCommand(process.execPath, command, { env: ownEnvironment() });
  // The plan would lose data.
  if (code !== EXIT.dataLoss) throw new Error(`npx almanac review ended with exit code ${code}:\n${stderr}`);
  return (performance.now() - began) / 1000;
}

const planSchema = z.looseObject({
  resource_changes: z.array(z.looseObject({ address: z.string() })),
  planned_values: z.looseObject({ root_module: z.looseObject({ child_modules: z.array(z.unknown()) }) }),
  prior_state: z.looseObject({
    values: z.looseObject({ root_module: z.looseObject({ child_modules: z.array(z.unknown()) }) }),
  }),
  configuration: z.looseObject({ root_module: z.looseObject({ module_calls: z.record(z.string(), z.unknown()) }) }),
});

function planOf(atLeast: number): { readonly json: string; readonly resources: number } {
  const plan = planSchema.parse(JSON.parse(readFileSync(PLAN, "utf8")));
  const copies = Math.ceil(atLeast / plan.resource_changes.length);
  const renamed = <T>(value: T, copy: number, parse: (renamed: unknown) => T): T =>
    parse(JSON.parse(JSON.stringify(value).replaceAll("module.heartbeats", `module.heartbeats${copy}`)));
  const each = Array.from({ length: copies }, (_, copy) => renamed(plan, copy, (value) => planSchema.parse(value)));
  const calls = each.map(({ configuration }, copy) => [
    `heartbeats${copy}`,
    configuration.root_module.module_calls["heartbeats"],
  ]);
  plan.resource_changes = each.flatMap(({ resource_changes }) => resource_changes);
  plan.planned_values.root_module.child_modules = each.flatMap(
    ({ planned_values }) => planned_values.root_module.child_modules,
  );
  plan.prior_state.values.root_module.child_modules = each.flatMap(
    ({ prior_state }) => prior_state.values.root_module.child_modules,
  );
  plan.configuration.root_module.module_calls = Object.fromEntries(calls) as Record<string, unknown>;
  return { json: JSON.stringify(plan), resources: plan.resource_changes.length };
}
