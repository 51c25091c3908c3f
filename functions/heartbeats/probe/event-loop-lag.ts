/** How long the checker itself was busy: measured at a timer that fires late. */
import type { Outcome, Target } from "../contract";

const PERIOD_MS = 10;

/** The total lag so far, in milliseconds: the difference of two readings is the lag between them. */
export type LagMeter = () => number;

/** Measures until `stop` is called. */
export function startLagMeter(): { readonly read: LagMeter; readonly stop: () => void } {
  let total = 0;
  let expected = performance.now() + PERIOD_MS;
  const lateness = () => Math.max(0, performance.now() - expected);
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

/** A share of lag that makes a timeout the checker's fault. */
const MAX_LAG_SHARE = 0.1;

const TIMED_REASONS: ReadonlySet<string> = new Set(["timeout", "reset"]);

/** A failure that the checker's own lag may have caused is no failure of the target: it was not measured. */
export function withoutOwnLag(outcome: Outcome, target: Target, latencyMs: number, lagMs: number): Outcome {
  if (outcome.ok) return outcome;
  const { reason } = outcome;
  const isOwn =
    reason === "slow"
      ? latencyMs - lagMs <= (target.maxLatencyMs ?? Infinity)
      : TIMED_REASONS.has(reason) && lagMs > MAX_LAG_SHARE * latencyMs;
  if (!isOwn) return outcome;
  const message = `not measured: the checker was busy for ${Math.round(lagMs)} of ${Math.round(latencyMs)} ms`;
  return { ok: false, reason: "unmeasured", message };
}
