/** The release of MiniStack that requirements.txt pins. */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { resolve } from "node:path";

// Relative to the project: the command line is one bundle, far from its sources.
export const REQUIREMENTS_FILE = resolve("scripts/emulator/requirements.txt");
export const LAUNCHER_FILE = resolve("scripts/emulator/server/launch.py");

export interface PinnedRelease {
  /** `1.5.33` */
  readonly version: string;
  /** Of requirements.txt. */
  readonly digest: string;
}

/** @throws Error when there is no `ministack==` line */
export function parsePinnedRelease(requirements: string): PinnedRelease {
  const version = /^ministack==(\S+)/m.exec(requirements)?.[1];
  if (version === undefined) throw new Error(`${REQUIREMENTS_FILE} has no line "ministack==<version>"`);
  return { version, digest: createHash("sha256").update(requirements).digest("hex") };
}

export function pinnedRelease(): PinnedRelease {
  return parsePinnedRelease(readFileSync(REQUIREMENTS_FILE, "utf8"));
}
