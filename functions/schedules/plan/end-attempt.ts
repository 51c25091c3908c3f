/** How an attempt ends, and whether another one follows. Pure. */
import { backoffMs } from "../../shared/resilience/backoff";
import { HOUR_MS, SECOND_MS } from "../../shared/time";
import type { Retries, Run } from "../contract";

/** What a failed attempt makes of its run. */
export type Failure =
  | { readonly outcome: "failed" }
  | { readonly outcome: "retrying"; readonly attempt: number; readonly nextAttemptAt: number };

/**
 * @param dueAt of the run; a run by hand is due when it is asked for
 * @param now epoch milliseconds
 */
export function failureOf({ attempt, dueAt }: Pick<Run, "attempt" | "dueAt">, retries: Retries, now: number): Failure {
  const { count, backoffSeconds, maxAgeSeconds } = retries;
  const backoff = { firstMs: backoffSeconds * SECOND_MS, longestMs: Math.max(HOUR_MS, backoffSeconds * SECOND_MS) };
  const nextAttemptAt = now + backoffMs(attempt, backoff);
  if (attempt > count || nextAttemptAt > dueAt + maxAgeSeconds * SECOND_MS) return { outcome: "failed" };
  return { outcome: "retrying", attempt: attempt + 1, nextAttemptAt };
}
