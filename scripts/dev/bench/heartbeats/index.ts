/** Benchmarks of heartbeats, in order. */
import type { Figure } from "../figure";
import { benchCost } from "./cost";
import { benchPage } from "./page";
import { benchRun } from "./run";

/** Sequential, so that they do not disturb each other. */
export async function benchHeartbeats(): Promise<readonly Figure[]> {
  return [...(await benchRun()), ...(await benchCost()), ...(await benchPage())];
}
