/** Benchmark: the review of a large plan. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as z from "zod";
import { EXIT } from "../../shared/terminal/command-line";
import { ownEnvironment, runCommand } from "../../shared/run-command";
import { figure, figureAtMost, median, type Figure } from "./figure";

const RUNS = 5;
/** Goals in seconds, by the number of changed resources. */
const GOALS = [
  { name: "render_s", atLeast: 200, seconds: 1 },
  { name: "render_2000_s", atLeast: 2_000, seconds: 3 },
] as const;

/** A real plan, which replaces, changes and adds: repeated under other names until it has enough resources. */
const PLAN = "test/scripts/review/plans/first-job.json";

/** `npx almanac review <environment> --plan <file>` of plans that change 200 and 2,000 resources: the whole process, to the written report. */
export async function benchReview(): Promise<readonly Figure[]> {
  const folder = mkdtempSync(join(tmpdir(), "almanac-bench-"));
  try {
    const figures: Figure[] = [];
    for (const goal of GOALS) figures.push(...(await measure(goal, folder)));
    return figures;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function measure(
  { name, atLeast, seconds: goal }: (typeof GOALS)[number],
  folder: string,
): Promise<readonly Figure[]> {
  const [plan, report] = [join(folder, "plan.json"), join(folder, "report.md")];
  const { json, resources } = planOf(atLeast);
  writeFileSync(plan, json);
  const seconds: number[] = [];
  for (let run = 0; run < RUNS; run += 1) seconds.push(await review(plan, report));
  return [
    figureAtMost(name, median(seconds), "s", goal),
    figure("resources", resources, ""),
    figure("plan", json.length / 1000, "kB"),
    figure("report", readFileSync(report).length / 1000, "kB"),
  ];
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
    // AWS has each name once.
    parse(JSON.parse(JSON.stringify(value).replaceAll(/(module\.|almanac-demo-)heartbeats/g, `$1heartbeats${copy}`)));
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
