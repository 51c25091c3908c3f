/**
 * Hostile inputs through every endpoint and every event parser: no 5xx, no bug, no secret in logs and error answers. The seed is new in each
 * run and printed with a failure; `FUZZ_SEED=<seed> FUZZ_INPUTS=<inputs>` repeats it, `npm run bench -- fuzz` counts, and the nightly run
 * has 100,000 for each.
 */
import { fuzz, withFuzzWorld } from "../support/fuzz/run";
import { FUZZ_TARGETS } from "../support/fuzz/targets";

/** For each of the handlers: over 2,000 in all. */
const INPUTS = Number(process.env["FUZZ_INPUTS"] ?? 70);
const SEED = Number(process.env["FUZZ_SEED"] ?? Date.now() % 1_000_000_000);

describe("hostile inputs", () => {
  it(
    `are refused, and neither repeated nor logged (FUZZ_SEED=${SEED} FUZZ_INPUTS=${INPUTS})`,
    async () => {
      await withFuzzWorld(async () => {
        for (const [index, target] of FUZZ_TARGETS.entries()) {
          const { examples, slowestSeconds, ...counts } = await fuzz(target, { inputs: INPUTS, seed: SEED + index });
          expect({ target: target.name, examples, ...counts }).toEqual({
            target: target.name,
            examples: [],
            requests: INPUTS,
            answers5xx: 0,
            stackTraces: 0,
            echoedSecrets: 0,
          });
          // Generous: other suites run beside it. The bench holds 1 s.
          expect({ target: target.name, isSlow: slowestSeconds > 10 }).toEqual({ target: target.name, isSlow: false });
        }
      });
    },
    60_000 + INPUTS * FUZZ_TARGETS.length * 100,
  );
});
