/** Plans an environment, for a review or for a deployment. */
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { terraformInit, terraformPlan, terraformShowPlan, type TerraformOptions } from "../terraform/terraform";
import { parsePlan, type Plan } from "./plan";
import { withSources } from "./sources";

/** Calls `use` with a file that only this user can read, and deletes it afterwards: a plan contains the state's values. */
export async function withPlanFile<T>(use: (file: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), "almanac-plan-"));
  try {
    return await use(join(folder, "tfplan"));
  } finally {
    await rm(folder, { recursive: true });
  }
}

/**
 * Plans into a file and reads the plan. Requires an initialised stack and its state bucket.
 * @throws TerraformFailedError
 */
export async function planInto(
  file: string,
  terraform: TerraformOptions,
  onProgress: (line: string) => void,
  { locked = true }: { readonly locked?: boolean } = {},
): Promise<Plan> {
  await terraformPlan(file, { ...terraform, onProgress, locked });
  return withSources(parsePlan(await terraformShowPlan(file, terraform)), terraform.cwd);
}

/**
 * Reads a saved plan: its JSON, or the output of `terraform plan -out`, which needs the stack.
 * @throws NotAPlanError, TerraformFailedError
 */
export async function readPlanFile(
  file: string,
  openStack: () => Promise<{ readonly terraform: TerraformOptions }>,
): Promise<Plan> {
  const content = await readFile(file);
  if (!content.subarray(0, 2).equals(Buffer.from("PK"))) return parsePlan(content.toString("utf8"));
  const { terraform } = await openStack();
  await terraformInit(terraform);
  return withSources(parsePlan(await terraformShowPlan(file, terraform)), terraform.cwd);
}
