import { join } from "node:path";

import { EXPORT_MUTANTS } from "../../support/export-simulation/source-mutants";
import { INVARIANTS, World } from "../../support/export-simulation/world";
import { sized } from "../../support/sized";
import { SimulationThreads } from "../../support/simulation/threads";

const WORKER = join(__dirname, "../../support/export-simulation/worker.ts");

const WORLDS = sized(3, 400);

/** Every twelfth mutant, or all. */
const MUTANTS = EXPORT_MUTANTS.filter((_, index) => index % sized(12, 1) === 0);

/** More than any mutant needs: one detection is enough. */
const WORLDS_PER_MUTANT = 100;

describe("exports in worlds with faults", () => {
  it("satisfy every invariant", async () => {
    const threads = await SimulationThreads.start(undefined, WORKER);
    try {
      expect(await threads.firstBroken("none", WORLDS)).toBeUndefined();
    } finally {
      await threads.stop();
    }
  }, 300_000);

  it("are the same in each run of a world", async () => {
    const runs = [1, 2].map(async () => {
      const lines: string[] = [];
      await new World({ seed: 3, trace: (time, line) => lines.push(`${time} ${line}`) }).run();
      return lines;
    });
    const [one, two] = await Promise.all(runs);
    expect(one?.length).toBeGreaterThan(20);
    expect(two).toEqual(one);
  }, 300_000);
});

describe("an export that", () => {
  it.each(MUTANTS.map((mutant) => [mutant.name, mutant] as const))(
    "%s is detected",
    async (_, mutant) => {
      const mutated = await SimulationThreads.start(mutant, WORKER);
      try {
        expect(await mutated.firstBroken(mutant.name, WORLDS_PER_MUTANT)).toBeDefined();
      } finally {
        await mutated.stop();
      }
    },
    300_000,
  );

  it("breaks an invariant is at least thirty mutants", () => {
    expect(new Set(EXPORT_MUTANTS.map(({ name }) => name)).size).toBeGreaterThanOrEqual(30);
    expect(INVARIANTS.length).toBeGreaterThanOrEqual(7);
  });
});
