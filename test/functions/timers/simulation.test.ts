import { MUTANTS } from "../../support/simulation/mutants";
import { SimulationThreads } from "../../support/simulation/threads";
import { INVARIANTS, World } from "../../support/simulation/world";

const WORLDS = 2_000;

/** More than any mutant needs; the first that notices is enough. */
const WORLDS_OF_A_MUTANT = 1_000;

let threads: SimulationThreads;
beforeAll(() => {
  threads = new SimulationThreads();
});
afterAll(() => threads.stop());

describe("timers in 2,000 worlds in which everything goes wrong", () => {
  it("keep every promise", async () => {
    expect(await threads.brokenWorlds(WORLDS)).toEqual([]);
  }, 300_000);
});

describe("an engine of timers that", () => {
  it.each(MUTANTS.map((mutant) => [mutant.name, mutant.breaks, mutant] as const))(
    "%s is found out: %s",
    async (_, __, mutant) => {
      expect(await threads.notices(mutant, WORLDS_OF_A_MUTANT)).toBe(true);
    },
    300_000,
  );

  it("breaks any invariant is among them", () => {
    expect(new Set(MUTANTS.map(({ breaks }) => breaks))).toEqual(new Set(INVARIANTS));
    expect(new Set(MUTANTS.map(({ name }) => name)).size).toBe(MUTANTS.length);
  });
});

describe("a world", () => {
  it("is the same in each run", async () => {
    const lives = [1, 2].map(async () => {
      const lines: string[] = [];
      await new World({ seed: 3, explain: (time, line) => lines.push(`${time} ${line}`) }).run();
      return lines;
    });
    const [one, two] = await Promise.all(lives);
    expect(one?.length).toBeGreaterThan(20);
    expect(two).toEqual(one);
  });
});
