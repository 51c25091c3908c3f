/** `almanac review <environment>`: what a deployment would change, for the person who approves it. */
import { writeFile } from "node:fs/promises";
import { findStaleDeployments, type StaleDeployment } from "../terraform/removed-routes";
import {
  NotDeployedError,
  openForeignStack,
  openStack,
  withStackFolder,
  type OpenOptions,
} from "../environments/stack";
import { toMarkdown } from "../review/markdown";
import { digestOf } from "../review/digest";
import type { Plan } from "../review/plan";
import { planInto, readPlanFile } from "../review/planned";
import { isEmpty, isForbidden, reviewPlan } from "../review/report";
import {
  callersFile,
  callersFolder,
  DocumentedCommand,
  EXIT,
  EXIT_CODES,
  exitCodeOf,
  wholeNumber,
  withApp,
  withJson,
  type AppOptions,
  type JsonOption,
} from "../shared/terminal/command-line";
import { requireAccount } from "../terraform/account";
import { initWithKeptPlugins } from "../terraform/kept-plugins";
import { stateBucketExists } from "../terraform/state-bucket";
import { ensureTerraform, terraformInit } from "../terraform/terraform";
import { terminalText } from "../shared/terminal/plain-text";
import { planFileIn } from "../terraform/work-folder";

interface Options extends AppOptions, JsonOption {
  readonly plan?: string;
  readonly stack?: string;
  readonly allow: readonly string[];
  readonly out?: string;
  readonly approval?: string;
  readonly maxCharacters?: number;
  readonly drift: boolean;
}

export const command = () =>
  withJson(
    withApp(
      new DocumentedCommand({
        description:
          "Plans an environment, and writes what the plan means as Markdown: data that would be lost, exposure, identity, permissions, cost, changes. Changes nothing.",
        examples: [
          "npx almanac review staging",
          "npx almanac review production --out review.md --max-characters 65536",
        ],
        exitCodes: {
          [EXIT.dataLoss]: "data would be lost, something exposed, or an identity changed, that --allow does not name",
          [EXIT.drift]: EXIT_CODES[EXIT.drift] ?? "",
        },
      }),
    ),
  )
    .argument("<environment>", "declared in main.ts, or personal: staging, alice")
    .option("--plan <file>", "review this plan: the output of terraform plan -out or terraform show -json", callersFile)
    .option(
      "--stack <folder>",
      "review this synthesized stack of unreviewed code: cdktf.out/stacks/staging. No code of it runs",
      callersFolder,
    )
    .option("--allow <address...>", "resources that may lose their data, be exposed or change their identity", [])
    .option("--out <file>", "write the report to a file, not to standard output", callersFile)
    .option("--approval <file>", "write the plan's digest to a file, for deploy --approved", callersFile)
    .option("--max-characters <n>", "shorten the report; a GitHub comment has 65536", wholeNumber(100))
    .option("--drift", `exit code ${EXIT.drift} when anything would change, or was changed outside Terraform`, false)
    .action(exitCodeOf(run));

async function run(environment: string, options: Options): Promise<number> {
  const { plan: file, allow, out, approval, maxCharacters, drift, json } = options;
  const planned = await withStackFolder(async (own) => {
    const open = { ...options, ...own };
    if (file === undefined) return plan(environment, open);
    return { plan: await readPlanFile(file, () => openStack(environment, open)), stale: [] };
  });
  const report = reviewPlan(planned.plan, new Set(allow), planned.stale);
  if (approval !== undefined) await writeFile(approval, `${digestOf(planned.plan)}\n`);
  const text = json
    ? `${JSON.stringify({ environment, ...report })}\n`
    : toMarkdown(report, {
        environment,
        ...(maxCharacters !== undefined && { maxCharacters }),
        fold: out !== undefined || !process.stdout.isTTY,
      });
  if (out === undefined) process.stdout.write(terminalText(text));
  else await writeFile(out, text);
  if (isForbidden(report)) return EXIT.dataLoss;
  const drifted = !isEmpty(report) || report.drift.length > 0 || report.findings.length > 0;
  return drift && drifted ? EXIT.drift : EXIT.ok;
}

/** Reports progress on standard error: the report goes to standard output. */
async function plan(
  environment: string,
  { stack: foreign, ...options }: Options & OpenOptions,
): Promise<{ readonly plan: Plan; readonly stale: readonly StaleDeployment[] }> {
  console.error(foreign === undefined ? "Synthesize the stack ..." : "Check the stack ...");
  const stack = await (foreign === undefined
    ? openStack(environment, options)
    : openForeignStack(environment, foreign, options));
  await requireAccount(stack.directory);
  if (!(await stateBucketExists(stack.directory))) {
    throw new NotDeployedError(
      `${environment} has no state to compare with yet. Create its bucket: npx almanac bootstrap ${environment}`,
    );
  }
  await ensureTerraform({ yes: false, signal: options.signal });
  console.error("Terraform init ...");
  await (foreign === undefined ? initWithKeptPlugins : terraformInit)(stack.terraform);
  console.error("Terraform plan ...");
  const [planned, stale] = await Promise.all([
    planInto(planFileIn(options.folder), stack.terraform, console.error, { locked: false }),
    findStaleDeployments(stack.directory),
  ]);
  return { plan: planned, stale };
}
