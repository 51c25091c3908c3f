/** Starts the watcher of the sources, which ends with this process. */
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { liveEventSchema, type LiveEvent } from "./events";

/** Relative to the project. */
const WATCHER = "scripts/local/live/watch.ts";

export interface LiveOptions {
  readonly endpoint: string;
  /** The folder of the deployed stack. */
  readonly stack: string;
  /** The CDKTF app. */
  readonly app: string;
  readonly onEvent: (event: LiveEvent) => void;
  /** Called with what it writes to its error output. */
  readonly onError: (line: string) => void;
}

/** @returns ends it */
export function watchSources({ endpoint, stack, app, onEvent, onError }: LiveOptions): () => void {
  const child = spawn(process.execPath, ["--import", "tsx", WATCHER, endpoint, stack, app], {
    stdio: ["pipe", "pipe", "pipe"],
  });
  child.stdin.on("error", () => undefined);
  child.on("error", (error) => {
    onError(error.message);
  });
  createInterface(child.stdout).on("line", (line) => {
    onEvent(liveEventSchema.parse(JSON.parse(line)));
  });
  createInterface(child.stderr).on("line", onError);
  return () => {
    child.kill();
  };
}
