/** How long a check waited for the checker itself: its events happen before a busy or stopped process handles them. */
import { performance } from "node:perf_hooks";

import type { Outcome, Target } from "../contract";

/** A timer as frequent as this ends each wait for events: a longer wait shows that the process was stopped. */
const PERIOD_MS = 5;

/** How long the event that is handled now has waited for the process at most, in milliseconds. */
export type LagMeter = () => number;

/** One iteration of the event loop, until now. */
interface Iteration {
  readonly endedAt: number;
  /** How long the loop has waited for events since it began. */
  readonly idle: number;
  /** How long the events of this iteration have waited for the process at most. */
  readonly lag: number;
}

/**
 * Measures until `stop` is called. An event that is there when the loop looks for events is handled in that iteration: it happened after
 * the loop had looked before, so that it waited for two iterations at most.
 */
export function startLagMeter(): { readonly read: LagMeter; readonly stop: () => void } {
  let due = performance.now() + PERIOD_MS;
  let last: Iteration = { endedAt: performance.now(), idle: idleTime(), lag: 0 };
  const iteration = (): Iteration => {
    const [endedAt, idle] = [performance.now(), idleTime()];
    const waited = idle - last.idle;
    const busy = endedAt - last.endedAt - waited;
    const stopped = Math.min(waited, Math.max(0, endedAt - busy - due));
    return { endedAt, idle, lag: busy + stopped };
  };
  const timer = setInterval(() => {
    due = performance.now() + PERIOD_MS;
  }, PERIOD_MS).unref();
  // After the events of each iteration. Only with a reference would it keep the loop from waiting.
  let afterEvents: NodeJS.Immediate;
  const onEventsHandled = (): void => {
    last = iteration();
    afterEvents = setImmediate(onEventsHandled).unref();
  };
  afterEvents = setImmediate(onEventsHandled).unref();
  return {
    read: () => last.lag + iteration().lag,
    stop: () => {
      clearInterval(timer);
      clearImmediate(afterEvents);
    },
  };
}

function idleTime(): number {
  return performance.eventLoopUtilization().idle;
}

/** Adds up what the events of one check have waited, in milliseconds. Overlapping waits count once. */
export function lagOfEvents(read: LagMeter, elapsed: () => number): { readonly onEvent: () => void; total: number } {
  let counted = elapsed();
  const lag = {
    total: 0,
    onEvent: () => {
      const now = elapsed();
      lag.total += Math.min(read(), now - counted);
      counted = now;
    },
  };
  return lag;
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
