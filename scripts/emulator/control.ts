/** Asks the launcher of a running emulator: server/control.py answers. */
import * as z from "zod";
import { keysOf } from "../shared/emulator-keys";

/** The launcher refused. The message is its own. */
export class LauncherRefusedError extends Error {
  override readonly name = "LauncherRefusedError";
}

const refusalSchema = z.object({ message: z.string() });

/**
 * @param path after `/_almanac/`
 * @returns its answer
 * @throws LauncherRefusedError
 */
export async function askLauncher(
  endpoint: string,
  method: "GET" | "POST",
  path: string,
  { body, signal }: { readonly body?: unknown; readonly signal?: AbortSignal } = {},
): Promise<unknown> {
  const response = await fetch(new URL(`/_almanac/${path}`, endpoint), {
    method,
    headers: { authorization: `Bearer ${keysOf(endpoint).secretAccessKey}` },
    ...(body !== undefined && { body: JSON.stringify(body) }),
    ...(signal && { signal }),
  });
  const answer: unknown = await response.json();
  if (response.ok) return answer;
  throw new LauncherRefusedError(refusalSchema.parse(answer).message);
}

const stateSchema = z.object({ restored: z.boolean() });

/** Whether the emulator continues from a kept state. */
export async function isRestored(endpoint: string): Promise<boolean> {
  return stateSchema.parse(await askLauncher(endpoint, "GET", "state")).restored;
}

/** Saves the state now, unless Terraform changes the stack. */
export async function saveState(endpoint: string): Promise<void> {
  await askLauncher(endpoint, "POST", "state");
}
