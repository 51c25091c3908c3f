/**
 * Hostile inputs through every endpoint and every event parser: no 5xx, no bug, no secret in logs and error answers. The seed is new in each
 * run and printed with a failure; `FUZZ_SEED=<seed> FUZZ_INPUTS=<inputs>` repeats it, `npm run bench -- fuzz` counts, and the nightly run
 * has 100,000 for each.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { fuzz, withFuzzWorld } from "../support/fuzz/run";
import { FUZZ_TARGETS } from "../support/fuzz/targets";
import { UNTIL_HUNG_MS } from "../support/time-limit";

/** For each of the handlers: over 2,000 in all. */
const INPUTS = Number(process.env["FUZZ_INPUTS"] ?? 45);
const SEED = Number(process.env["FUZZ_SEED"] ?? Date.now() % 1_000_000_000);

describe("hostile inputs", () => {
  it("are sent to every handler", async () => {
    const files = readdirSync("functions", { recursive: true, encoding: "utf8" }).filter((file) =>
      file.endsWith(".ts"),
    );
    const isHandler = (file: string) => /^export const handler = /m.test(readFileSync(join("functions", file), "utf8"));
    const unfuzzed: string[] = [];
    for (const file of files.filter(isHandler)) {
      const { handler } = (await import(resolve("functions", file))) as { readonly handler: unknown };
      if (!FUZZ_TARGETS.some((target) => target.handler === handler)) unfuzzed.push(file);
    }
    expect(unfuzzed).toEqual([]);
  });

  it(
    `are refused, and neither repeated nor logged (FUZZ_SEED=${SEED} FUZZ_INPUTS=${INPUTS})`,
    async () => {
      await withFuzzWorld(async () => {
        for (const [index, target] of FUZZ_TARGETS.entries()) {
          const {
            examples,
            slowestSeconds: _,
            slowestCpuSeconds,
            ...counts
          } = await fuzz(target, { inputs: INPUTS, seed: SEED + index });
          expect({ target: target.name, examples, ...counts }).toEqual({
            target: target.name,
            examples: [],
            requests: INPUTS,
            answers5xx: 0,
            stackTraces: 0,
            echoedSecrets: 0,
          });
          // Generous: other suites run beside it. The bench holds 1 s by the clock.
          expect({ target: target.name, isSlow: slowestCpuSeconds > 10 }).toEqual({
            target: target.name,
            isSlow: false,
          });
        }
      });
    },
    UNTIL_HUNG_MS + INPUTS * FUZZ_TARGETS.length * 100,
  );
});
