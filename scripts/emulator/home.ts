/** Where the local environment keeps what it needs: one folder, so that two homes are two environments. */
import { join, resolve } from "node:path";

export const DEFAULT_HOME = ".almanac/local";

export interface Home {
  readonly folder: string;
  /** What runs: see run-record.ts. */
  readonly record: string;
  /** Held while starting and deploying. */
  readonly lock: string;
  /** What the app is synthesized into. */
  readonly synthesized: string;
  /** The stack that is deployed. */
  readonly stack: string;
}

export function homeAt(folder: string): Home {
  const absolute = resolve(folder);
  return {
    folder: absolute,
    record: join(absolute, "run.json"),
    lock: join(absolute, "start.lock"),
    synthesized: join(absolute, "cdktf.out"),
    stack: join(absolute, "cdktf.out", "stacks", "local"),
  };
}
