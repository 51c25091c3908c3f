import { join } from "node:path";
import { testMutants, testWorlds } from "../../support/simulation/simulation-tests";
import { sized } from "../../support/sized";
import { MUTANTS } from "../../support/workflow-simulation/mutants";

const WORKER = join(__dirname, "../../support/workflow-simulation/worker.ts");

const WORLDS = sized(20, 2_000);

/** More than any mutant needs: one detection is enough. */
const WORLDS_PER_MUTANT = 1_500;

describe(`workflows in ${WORLDS} worlds with faults`, () => {
  testWorlds(WORLDS, WORKER);
});

describe("workflows whose code", () => {
  testMutants(MUTANTS, WORLDS_PER_MUTANT, WORKER);
});
