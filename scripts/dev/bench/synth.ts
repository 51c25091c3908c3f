/** Benchmark: the synthesis of all environments. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { commandOutput, ownEnvironment } from "../../shared/run-command";
import { figureAtMost, median, type Figure } from "./figure";

const RUNS = 5;

/** main.ts from the start of its process to written stacks, all environments. */
export async function benchSynth(): Promise<readonly Figure[]> {
  const cold: number[] = [];
  const warm: number[] = [];
  for (let run = 0; run < RUNS; run += 1) {
    const folder = mkdtempSync(join(tmpdir(), "almanac-bench-"));
    try {
      // Cold: no bundles, nothing that a check has found faultless, no stacks, and nothing that tsx has kept in its temporary folder.
      for (const cache of ["bundles", "machines", "quotas"])
        rmSync(`.almanac/${cache}`, { recursive: true, force: true });
      cold.push(await synthesize(folder));
      warm.push(await synthesize(folder));
    } finally {
      rmSync(folder, { recursive: true });
    }
  }
  return [figureAtMost("cold_s", median(cold), "s", 4), figureAtMost("warm_s", median(warm), "s", 1.5)];
}

/** @returns seconds */
async function synthesize(folder: string): Promise<number> {
  const began = performance.now();
  await commandOutput(process.execPath, ["--require", "tsx/cjs", "main.ts"], {
    env: { ...ownEnvironment(), CDKTF_OUTDIR: join(folder, "cdktf.out"), TMPDIR: folder },
  });
  return (performance.now() - began) / 1000;
}
