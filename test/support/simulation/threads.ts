/**
 * Worlds on every processor, in threads with a bundle of their own: among Jest's modules, where each look at a global goes through its
 * sandbox, a world takes several times as long.
 */
import { once } from "node:events";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { Worker } from "node:worker_threads";

import { buildSync } from "esbuild";

import { mapConcurrently } from "../../../functions/shared/concurrency";
import type { KnownMutant } from "./mutants";
import type { Violation } from "./world";

/** One world to live through. */
export interface Life {
  readonly seed: number;
  /** Its name; undefined: the engine as it is. */
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

  /** Tells of each world that broke an invariant: how to see it again, and what it broke. */
  async brokenWorlds(count: number): Promise<readonly string[]> {
    const seeds = Array.from({ length: count }, (_, seed) => seed);
    const lives = await mapConcurrently(seeds, this.#all.length, async (seed) => {
      const [violation] = await this.#live({ seed });
      return violation ? [`npm run simulate -- --seed ${seed}: ${violation.invariant}: ${violation.detail}`] : [];
    });
    return lives.flat();
  }

  /** Whether a mutant breaks what it is known to break in one of so many worlds. */
  async notices({ name: mutant, breaks }: KnownMutant, worlds: number): Promise<boolean> {
    const seeds: number[] = [];
    let next = 0;
    await mapConcurrently(this.#all, this.#all.length, async () => {
      while (next < worlds && seeds.length === 0) {
        const seed = next++;
        const violations = await this.#live({ seed, mutant });
        if (violations.some(({ invariant }) => invariant === breaks)) seeds.push(seed);
      }
    });
    return seeds.length > 0;
  }

  async stop(): Promise<void> {
    await Promise.all(this.#all.map((thread) => thread.terminate()));
  }

  async #live(life: Life): Promise<readonly Violation[]> {
    const thread = this.#idle.pop();
    if (thread === undefined) throw new Error("all threads are at work");
    thread.postMessage(life);
    try {
      const [violations] = (await once(thread, "message")) as [readonly Violation[]];
      this.#idle.push(thread);
      return violations;
    } catch (cause) {
      throw new Error(`npm run simulate -- --seed ${life.seed} breaks down`, { cause });
    }
  }
}
