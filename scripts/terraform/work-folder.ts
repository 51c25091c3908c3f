/**
 * A folder for the stack and the plan of one command. What another command synthesizes meanwhile must not reach the stack of a plan that
 * waits for its confirmation. Only this user can read it: a plan and a state contain secrets.
 */
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, rm } from "node:fs/promises";
import { hostname } from "node:os";
import { join, resolve } from "node:path";
import { identifyProcess } from "../shared/processes";

/** Of the project. */
const WORK = ".almanac/work";

/** Where Terraform writes a state that it could not save, in the folder of the stack. */
export const UNSAVED_STATE = "errored.tfstate";

/** Calls `use` with a new folder, and deletes it afterwards, unless it has a state that could not be saved. */
export async function withWorkFolder<T>(use: (folder: string) => Promise<T>, work = resolve(WORK)): Promise<T> {
  await mkdir(work, { recursive: true });
  await removeEnded(work);
  const folder = await mkdtemp(join(work, `${hostname()}.${process.pid}.`));
  try {
    return await use(folder);
  } finally {
    await removeFolder(folder);
  }
}

/** Calls `use` with a file for a plan, and deletes it afterwards. */
export async function withPlanFile<T>(use: (file: string) => Promise<T>): Promise<T> {
  return withWorkFolder((folder) => use(planFileIn(folder)));
}

export const planFileIn = (folder: string): string => join(folder, "tfplan");

/** As cdktf lays out its folder. */
export const stackIn = (folder: string, name: string): string => join(folder, "stacks", name);

/** What killed commands of this machine have left. */
async function removeEnded(work: string): Promise<void> {
  const own = `${hostname()}.`;
  for (const name of await readdir(work)) {
    const pid = name.startsWith(own) ? Number(name.slice(own.length).split(".")[0]) : Number.NaN;
    if (Number.isNaN(pid) || identifyProcess(pid) !== undefined) continue;
    // Another user's, or another command removes it.
    await removeFolder(join(work, name)).catch(() => undefined);
  }
}

async function removeFolder(folder: string): Promise<void> {
  await rm(planFileIn(folder), { force: true });
  const stacks = await readdir(stackIn(folder, "")).catch(() => []);
  if (stacks.some((stack) => existsSync(join(stackIn(folder, stack), UNSAVED_STATE)))) return;
  await rm(folder, { recursive: true, force: true });
}
