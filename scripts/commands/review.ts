/** `npm run review -- <environment>`: what a deployment would change, for whoever has to approve it. */
import { writeFile } from "node:fs/promises";
import { resolve } from "node:path";
import { InvalidArgumentError } from "commander";
import { NotDeployedError, openStack, type DeployedOptions } from "../environments/deployed";
import { DEFAULT_HOME } from "../emulator/home";
import { describeError, EXIT, npmCommand } from "../shared/command-line";
import { stateBucketExists } from "../terraform/state-bucket";
import { terraformInit } from "../terraform/terraform";
import { toMarkdown } from "../review/markdown";
import { planInto, readPlanFile, withPlanFile } from "../review/planned";
import type { Plan } from "../review/plan";
import { forbiddenLoss, isEmpty, reviewPlan } from "../review/report";

interface Options extends DeployedOptions {
  readonly plan?: string;
  readonly allow: readonly string[];
  readonly out?: string;
  readonly maxCharacters?: number;
  readonly drift: boolean;
}

const command = npmCommand(
  "npm run review --",
  "Plans an environment, and writes what the plan means as Markdown: data that would be lost, permissions, cost, changes. Changes nothing.",
)
  .argument("<environment>", "as main.ts names it, or your own: staging")
  .option("--plan <file>", "review this plan, as terraform plan -out or terraform show -json wrote it")
  .option("--allow <address...>", "resources that may lose their data", [])
  .option("--out <file>", "write the report there, and not on stdout")
  .option("--max-characters <n>", "shorten the report to that: a comment on GitHub has 65536", parseCount)
  .option("--drift", "exit code 5 when anything would change", false)
  .option("--app <file>", "the app that has the environment", "main.ts")
  .option("--home <folder>", "for local: the folder that was given to npm start", DEFAULT_HOME)
  .addHelpText("after", "\nExit code 4: data would be lost that --allow does not name.")
  .parse();

async function main(environment: string, options: Options): Promise<number> {
  const { plan: file, allow, out, maxCharacters, drift } = options;
  const report = reviewPlan(
    file === undefined
      ? await plan(environment, options)
      : await readPlanFile(resolve(file), () => openStack(environment, options)),
    new Set(allow),
  );
  const markdown = toMarkdown(report, {
    environment,
    ...(maxCharacters !== undefined && { maxCharacters }),
    fold: out !== undefined || !process.stdout.isTTY,
  });
  if (out === undefined) process.stdout.write(markdown);
  else await writeFile(out, markdown);
  if (forbiddenLoss(report).length > 0) return EXIT.dataLoss;
  return drift && !isEmpty(report) ? EXIT.drift : EXIT.ok;
}

/** Progress goes to stderr: stdout is the report's. */
async function plan(environment: string, options: DeployedOptions): Promise<Plan> {
  console.error("Synthesize the stack ...");
  const stack = await openStack(environment, options);
  if (!(await stateBucketExists(stack.directory))) {
    throw new NotDeployedError(
      `${environment} has no state to compare with yet. Make its bucket: npm run bootstrap -- ${environment}`,
    );
  }
  console.error("Terraform init ...");
  await terraformInit(stack.terraform);
  console.error("Terraform plan ...");
  return withPlanFile((file) => planInto(file, stack, console.error));
}

function parseCount(text: string): number {
  if (!/^[1-9]\d{2,}$/.test(text)) throw new InvalidArgumentError("A number of characters is 100 at least.");
  return Number(text);
}

main(command.args[0] ?? "", command.opts<Options>()).then(
  (code) => {
    process.exitCode = code;
  },
  (error: unknown) => {
    console.error(`npm run review: ${describeError(error)}`);
    process.exitCode = EXIT.failure;
  },
);
