import { MUTANTS } from "../../support/simulation/mutants";
import { sized } from "../../support/sized";
import { SOURCE_MUTANTS } from "../../support/simulation/source-mutants";
import { testMutants } from "../../support/simulation/simulation-tests";
import { SimulationThreads } from "../../support/simulation/threads";
import { INVARIANTS, World } from "../../support/simulation/world";

const WORLDS = sized(400, 2_000);

/** More than any mutant needs: one detection is enough. */
const WORLDS_PER_MUTANT = 1_000;

let threads: SimulationThreads;
beforeAll(async () => {
  threads = await SimulationThreads.start();
});
afterAll(() => threads.stop());

describe(`timers in ${WORLDS} worlds with faults`, () => {
  it("satisfy every invariant", async () => {
    expect(await threads.brokenWorlds(WORLDS)).toEqual([]);
  });
});

describe("an engine of timers that", () => {
  it.each(MUTANTS.map((mutant) => [mutant.name, mutant.breaks, mutant] as const))(
    "%s is detected: %s",
    async (_, __, mutant) => {
      expect(await threads.detects(mutant, WORLDS_PER_MUTANT)).toBeDefined();
    },
  );

  testMutants(SOURCE_MUTANTS, WORLDS_PER_MUTANT);

  it("breaks any invariant is among the mutants", () => {
    // The others are the source mutants'.
    for (const { breaks } of MUTANTS) expect(INVARIANTS).toContain(breaks);
    const names = [...MUTANTS, ...SOURCE_MUTANTS].map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
  });
});

describe("a world", () => {
  it("is the same in each run", async () => {
    const runs = [1, 2].map(async () => {
      const lines: string[] = [];
      await new World({ seed: 3, trace: (time, line) => lines.push(`${time} ${line}`) }).run();
      return lines;
    });
    const [one, two] = await Promise.all(runs);
    expect(one?.length).toBeGreaterThan(20);
    expect(two).toEqual(one);
  });
});
