/** What checks and reports say of a subject, in the terms of its state. */
import type { Observation } from "../probe/check-target";
import { BROKEN_REASONS, type Job } from "../contract";
import type { Finding } from "./state";

/** A check that broke by itself says nothing about the target: it counts neither as up nor as down. */
export function findingOfCheck({ at, latencyMs, outcome }: Observation): Finding {
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
export function findingOfJob(
  { everySeconds, graceSeconds }: Pick<Job, "everySeconds" | "graceSeconds">,
  reportedAt: number | undefined,
  knownSince: number,
  tick: number,
): Finding {
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
