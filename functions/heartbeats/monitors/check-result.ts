/** What checks and reports say of a subject, in the terms of its state. */
import type { ProbeResult } from "../probe/check-target";
import { BROKEN_REASONS, type CronMonitor } from "../contract";
import type { CheckResult } from "./state";

/** A check that broke by itself says nothing about the target: it counts neither as up nor as down. */
export function targetResult({ at, latencyMs, outcome }: ProbeResult): CheckResult {
  const { certificateDaysLeft, certificateFingerprint } = outcome;
  const seen = {
    at,
    latencyMs: Math.round(latencyMs),
    ...(certificateDaysLeft !== undefined && { certificateDaysLeft }),
    ...(certificateFingerprint !== undefined && { certificateFingerprint }),
  };
  if (outcome.ok) return { health: "up", ...seen };
  const { reason, message } = outcome;
  return { health: BROKEN_REASONS.has(reason) ? "unknown" : "down", reason, message, ...seen };
}

/**
 * Whether a job is silent for longer than it may. One that has never reported is waited for as long, from when it was first
 * known, and until then nothing is said of it.
 *
 * @param reportedAt of its last report; times in epoch milliseconds
 */
export function cronResult(
  { everySeconds, graceSeconds }: Pick<CronMonitor, "everySeconds" | "graceSeconds">,
  reportedAt: number | undefined,
  knownSince: number,
  tick: number,
): CheckResult {
  const last = reportedAt ?? knownSince;
  const reported = reportedAt === undefined ? {} : { reportedAt };
  if (tick - last > (everySeconds + graceSeconds) * 1_000) {
    const since = new Date(last).toISOString();
    const message = `no report since ${since}, expected every ${everySeconds} s`;
    return { health: "down", at: tick, reason: "silence", message, ...reported };
  }
  if (reportedAt === undefined) return { health: "unknown", at: tick, message: "no report yet" };
  return { health: "up", at: tick, ...reported };
}
