/** JSON that a command takes: written inline, in a file, or on standard input. The same for all commands. */
import { readFile } from "node:fs/promises";
import { buffer } from "node:stream/consumers";
import { errorCode } from "../../../functions/shared/errors";
import { callersPath, UsageError } from "./command-line";
import { reasonOf } from "./file-errors";

/** For the help of an argument or an option. */
export const JSON_ARGUMENT = "JSON, a file of it, or - for standard input";

const STANDARD_INPUT = "-";

/**
 * The text, which the command parses. An argument that begins like JSON, or is JSON, is not the name of a file.
 *
 * @param argument JSON, a file, or `-`
 * @throws {@link UsageError} when it is none of them, or not UTF-8
 */
export async function readJsonArgument(
  argument: string,
  standardInput: NodeJS.ReadableStream = process.stdin,
): Promise<string> {
  if (argument === STANDARD_INPUT) return decoded(await buffer(standardInput), "Standard input");
  if (/^\s*[[{"]/.test(argument) || isJson(argument)) return argument;
  try {
    return decoded(await readFile(callersPath(argument)), argument);
  } catch (error) {
    const code = errorCode(error) ?? "";
    // An error of reading names no file.
    if (code === "EISDIR") throw new UsageError(`${argument} ${reasonOf(error) ?? ""}`, { cause: error });
    if (!["ENOENT", "ENAMETOOLONG"].includes(code)) throw error;
    throw new UsageError(`${argument} is neither JSON nor a file. Text needs quotes of its own: '"text"'`, {
      cause: error,
    });
  }
}

/** Strictly: another encoding would change letters silently. */
function decoded(bytes: Uint8Array, source: string): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (error) {
    throw new UsageError(`${source} is not UTF-8.`, { cause: error });
  }
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
