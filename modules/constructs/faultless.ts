/** Remembers on disk what a check has found faultless, for checks that take a tenth of a synthesis or more. */
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

interface Check {
  /** Of the check's folder: `machines`. */
  readonly name: string;
  /** What the check is made of, files or folders without folders: another version of it may find faults. */
  readonly madeOf: readonly string[];
}

/** The contents that a check has found faultless, in `.almanac/<name>`. */
export class Faultless {
  private readonly folder: string;
  private version: string | undefined;

  constructor(private readonly check: Check) {
    this.folder = join(".almanac", check.name);
  }

  has(content: string): boolean {
    return existsSync(this.fileOf(content));
  }

  add(content: string): void {
    mkdirSync(this.folder, { recursive: true });
    writeFileSync(this.fileOf(content), "");
  }

  private fileOf(content: string): string {
    this.version ??= versionOf(this.check.madeOf);
    return join(this.folder, createHash("sha256").update(this.version).update(content).digest("hex"));
  }
}

function versionOf(paths: readonly string[]): string {
  const hash = createHash("sha256");
  for (const file of paths.flatMap(filesOf)) hash.update(readFileSync(file));
  return hash.digest("hex");
}

function filesOf(path: string): readonly string[] {
  return /\.\w+$/.test(path)
    ? [path]
    : readdirSync(path)
        .sort()
        .map((name) => join(path, name));
}
