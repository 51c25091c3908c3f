import type { Figure } from "../figure";
import { benchCost } from "./cost";
import { benchPage } from "./page";
import { benchRound } from "./round";

/** One after the other: each would count in what the others measure. */
export async function benchHeartbeats(): Promise<readonly Figure[]> {
  return [...(await benchRound()), ...(await benchCost()), ...(await benchPage())];
}
