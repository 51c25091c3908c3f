import { MUTANTS } from "../../support/simulation/mutants";
import { SimulationThreads } from "../../support/simulation/threads";
import { INVARIANTS, World } from "../../support/simulation/world";

const WORLDS = 2_000;

/** More than any mutant needs: one detection is enough. */
const WORLDS_PER_MUTANT = 1_000;

let threads: SimulationThreads;
beforeAll(() => {
  threads = new SimulationThreads();
});
afterAll(() => threads.stop());

describe("timers in 2,000 worlds with faults", () => {
  it("satisfy every invariant", async () => {
    expect(await threads.brokenWorlds(WORLDS)).toEqual([]);
  }, 300_000);
});

describe("an engine of timers that", () => {
  it.each(MUTANTS.map((mutant) => [mutant.name, mutant.breaks, mutant] as const))(
    "%s is detected: %s",
    async (_, __, mutant) => {
      expect(await threads.detects(mutant, WORLDS_PER_MUTANT)).toBe(true);
    },
    300_000,
  );

  it("breaks any invariant is among the mutants", () => {
    expect(new Set(MUTANTS.map(({ breaks }) => breaks))).toEqual(new Set(INVARIANTS));
    expect(new Set(MUTANTS.map(({ name }) => name)).size).toBe(MUTANTS.length);
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
