/** A worker thread that runs worlds of timers. */
import { MUTANTS } from "./mutants";
import { runWorlds } from "./run-worlds";
import { World, type Violation } from "./world";

export interface WorldResult {
  readonly violations: readonly Violation[];
  readonly timerHours: number;
  /** Injected faults by kind. */
  readonly faults: ReadonlyMap<string, number>;
}

runWorlds(async ({ seed, mutant: name }): Promise<WorldResult> => {
  const mutant = MUTANTS.find((known) => known.name === name)?.mutant;
  const world = new World({ seed, ...(mutant && { mutant }) });
  return { violations: await world.run(), timerHours: world.timerHours, faults: world.faults };
});
