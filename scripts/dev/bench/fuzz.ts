/** Hostile inputs through every endpoint and every event parser: what must never happen, counted. */
import { fuzz, withFuzzWorld } from "../../../test/support/fuzz/run";
import { FUZZ_TARGETS } from "../../../test/support/fuzz/targets";
import { figure, figureAtLeast, figureAtMost, type Figure } from "./figure";

/** For each target. 100,000 in all at least; the nightly fuzz runs 100,000 for each. */
const DEFAULT_INPUTS = 2_200;

/** `FUZZ_INPUTS` for each target, from `FUZZ_SEED`. Each input can be repeated from its seed and its number. */
export async function benchFuzz(): Promise<readonly Figure[]> {
  const inputs = Number(process.env["FUZZ_INPUTS"] ?? DEFAULT_INPUTS);
  const seed = Number(process.env["FUZZ_SEED"] ?? Date.now() % 1_000_000_000);
  console.error(`FUZZ_SEED=${seed} FUZZ_INPUTS=${inputs}`);
  return withFuzzWorld(async () => {
    const totals = { requests: 0, answers5xx: 0, stackTraces: 0, echoedSecrets: 0, slowestSeconds: 0 };
    for (const [index, target] of FUZZ_TARGETS.entries()) {
      const start = performance.now();
      const {
        examples,
        slowestSeconds,
        slowestCpuSeconds: _,
        ...counts
      } = await fuzz(target, { inputs, seed: seed + index });
      for (const name of ["requests", "answers5xx", "stackTraces", "echoedSecrets"] as const)
        totals[name] += counts[name];
      totals.slowestSeconds = Math.max(totals.slowestSeconds, slowestSeconds);
      console.error(
        `${target.name}: seed ${seed + index}, ${counts.requests} inputs in ${((performance.now() - start) / 1_000).toFixed(1)} s, slowest ${slowestSeconds.toFixed(3)} s`,
      );
      for (const example of examples) console.error(`  ${example}`);
    }
    return [
      figure("targets", FUZZ_TARGETS.length, ""),
      figureAtLeast("requests", totals.requests, "", 100_000),
      figureAtMost("answers_5xx", totals.answers5xx, "", 0),
      figureAtMost("stack_traces", totals.stackTraces, "", 0),
      figureAtMost("echoed_secrets", totals.echoedSecrets, "", 0),
      figureAtMost("slowest_s", totals.slowestSeconds, "s, warm", 1),
    ];
  });
}
