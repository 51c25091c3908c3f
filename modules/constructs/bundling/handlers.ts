/** Finds the handlers of the project. */
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { PROJECT } from "./cache";

/** All handlers: the files of functions/<feature>/ that export `handler`. Sorted. */
export function handlerEntries(): string[] {
  const functions = join(PROJECT, "functions");
  return readdirSync(functions, { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".ts"))
    .filter((file) => /^export const handler\b/m.test(readFileSync(join(functions, file), "utf8")))
    .map((file) => join("functions", file).replaceAll("\\", "/"))
    .sort();
}
