/** Checks all targets of a run, as many at a time as the function's processor can serve. */
import type { Clock } from "../../shared/clock";
import { mapConcurrently, semaphore } from "../../shared/resilience/concurrency";
import { MAX_CONCURRENT_CHECKS, SLOT_SECONDS, startingChecks, type Target } from "../contract";
import { checkTarget, type ProbePorts, type ProbeResult } from "./check-target";

/**
 * Beginnings are expensive (TLS handshakes), waiting is not: a check holds one of the few slots until it ends, or for
 * {@link SLOT_SECONDS} when its target does not respond. So the processor is never far behind, and latencies are those of targets.
 */
export function checkTargets(targets: readonly Target[], memoryMb: number, ports: ProbePorts): Promise<ProbeResult[]> {
  const slot = semaphore(startingChecks(memoryMb));
  return mapConcurrently(targets, MAX_CONCURRENT_CHECKS, async (target) => {
    let check: Promise<ProbeResult> | undefined;
    await slot(() => {
      check = checkTarget(target, ports);
      return firstOf(check, ports.clock);
    });
    return check ?? checkTarget(target, ports);
  });
}

async function firstOf(check: Promise<unknown>, clock: Clock): Promise<void> {
  let cancel = (): void => undefined;
  const patience = new Promise<void>((resolve) => {
    cancel = clock.after(SLOT_SECONDS * 1_000, resolve);
  });
  await Promise.race([check, patience]);
  cancel();
}
