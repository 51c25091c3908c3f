/** Starts the watcher of the sources, which ends with this process. */
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import type { Home } from "../../shared/home";
import { lastLines } from "../../shared/run-command";
import { liveEventSchema, type LiveEvent } from "./events";

/** Relative to the project. */
const WATCHER = "scripts/local/live/watch.ts";

export interface LiveOptions {
  readonly home: Home;
  /** The CDKTF app. */
  readonly app: string;
  /** Files that changed later, in epoch milliseconds, count as changed. */
  readonly since: number;
  readonly onEvent: (event: LiveEvent) => void;
}

/** @returns ends it */
export function watchSources({ home, app, since, onEvent }: LiveOptions): () => void {
  const child = spawn(process.execPath, ["--import", "tsx", WATCHER, home.folder, app, String(since)], {
    stdio: "pipe",
  });
  let [errors, stopped] = ["", false];
  const end = (reason: string) => {
    if (!stopped) onEvent({ kind: "ended", reason });
    stopped = true;
  };
  child.stdin.on("error", () => undefined);
  child.on("error", (error) => {
    end(error.message);
  });
  child.on("close", () => {
    end(lastLines(errors.trim(), 10));
  });
  child.stderr.on("data", (text: Buffer) => {
    errors = lastLines(errors + text.toString(), 20);
  });
  createInterface(child.stdout).on("line", (line) => {
    if (!stopped) onEvent(liveEventSchema.parse(JSON.parse(line)));
  });
  return () => {
    stopped = true;
    child.kill();
  };
}
