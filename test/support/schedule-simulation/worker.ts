/** A worker thread that looks for the first world that violates an invariant, in [from, to). */
import { parentPort, workerData } from "node:worker_threads";
import * as z from "zod";
import { runWorld } from "./world";

const { from, to } = z.object({ from: z.int(), to: z.int() }).parse(workerData);

async function firstBroken(): Promise<string> {
  for (let seed = from; seed < to; seed += 1) {
    const [violation] = await runWorld(seed);
    if (violation !== undefined) return `world ${seed}: ${violation.invariant}: ${violation.detail}`;
  }
  return "";
}

void firstBroken().then((broken) => parentPort?.postMessage(broken));
