/** Runs worlds in worker threads, from a bundle: in Jest's sandbox, where every global is a proxy, a world takes several times as long. */
import { once } from "node:events";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { Worker } from "node:worker_threads";

import { buildSync } from "esbuild";

import { mapConcurrently } from "../../../functions/shared/concurrency";
import type { KnownMutant } from "./mutants";
import type { Violation } from "./world";

/** One world to run. */
export interface WorldRun {
  readonly seed: number;
  /** Name of a mutant; undefined: the unchanged engine. */
  readonly mutant?: string;
}

export class SimulationThreads {
  readonly #idle: Worker[];
  readonly #all: readonly Worker[];

  constructor() {
    const { outputFiles } = buildSync({
      entryPoints: [join(__dirname, "worker.ts")],
      bundle: true,
      platform: "node",
      target: "node20",
      sourcemap: "inline",
      write: false,
    });
    const code = outputFiles[0]?.text ?? "";
    const options = { eval: true, execArgv: ["--enable-source-maps"] };
    this.#all = Array.from({ length: availableParallelism() }, () => new Worker(code, options));
    this.#idle = [...this.#all];
  }

  /** The worlds that violate an invariant: the command to reproduce each, and the violation. */
  async brokenWorlds(count: number): Promise<readonly string[]> {
    const seeds = Array.from({ length: count }, (_, seed) => seed);
    const results = await mapConcurrently(seeds, this.#all.length, async (seed) => {
      const [violation] = await this.#run({ seed });
      return violation ? [`npm run simulate -- --seed ${seed}: ${violation.invariant}: ${violation.detail}`] : [];
    });
    return results.flat();
  }

  /** Whether one of this many worlds detects the mutant, by the invariant that it breaks. */
  async detects({ name: mutant, breaks }: KnownMutant, worlds: number): Promise<boolean> {
    const seeds: number[] = [];
    let next = 0;
    await mapConcurrently(this.#all, this.#all.length, async () => {
      while (next < worlds && seeds.length === 0) {
        const seed = next++;
        const violations = await this.#run({ seed, mutant });
        if (violations.some(({ invariant }) => invariant === breaks)) seeds.push(seed);
      }
    });
    return seeds.length > 0;
  }

  async stop(): Promise<void> {
    await Promise.all(this.#all.map((thread) => thread.terminate()));
  }

  async #run(run: WorldRun): Promise<readonly Violation[]> {
    const thread = this.#idle.pop();
    if (thread === undefined) throw new Error("no idle thread");
    thread.postMessage(run);
    try {
      const [violations] = (await once(thread, "message")) as [readonly Violation[]];
      this.#idle.push(thread);
      return violations;
    } catch (cause) {
      throw new Error(`npm run simulate -- --seed ${run.seed} failed`, { cause });
    }
  }
}
