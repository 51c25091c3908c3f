import { join } from "node:path";
import { MUTANTS } from "../../support/schedule-simulation/mutants";
import { sized } from "../../support/sized";
import { testMutants, testWorlds } from "../../support/simulation/simulation-tests";

const WORKER = join(__dirname, "../../support/schedule-simulation/worker.ts");

const WORLDS = sized(10, 300);

/** More than any mutant needs: one detection is enough. */
const WORLDS_PER_MUTANT = 200;

describe(`schedules in ${WORLDS} worlds with faults`, () => {
  testWorlds(WORLDS, WORKER);
});

describe("schedules whose engine", () => {
  testMutants(MUTANTS, WORLDS_PER_MUTANT, WORKER);
});
