/** Runs actions as commands of `almanac`, with the viewer's own credentials. */
import { setTimeout as sleep } from "node:timers/promises";
import { runCommand } from "../../shared/run-command";
import { MINUTE_MS } from "../../../functions/shared/time";
import { argumentsOf, callOf, type ActionName, type Values, type Where } from "./actions";
import type { ActionResult } from "../contract";

/** Relative to the project. */
const LAUNCHER = "scripts/launcher/almanac.mjs";

/** Then the viewer has an answer, and the command goes on: interrupted, it might not have begun its work. */
const LONGEST_MS = MINUTE_MS;

interface RunOptions {
  /** The program. @default `almanac` */
  readonly launcher?: string;
  /** @default {@link LONGEST_MS} */
  readonly longestMs?: number;
}

/** Linux's limit, with the byte that ends it. */
const LONGEST_BYTES = 128 * 1024 - 1;

/** The system would start no command with it. */
function argumentFault(argument: string): string | undefined {
  if (argument.includes("\0")) return "A value has a NUL character, which no argument of a command can have.";
  return Buffer.byteLength(argument) > LONGEST_BYTES
    ? `A value is longer than an argument of a command may be: ${LONGEST_BYTES} bytes. Run the command with a file.`
    : undefined;
}

export async function runAction(
  name: ActionName,
  values: Values,
  where: Where,
  { launcher = LAUNCHER, longestMs = LONGEST_MS }: RunOptions = {},
): Promise<ActionResult> {
  const { input, ...call } = callOf(name, values);
  const lines: string[] = [];
  const commandArguments = argumentsOf(call, where);
  const fault = commandArguments.map(argumentFault).find((each) => each !== undefined);
  if (fault !== undefined) return { ok: false, output: fault };
  const command = runCommand(process.execPath, [launcher, ...commandArguments], {
    onLine: (line) => lines.push(line),
    ...(input !== undefined && { input }),
  });
  const ended = await Promise.race([command, sleep(longestMs, undefined, { ref: false })]);
  const output = lines.join("\n");
  if (ended !== undefined) return { ok: ended.code === 0, output };
  return { ok: true, isRunning: true, output: `${output}\nIt goes on: the console no longer waits for it.`.trim() };
}
