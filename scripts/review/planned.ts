/** Plans an environment, for a review or for a deployment. */
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { EnvironmentStack } from "../environments/deployed";
import { terraformInit, terraformPlan, terraformShowPlan } from "../terraform/terraform";
import { parsePlan, type Plan } from "./plan";

/** Hands a file to `use` that only this user can read, and that is gone afterwards: a plan has in it what the state has. */
export async function withPlanFile<T>(use: (file: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), "almanac-plan-"));
  try {
    return await use(join(folder, "tfplan"));
  } finally {
    await rm(folder, { recursive: true });
  }
}

/**
 * Plans into a file, and reads what is planned. Its stack is initialised, and its state bucket there.
 * @throws TerraformFailedError
 */
export async function planInto(
  file: string,
  { terraform }: EnvironmentStack,
  onProgress: (line: string) => void,
): Promise<Plan> {
  await terraformPlan(file, { ...terraform, onProgress });
  return parsePlan(await terraformShowPlan(file, terraform));
}

/**
 * Reads a plan that was saved before: its JSON, or what `terraform plan -out` wrote, for which the stack is needed.
 * @throws NotAPlanError, TerraformFailedError
 */
export async function readPlanFile(file: string, openStack: () => Promise<EnvironmentStack>): Promise<Plan> {
  const content = await readFile(file);
  if (!content.subarray(0, 2).equals(Buffer.from("PK"))) return parsePlan(content.toString("utf8"));
  const { terraform } = await openStack();
  await terraformInit(terraform);
  return parsePlan(await terraformShowPlan(file, terraform));
}
