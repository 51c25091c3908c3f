/** `node scripts/launcher/dev.mjs record-plans`: plans of today's stacks, for the tests of reviews and their benchmark. */
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { EnvironmentInput } from "../../../modules/environment";
import { writeStack } from "../../../test/support/synthesized";
import { describeError } from "../../shared/terminal/errors";
import { EXIT } from "../../shared/terminal/command-line";
import { parsePlan } from "../../review/plan";
import { withSources } from "../../review/sources";
import { terraform } from "../../terraform/terraform";
import { appliedState, isEmpty } from "./applied-state";
import { offlineAws } from "./offline";
import { SCENARIOS } from "./scenarios";
import { trimPlan } from "./trim-plan";

const ENVIRONMENT = "demo";
const PLANS = "test/scripts/review/plans";

/** Each round makes known what depends on what the round before it has made known. */
const MAX_ROUNDS = 8;

async function main(): Promise<void> {
  const aws = await offlineAws();
  const folder = mkdtempSync(join(tmpdir(), "almanac-plans-"));
  const planOf = async (input: EnvironmentInput, state?: string): Promise<string> => {
    const stack = writeStack(folder, ENVIRONMENT, input);
    aws.use(stack);
    return plan(stack, state);
  };
  try {
    const deployed = new Map<EnvironmentInput, string>();
    for (const [name, { before, older, after }] of Object.entries(SCENARIOS)) {
      if (before !== undefined && !deployed.has(before)) deployed.set(before, await deploy(before, planOf));
      const unchanged = before && deployed.get(before);
      const recorded = await planOf(after, unchanged && appliedState(unchanged, older));
      writeFileSync(
        join(PLANS, `${name}.json`),
        `${trimPlan(await withSources(parsePlan(recorded), join(folder, "stacks", ENVIRONMENT)))}\n`,
      );
      console.log(`${name}: recorded in ${PLANS}`);
    }
  } finally {
    await aws.close();
    rmSync(folder, { recursive: true });
  }
  console.log("Their reports: UPDATE_REPORTS=1 npx jest test/scripts/review/reports");
}

/**
 * As if a configuration were applied.
 *
 * @returns the plan after it, which has no changes
 */
async function deploy(
  input: EnvironmentInput,
  planOf: (input: EnvironmentInput, state?: string) => Promise<string>,
): Promise<string> {
  let state: string | undefined;
  for (let round = 0; round < MAX_ROUNDS; round += 1) {
    const next = await planOf(input, state);
    if (isEmpty(next)) return next;
    state = appliedState(next);
  }
  throw new Error(`The deployed environment still has changes after ${MAX_ROUNDS} plans`);
}

async function plan(stack: string, state?: string): Promise<string> {
  const options = { cwd: stack };
  rmSync(join(stack, "terraform.tfstate"), { force: true });
  if (state !== undefined) writeFileSync(join(stack, "terraform.tfstate"), state);
  if (!existsSync(join(stack, ".terraform"))) await terraform(["init", "-no-color"], options);
  await terraform(["plan", "-no-color", "-refresh=false", "-lock=false", "-out=plan"], options);
  return terraform(["show", "-json", "plan"], options);
}

main().catch((error: unknown) => {
  console.error(`record-plans: ${describeError(error)}`);
  process.exitCode = EXIT.failure;
});
