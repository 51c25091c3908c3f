import { join } from "node:path";
import { MUTANTS } from "../../support/heartbeat-simulation/mutants";
import { sized } from "../../support/sized";
import { testMutants, testWorlds } from "../../support/simulation/simulation-tests";

const WORKER = join(__dirname, "../../support/heartbeat-simulation/worker.ts");

const WORLDS = sized(10, 1_000);

/** More than any mutant needs: one detection is enough. */
const WORLDS_PER_MUTANT = 200;

describe(`heartbeats in ${WORLDS} worlds with faults`, () => {
  testWorlds(WORLDS, WORKER);
});

describe("heartbeats whose checker", () => {
  testMutants(MUTANTS, WORLDS_PER_MUTANT, WORKER);
});
