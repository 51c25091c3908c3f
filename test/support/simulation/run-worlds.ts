/** Makes a worker thread of a simulation: it runs one world per message. */
import { parentPort } from "node:worker_threads";
import type { WorldRun } from "./threads";

/** @param runWorld its violations, and what else it reports */
export function runWorlds(runWorld: (run: WorldRun) => Promise<{ readonly violations: readonly unknown[] }>): void {
  parentPort?.on("message", (run: WorldRun) => {
    void runWorld(run).then((result) => parentPort?.postMessage(result));
  });
}
