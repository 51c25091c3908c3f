/** A worker thread that runs worlds of exports. */
import { runWorlds } from "../simulation/run-worlds";
import { World, type Violation } from "./world";

export interface ExportWorldResult {
  readonly violations: readonly Violation[];
  readonly faults: ReadonlyMap<string, number>;
}

runWorlds(async ({ seed }): Promise<ExportWorldResult> => {
  const world = new World({ seed });
  return { violations: await world.run(), faults: world.faults };
});
