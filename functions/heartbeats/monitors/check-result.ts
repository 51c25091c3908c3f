/** The result of one check of a monitor, as its state stores it. */
import * as z from "zod";

import { BROKEN_REASONS, DEGRADED_REASONS, type CronMonitor } from "../contract";
import type { ProbeResult } from "../probe/check-target";
import { SECOND_MS } from "../../shared/time";

export const checkResultSchema = z.object({
  /** `degraded`: passed, but slow or with an expiring certificate. `unknown`: the check itself broke, or no heartbeat is due yet. */
  health: z.enum(["up", "degraded", "down", "unknown"]),
  /** Epoch milliseconds. */
  at: z.number(),
  /** Human-readable; absent where health is `up`. */
  message: z.string().optional(),
  reason: z.string().optional(),
  latencyMs: z.number().optional(),
  certificateDaysLeft: z.number().optional(),
  certificateFingerprint: z.string().optional(),
  /** Cron monitors: the last heartbeat, epoch milliseconds. */
  heartbeatAt: z.number().optional(),
});

export type CheckResult = z.output<typeof checkResultSchema>;

/** A broken check says nothing about the target: its health is `unknown`. */
export function targetResult({ at, latencyMs, outcome }: ProbeResult): CheckResult {
  const { certificateDaysLeft, certificateFingerprint } = outcome;
  const details = {
    at,
    latencyMs: Math.round(latencyMs),
    ...(certificateDaysLeft !== undefined && { certificateDaysLeft }),
    ...(certificateFingerprint !== undefined && { certificateFingerprint }),
  };
  if (outcome.ok) return { health: "up", ...details };
  const { reason, message } = outcome;
  const health = BROKEN_REASONS.has(reason) ? "unknown" : DEGRADED_REASONS.has(reason) ? "degraded" : "down";
  return { health, reason, message, ...details };
}

/**
 * Down once the last heartbeat is older than interval plus grace. Before the first heartbeat the same time counts from the
 * tick that first knew the monitor. Times in epoch milliseconds.
 */
export function cronResult(
  { everySeconds, graceSeconds }: Pick<CronMonitor, "everySeconds" | "graceSeconds">,
  heartbeatAt: number | undefined,
  knownSince: number,
  tick: number,
): CheckResult {
  const last = heartbeatAt ?? knownSince;
  const details = { at: tick, ...(heartbeatAt !== undefined && { heartbeatAt }) };
  if (tick - last > (everySeconds + graceSeconds) * SECOND_MS) {
    const message = `no heartbeat since ${new Date(last).toISOString()}, expected every ${everySeconds} s`;
    return { health: "down", reason: "missing-heartbeat", message, ...details };
  }
  if (heartbeatAt === undefined) return { health: "unknown", message: "no heartbeat yet", ...details };
  return { health: "up", ...details };
}
