/** A worker thread that runs one world per message. */
import { parentPort } from "node:worker_threads";

import { MUTANTS } from "./mutants";
import type { WorldRun } from "./threads";
import { World, type Violation } from "./world";

export interface WorldResult {
  readonly violations: readonly Violation[];
  readonly timerHours: number;
  /** Injected faults by kind. */
  readonly faults: ReadonlyMap<string, number>;
}

parentPort?.on("message", ({ seed, mutant: name }: WorldRun) => {
  const mutant = MUTANTS.find((known) => known.name === name)?.mutant;
  const world = new World({ seed, ...(mutant && { mutant }) });
  void world.run().then((violations) => {
    const result: WorldResult = { violations, timerHours: world.timerHours, faults: world.faults };
    parentPort?.postMessage(result);
  });
});
