/** Checks all targets of a run, as many at a time as the function's processor can serve. */
import { sleep, type Clock } from "../../shared/clock";
import { mapConcurrently, semaphore } from "../../shared/resilience/concurrency";
import { MAX_CONCURRENT_CHECKS, SLOT_SECONDS, startingChecks, type Target } from "../contract";
import { checkTarget, type ProbePorts, type ProbeResult } from "./check-target";

/** While an event waits for longer, no check begins: it would wait as well, and so would those that have begun. */
const MAX_LAG_MS = 2;
const LOOK_AGAIN_MS = 1;
/** A processor that is always behind begins a check nevertheless. All slots together wait less than {@link SLOT_SECONDS}. */
const MAX_WAIT_MS = 20;

/**
 * Beginnings are expensive (TLS handshakes), waiting is not: a check holds one of the few slots until it ends, or for
 * {@link SLOT_SECONDS} when its target does not respond. One begins after another, and only when the event loop is not behind. So the
 * processor is never far behind, whatever it can do, and latencies are those of targets.
 */
export function checkTargets(targets: readonly Target[], memoryMb: number, ports: ProbePorts): Promise<ProbeResult[]> {
  const { clock } = ports;
  const slot = semaphore(startingChecks(memoryMb));
  const oneAtATime = semaphore(1);
  return mapConcurrently(targets, MAX_CONCURRENT_CHECKS, async (target) => {
    const { check } = await slot(async () => {
      const end = clock.elapsed() + SLOT_SECONDS * 1_000;
      await oneAtATime(() => eventLoopIsCurrent(ports));
      const begun = checkTarget(target, ports);
      await firstOf(begun, Math.max(0, end - clock.elapsed()), clock);
      return { check: begun };
    });
    return check;
  });
}

async function eventLoopIsCurrent({ lag = () => 0, clock }: ProbePorts): Promise<void> {
  const latest = clock.elapsed() + MAX_WAIT_MS;
  do await sleep(clock, LOOK_AGAIN_MS);
  while (lag() > MAX_LAG_MS && clock.elapsed() < latest);
}

async function firstOf(check: Promise<unknown>, milliseconds: number, clock: Clock): Promise<void> {
  let cancel = (): void => undefined;
  const patience = new Promise<void>((resolve) => {
    cancel = clock.after(milliseconds, resolve);
  });
  await Promise.race([check, patience]);
  cancel();
}
