import { join } from "node:path";
import { testMutants } from "../../support/simulation/mutant-tests";
import { SimulationThreads } from "../../support/simulation/threads";
import { sized } from "../../support/sized";
import { MUTANTS } from "../../support/workflow-simulation/mutants";

const WORKER = join(__dirname, "../../support/workflow-simulation/worker.ts");

const WORLDS = sized(20, 2_000);

/** More than any mutant needs: one detection is enough. */
const WORLDS_PER_MUTANT = 1_500;

describe(`workflows in ${WORLDS} worlds with faults`, () => {
  it("satisfy every invariant", async () => {
    const threads = await SimulationThreads.start(undefined, WORKER);
    try {
      expect(await threads.brokenWorlds(WORLDS)).toEqual([]);
    } finally {
      await threads.stop();
    }
  }, 300_000);
});

describe("workflows whose code", () => {
  testMutants(MUTANTS.slice(0, sized(2, MUTANTS.length)), WORLDS_PER_MUTANT, WORKER);
});
