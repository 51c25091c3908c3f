/** Runs worlds in worker threads, from a bundle: in Jest's sandbox, where every global is a proxy, a world takes several times as long. */
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join, resolve } from "node:path";
import { Worker } from "node:worker_threads";

import { build, type Plugin } from "esbuild";

import { mapConcurrently } from "../../../functions/shared/resilience/concurrency";
import { DETECTING_WORLDS } from "./detecting-worlds";
import type { KnownMutant } from "./mutants";
import type { SourceMutant } from "./source-mutants";
import type { WorldResult } from "./worker";

/** One world to run. */
export interface WorldRun {
  readonly seed: number;
  /** Name of a mutant; undefined: the unchanged engine. */
  readonly mutant?: string;
}

const TIMERS_WORKER = join(__dirname, "worker.ts");

export class SimulationThreads {
  readonly #idle: Worker[];
  readonly #all: readonly Worker[];

  /** @param world begins what names a world to people; its seed follows */
  private constructor(
    code: string,
    readonly world: string,
  ) {
    const options = { eval: true, execArgv: ["--enable-source-maps"] };
    this.#all = Array.from({ length: availableParallelism() }, () => new Worker(code, options));
    this.#idle = [...this.#all];
  }

  /**
   * @param mutant changes the engine. @default the engine as it is
   * @param worker runs the worlds. @default those of timers
   */
  static async start(mutant?: SourceMutant, worker = TIMERS_WORKER): Promise<SimulationThreads> {
    const { outputFiles } = await build({
      entryPoints: [worker],
      bundle: true,
      platform: "node",
      target: "node20",
      sourcemap: "inline",
      write: false,
      plugins: mutant === undefined ? [] : [mutating(mutant)],
    });
    return new SimulationThreads(
      outputFiles[0]?.text ?? "",
      worker === TIMERS_WORKER ? "npm run simulate -- --seed" : "world",
    );
  }

  /** The worlds that violate an invariant, with the violation: the command to reproduce each, of timers. */
  async brokenWorlds(count: number): Promise<readonly string[]> {
    const seeds = Array.from({ length: count }, (_, seed) => seed);
    const results = await mapConcurrently(seeds, this.#all.length, async (seed) => {
      const {
        violations: [violation],
      } = await this.#run({ seed });
      return violation ? [`${this.world} ${seed}: ${violation.invariant}: ${violation.detail}`] : [];
    });
    return results.flat();
  }

  /** A world, one of this many, that detects the mutant by the invariant that it breaks. */
  async detects({ name: mutant, breaks }: KnownMutant, worlds: number): Promise<number | undefined> {
    return this.#firstOf(worldsToSearch(mutant, worlds), async (seed) => {
      const { violations } = await this.#run({ seed, mutant });
      return violations.some(({ invariant }) => invariant === breaks);
    });
  }

  /** A world, one of this many, that violates an invariant. @param mutant that all threads run */
  async firstBroken(mutant: string, worlds: number): Promise<number | undefined> {
    return this.#firstOf(worldsToSearch(mutant, worlds), async (seed) => {
      const { violations } = await this.#run({ seed });
      return violations.length > 0;
    });
  }

  /** The seed of the first world that ends so, of all that the threads had begun by then. */
  async #firstOf(
    [known, ...seeds]: readonly number[],
    isSought: (seed: number) => Promise<boolean>,
  ): Promise<number | undefined> {
    // Alone: it is almost always the one, and another world beside it would be computed for nothing.
    if (known !== undefined && (await isSought(known))) return known;
    const found: number[] = [];
    let next = 0;
    await mapConcurrently(this.#all, this.#all.length, async () => {
      for (let seed = seeds[next++]; seed !== undefined && found.length === 0; seed = seeds[next++])
        if (await isSought(seed)) found.push(seed);
    });
    return found[0];
  }

  /** Runs worlds from a seed on until `isEnough`. */
  async run(
    first: number,
    isEnough: () => boolean,
    report: (seed: number, result: WorldResult) => void,
  ): Promise<void> {
    let next = first;
    await mapConcurrently(this.#all, this.#all.length, async () => {
      while (!isEnough()) {
        const seed = next++;
        report(seed, await this.#run({ seed }));
      }
    });
  }

  async stop(): Promise<void> {
    await Promise.all(this.#all.map((thread) => thread.terminate()));
  }

  async #run(run: WorldRun): Promise<WorldResult> {
    const thread = this.#idle.pop();
    if (thread === undefined) throw new Error("no idle thread");
    thread.postMessage(run);
    try {
      const [result] = (await once(thread, "message")) as [WorldResult];
      this.#idle.push(thread);
      return result;
    } catch (cause) {
      throw new Error(`${this.world} ${run.seed} failed`, { cause });
    }
  }
}

/** Begins with the world that is known to detect the mutant. */
function worldsToSearch(mutant: string, worlds: number): readonly number[] {
  const known = DETECTING_WORLDS[mutant];
  const seeds = Array.from({ length: worlds }, (_, seed) => seed);
  return known === undefined ? seeds : [known, ...seeds];
}

/** Throws when the text to replace does not occur exactly once: the mutant is outdated. */
export function mutating({ file, from, to }: SourceMutant): Plugin {
  return {
    name: "mutant",
    setup: (bundler) => {
      bundler.onLoad({ filter: /\.ts$/ }, ({ path }) => {
        if (path !== resolve(file)) return undefined;
        const [before, after, ...more] = readFileSync(path, "utf8").split(from);
        if (before === undefined || after === undefined || more.length > 0)
          throw new Error(`${file} does not have once: ${from}`);
        return { contents: `${before}${to}${after}`, loader: "ts" };
      });
    },
  };
}
