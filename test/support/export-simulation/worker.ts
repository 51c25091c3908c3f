/** A worker thread that runs one world of exports per message. */
import { parentPort } from "node:worker_threads";

import type { WorldRun } from "../simulation/threads";
import { World, type Violation } from "./world";

export interface ExportWorldResult {
  readonly violations: readonly Violation[];
  readonly faults: ReadonlyMap<string, number>;
}

parentPort?.on("message", ({ seed }: WorldRun) => {
  const world = new World({ seed });
  void world.run().then((violations) => {
    const result: ExportWorldResult = { violations, faults: world.faults };
    parentPort?.postMessage(result);
  });
});
