/** How long the checker itself was busy: measured at a timer that fires late. */
import type { Outcome, Target } from "../contract";

const PERIOD_MS = 10;

/** Timers of an idle process are late by this much as well. */
const NOISE_MS = 5;

/** The total lag so far, in milliseconds: the difference of two readings is the lag between them. */
export type LagMeter = () => number;

/** Measures until `stop` is called. */
export function startLagMeter(): { readonly read: LagMeter; readonly stop: () => void } {
  let total = 0;
  let expected = performance.now() + PERIOD_MS;
  const lateness = () => {
    const late = performance.now() - expected;
    return late > NOISE_MS ? late : 0;
  };
  const timer = setInterval(() => {
    total += lateness();
    expected = performance.now() + PERIOD_MS;
  }, PERIOD_MS);
  timer.unref();
  return {
    read: () => total + lateness(),
    stop: () => {
      clearInterval(timer);
    },
  };
}

/** Of the time that a timeout took: more lag than both makes it the checker's fault. A short timeout has the second at half of it. */
const MAX_LAG_SHARE = 0.1;
const MAX_LAG_MS = 1_000;
const MAX_LAG_SHARE_OF_SHORT = 0.5;

/** A failure that the checker's own lag may have caused is no failure of the target: it was not measured. */
export function withoutOwnLag(outcome: Outcome, target: Target, latencyMs: number, lagMs: number): Outcome {
  if (outcome.ok) return outcome;
  const { reason } = outcome;
  const isOwn =
    (reason === "slow" && latencyMs - lagMs <= (target.maxLatencyMs ?? Infinity)) ||
    (reason === "timeout" && lagMs > maxLagMs(latencyMs)) ||
    (reason === "reset" && lagMs > MAX_LAG_MS); // a server gives up on the checker after seconds
  if (!isOwn) return outcome;
  const message = `not measured: the checker was busy for ${Math.round(lagMs)} of ${Math.round(latencyMs)} ms`;
  return { ok: false, reason: "unmeasured", message };
}

function maxLagMs(latencyMs: number): number {
  return Math.max(MAX_LAG_SHARE * latencyMs, Math.min(MAX_LAG_MS, MAX_LAG_SHARE_OF_SHORT * latencyMs));
}
