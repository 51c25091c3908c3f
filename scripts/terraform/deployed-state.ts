/**
 * Where the Terraform state of what an emulator has deployed is. After a change of `app`, `region` or `stateBucket` the stack has another
 * state, and an apply would create a second system beside the one that runs.
 */
import { readFile, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { makeFolder } from "../shared/folder";
import { readState } from "./state";
import { backendSchema, type StateBackend } from "./state-bucket";

/** The stack that was synthesized has another state than what is deployed. The message says what to do. */
export class StateMovedError extends Error {
  override readonly name = "StateMovedError";
}

/**
 * Refuses a stack that is not the successor of what the emulator has deployed.
 *
 * @param file of {@link rememberState}
 * @param isDeployed whether a state still exists
 * @throws StateMovedError
 */
export async function requireSameState(
  file: string,
  backend: StateBackend,
  isDeployed: (before: StateBackend) => Promise<boolean> = async (before) => (await readState(before)) !== undefined,
): Promise<void> {
  const before = await readRemembered(file);
  if (before === undefined || describe(before) === describe(backend)) return;
  // The emulator is the same, perhaps at another port.
  const { endpoints } = backend;
  if (!(await isDeployed({ ...before, ...(endpoints && { endpoints }) }))) return;
  throw new StateMovedError(
    `local has another app, region or stateBucket than what is deployed: its state was ${describe(before)}, and would be ` +
      `${describe(backend)}. Undo that change, or stop what runs (npm run stop) and begin with an empty emulator: npm start -- --fresh`,
  );
}

/** Notes what the emulator is about to have. */
export async function rememberState(file: string, backend: StateBackend): Promise<void> {
  await makeFolder(dirname(file));
  await writeFile(file, `${JSON.stringify(backend)}\n`);
}

/** Where the state of what an emulator has deployed is. Undefined: not known, or it is another emulator. */
export async function rememberedState(file: string, endpoint: string): Promise<StateBackend | undefined> {
  const remembered = await readRemembered(file);
  return remembered?.endpoints?.s3 === endpoint ? remembered : undefined;
}

async function readRemembered(file: string): Promise<StateBackend | undefined> {
  try {
    return backendSchema.parse(JSON.parse(await readFile(file, "utf8")));
  } catch {
    return undefined;
  }
}

const describe = ({ bucket, key, region }: StateBackend): string => `${key} in ${bucket} (${region})`;
