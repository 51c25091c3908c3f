import { once } from "node:events";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import { build } from "esbuild";
import * as z from "zod";
import { MUTANTS } from "../../support/schedule-simulation/mutants";
import { sized } from "../../support/sized";
import { mutating } from "../../support/simulation/threads";
import type { SourceMutant } from "../../support/simulation/source-mutants";

const WORLDS = Number(process.env["SCHEDULE_WORLDS"] ?? sized(10, 300));

/** More than any mutant needs: one detection is enough. */
const WORLDS_PER_MUTANT = 200;

/** Each run of the tests tries some of the mutants, every night all. */
const STEP = sized(8, 1);

/** The first violation in this many worlds; empty: none. */
async function firstBroken(worlds: number, mutant?: SourceMutant): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [join(__dirname, "../../support/schedule-simulation/worker.ts")],
    bundle: true,
    platform: "node",
    target: "node20",
    write: false,
    plugins: mutant === undefined ? [] : [mutating(mutant)],
  });
  const worker = new Worker(outputFiles[0]?.text ?? "", { eval: true, workerData: { from: 0, to: worlds } });
  const [broken] = z.tuple([z.string()]).parse(await once(worker, "message"));
  await worker.terminate();
  return broken;
}

describe("schedules in worlds with faults", () => {
  it("satisfy every invariant", async () => {
    expect(await firstBroken(WORLDS)).toBe("");
  }, 300_000);
});

describe("schedules whose engine", () => {
  it.each(MUTANTS.filter((_, index) => index % STEP === 0).map((mutant) => [mutant.name, mutant] as const))(
    "%s are detected",
    async (_, mutant) => {
      expect(await firstBroken(WORLDS_PER_MUTANT, mutant)).not.toBe("");
    },
    300_000,
  );
});
