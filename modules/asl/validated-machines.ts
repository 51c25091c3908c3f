/**
 * Remembers on disk which definitions asl-validator has found faultless: it compiles its schemas in each process, which takes longer than
 * the rest of a synthesis.
 */
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const FOLDER = ".almanac/machines";

export function isValidated(definition: string): boolean {
  return existsSync(fileOf(definition));
}

export function rememberValidated(definition: string): void {
  mkdirSync(FOLDER, { recursive: true });
  writeFileSync(fileOf(definition), "");
}

let release: string | undefined;

/** Another release of the validator may find faults. */
function fileOf(definition: string): string {
  release ??= readFileSync("node_modules/asl-validator/package.json", "utf8");
  return join(FOLDER, createHash("sha256").update(release).update(definition).digest("hex"));
}
