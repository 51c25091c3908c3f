/** The folder of a local environment. Two homes are two environments. */
import { join, resolve } from "node:path";

/** Relative to the project. */
export const DEFAULT_HOME = ".almanac/local";

export interface Home {
  readonly folder: string;
  /** What runs: see run-record.ts. */
  readonly record: string;
  /** Held while starting and deploying. */
  readonly lock: string;
  /** The app's synthesized stacks. */
  readonly synthesized: string;
  /** The stack that is deployed. */
  readonly stack: string;
  /** Where its Terraform state is: see deployed-state.ts. Beside the emulator's kept state: the two are deleted together. */
  readonly deployedState: string;
  /** The Terraform that was started last: see killed-apply.ts. */
  readonly terraform: string;
}

export function homeAt(folder: string): Home {
  const absolute = resolve(folder);
  return {
    folder: absolute,
    record: join(absolute, "run.json"),
    lock: join(absolute, "start.lock"),
    synthesized: join(absolute, "cdktf.out"),
    stack: join(absolute, "cdktf.out", "stacks", "local"),
    deployedState: join(absolute, "state", "deployed.json"),
    terraform: join(absolute, "terraform.json"),
  };
}
