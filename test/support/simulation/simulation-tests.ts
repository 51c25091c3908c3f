/** Tests that code satisfies every invariant in simulated worlds, and that the worlds detect its mutants. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { sampled } from "../sized";
import type { SourceMutant } from "./source-mutants";
import { SimulationThreads } from "./threads";

const ROOT = join(__dirname, "../../..");

/** In each run of the tests; all every night. */
const EVERY_RUN = 3;

/** Declares the test that no world violates an invariant, in a `describe` of what runs in them. @param worker runs the worlds */
export function testWorlds(worlds: number, worker: string): void {
  it("satisfy every invariant", async () => {
    const threads = await SimulationThreads.start(undefined, worker);
    try {
      expect(await threads.brokenWorlds(worlds)).toEqual([]);
    } finally {
      await threads.stop();
    }
  });
}

/**
 * Declares a test for each mutant, whose name completes the sentence of the surrounding `describe`.
 * @param worlds the most that one mutant may need: one detection is enough
 * @param worker runs the worlds. @default those of timers
 */
export function testMutants(mutants: readonly SourceMutant[], worlds: number, worker?: string): void {
  it("has the text that each mutant replaces, once", () => {
    const missing = mutants.filter(({ file, from }) => readFileSync(join(ROOT, file), "utf8").split(from).length !== 2);
    expect(missing.map(({ name }) => name)).toEqual([]);
  });
  it.each(sampled(mutants, EVERY_RUN).map((mutant) => [mutant.name, mutant] as const))(
    "%s: detected",
    async (name, mutant) => {
      const mutated = await SimulationThreads.start(mutant, worker);
      try {
        expect(await mutated.firstBroken(name, worlds)).toBeDefined();
      } finally {
        await mutated.stop();
      }
    },
  );
}
