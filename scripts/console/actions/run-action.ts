/** Runs actions as commands of `almanac`, with the viewer's own credentials. */
import { runCommand } from "../../shared/run-command";
import { SECOND_MS } from "../../../functions/shared/time";
import { argumentsOf, callOf, type ActionName, type Values, type Where } from "./actions";
import type { ActionResult } from "../contract";

/** Relative to the project. */
const LAUNCHER = "scripts/launcher/almanac.mjs";

/** Then the command is interrupted: what it has started goes on. */
const LONGEST_MS = 20 * SECOND_MS;

export async function runAction(name: ActionName, values: Values, where: Where): Promise<ActionResult> {
  const { input, ...call } = callOf(name, values);
  const signal = AbortSignal.timeout(LONGEST_MS);
  const { code, stdout, stderr } = await runCommand(process.execPath, [LAUNCHER, ...argumentsOf(call, where)], {
    signal,
    ...(input !== undefined && { input }),
  });
  const lines = [stdout, stderr].filter((text) => text.trim() !== "").join("\n");
  if (signal.aborted) return { ok: true, output: `${lines}\nIt goes on: the console no longer waits for it.`.trim() };
  return { ok: code === 0, output: lines };
}
