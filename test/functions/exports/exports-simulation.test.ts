import { join } from "node:path";

import { EXPORT_MUTANTS } from "../../support/export-simulation/source-mutants";
import { INVARIANTS } from "../../support/export-simulation/world";
import { sized } from "../../support/sized";
import { testMutants } from "../../support/simulation/simulation-tests";
import { SimulationThreads } from "../../support/simulation/threads";
import type { WorldResult } from "../../support/simulation/worker";

const WORKER = join(__dirname, "../../support/export-simulation/worker.ts");

const WORLDS = sized(2, 400);

/** More than any mutant needs: one detection is enough. */
const WORLDS_PER_MUTANT = 100;

describe("exports in worlds with faults", () => {
  it("satisfy every invariant, and are the same in each run of a world", async () => {
    const threads = await SimulationThreads.start(undefined, WORKER);
    try {
      const [one, two] = [await resultsOf(threads, WORLDS), await resultsOf(threads, 2)];
      const violations = [...one].flatMap(([seed, result]) => result.violations.map((each) => ({ seed, ...each })));
      expect(violations).toEqual([]);
      for (const seed of [0, 1]) {
        expect(one.get(seed)?.faults.size).toBeGreaterThan(5);
        expect(two.get(seed)).toEqual(one.get(seed));
      }
    } finally {
      await threads.stop();
    }
  });
});

/** By seed, from 0. */
async function resultsOf(threads: SimulationThreads, worlds: number): Promise<ReadonlyMap<number, WorldResult>> {
  const results = new Map<number, WorldResult>();
  await threads.run(
    0,
    () => results.size >= worlds,
    (seed, result) => results.set(seed, result),
  );
  return results;
}

describe("an export that", () => {
  testMutants(EXPORT_MUTANTS, WORLDS_PER_MUTANT, WORKER);

  it("breaks an invariant is at least thirty mutants", () => {
    expect(new Set(EXPORT_MUTANTS.map(({ name }) => name)).size).toBeGreaterThanOrEqual(30);
    expect(INVARIANTS.length).toBeGreaterThanOrEqual(10);
  });
});
