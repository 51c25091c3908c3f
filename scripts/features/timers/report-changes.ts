/** The output of commands that change all timers with a prefix. */
import type { VerbResponse } from "../../../clients/timers";
import { EXIT, type JsonOption } from "../../shared/terminal/command-line";

/** @param done `paused` @returns the exit code */
export function reportChanges(done: string, result: VerbResponse, { json }: JsonOption): number {
  for (const { id, message } of result.failures) console.error(`${id}: ${message}`);
  console.log(json ? JSON.stringify(result) : `${result.changed} ${done}`);
  return result.failures.length === 0 ? EXIT.ok : EXIT.failure;
}
