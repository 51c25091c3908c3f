/** A temporary file for a plan, which contains values of the state. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Calls `use` with a file that only this user can read, and deletes it afterwards: a plan contains the state's values. */
export async function withPlanFile<T>(use: (file: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), "almanac-plan-"));
  try {
    return await use(join(folder, "tfplan"));
  } finally {
    await rm(folder, { recursive: true });
  }
}
