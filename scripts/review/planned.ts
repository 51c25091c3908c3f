/** Plans an environment, for a review or for a deployment. */
import { readFile } from "node:fs/promises";
import { terraformPlan, terraformShowPlan, type PlanOptions, type TerraformOptions } from "../terraform/terraform";
import { initWithKeptPlugins } from "../terraform/kept-plugins";
import { parsePlan, type Plan } from "./plan";
import { withSources } from "./sources";

/**
 * Plans into a file and reads the plan. Requires an initialised stack and its state bucket.
 * @throws TerraformFailedError
 */
export async function planInto(
  file: string,
  terraform: TerraformOptions,
  onProgress: (line: string) => void,
  options: PlanOptions = {},
): Promise<Plan> {
  await terraformPlan(file, { ...terraform, onProgress, ...options });
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
  await initWithKeptPlugins(terraform);
  return withSources(parsePlan(await terraformShowPlan(file, terraform)), terraform.cwd);
}
