/**
 * Recognises a Terraform that was killed while it changed an emulator that runs on. More exists there than its state names, so that the next
 * apply would fail; and the emulator keeps no state meanwhile (its lock is in the state's bucket), so that a start after a stop continues from before.
 */
import { writeFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { parseJson } from "../shared/fields";
import { isRunning, processIdentitySchema, type ProcessIdentity } from "../shared/processes";
import { isStateLocked } from "../terraform/state-bucket";

/** Notes the Terraform that was started, at once: this process may be killed at any time. */
export function rememberTerraform(file: string, started: ProcessIdentity): void {
  writeFileSync(file, JSON.stringify(started));
}

/** Whether the remembered Terraform has ended and left its lock. */
export async function wasApplyKilled(file: string, stackDirectory: string): Promise<boolean> {
  const text = await readFile(file, "utf8").catch(() => undefined);
  if (text === undefined) return false;
  const { data: terraform } = processIdentitySchema.safeParse(parseJson(text));
  return terraform !== undefined && !isRunning(terraform) && (await isStateLocked(stackDirectory));
}
