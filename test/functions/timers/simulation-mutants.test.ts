import { MUTANTS } from "../../support/simulation/mutants";
import { World, type Violation } from "../../support/simulation/world";

/** More than any mutant needs; the first that notices is enough. */
const SEEDS = 1_000;

describe("an engine of timers that", () => {
  it.each(MUTANTS.map((mutant) => [mutant.name, mutant] as const))(
    "%s is found out",
    async (_, { mutant, caughtBy }) => {
      let violations: readonly Violation[] = [];
      for (let seed = 0; seed < SEEDS && violations.length === 0; seed++)
        violations = await new World({ seed, mutant }).run();
      const [first] = violations;
      expect(caughtBy).toContain(first?.invariant);
    },
    300_000,
  );
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
