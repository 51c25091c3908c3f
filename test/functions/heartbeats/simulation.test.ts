import { join } from "node:path";
import { MUTANTS } from "../../support/heartbeat-simulation/mutants";
import { sized } from "../../support/sized";
import { testMutants } from "../../support/simulation/mutant-tests";
import { SimulationThreads } from "../../support/simulation/threads";

const WORKER = join(__dirname, "../../support/heartbeat-simulation/worker.ts");

const WORLDS = sized(10, 1_000);

/** More than any mutant needs: one detection is enough. */
const WORLDS_PER_MUTANT = 200;

describe(`heartbeats in ${WORLDS} worlds with faults`, () => {
  it("satisfy every invariant", async () => {
    const threads = await SimulationThreads.start(undefined, WORKER);
    try {
      expect(await threads.brokenWorlds(WORLDS)).toEqual([]);
    } finally {
      await threads.stop();
    }
  }, 300_000);
});

describe("heartbeats whose checker", () => {
  testMutants(MUTANTS, WORLDS_PER_MUTANT, WORKER);
});
