/** Logs and metrics of a run's checks. */
import type { Logger } from "../../shared/telemetry/logger";
import type { Metrics } from "../../shared/telemetry/metrics";
import { BROKEN_REASONS } from "../contract";
import type { ProbeResult } from "../probe/check-target";

/**
 * Logs and metrics of one run. A failed target is a warning; a fault of the checker is an error and counts in `brokenChecks`,
 * which has an alarm.
 *
 * @param durationMs of the run
 */
export function reportCheckMetrics(
  results: readonly ProbeResult[],
  durationMs: number,
  { logger, metrics }: { readonly logger: Logger; readonly metrics: Metrics },
): void {
  let failed = 0;
  let broken = 0;
  const unmeasured: string[] = [];
  for (const { target, latencyMs, outcome, fault } of results) {
    if (!outcome.ok && BROKEN_REASONS.has(outcome.reason)) {
      broken++;
      if (outcome.reason === "unmeasured") {
        unmeasured.push(outcome.message);
        continue;
      }
      logger.error("check broke", { target, error: fault });
      continue;
    }
    metrics.milliseconds("latency", latencyMs);
    if (outcome.ok) continue;
    failed++;
    logger.warn("check failed", { target, reason: outcome.reason, detail: outcome.message });
  }
  // All for one cause: a line for each would keep a busy checker busy.
  const [detail] = unmeasured;
  if (detail !== undefined) logger.error("checks not measured", { checks: unmeasured.length, detail });
  const checks = results.length;
  metrics.count("checks", checks);
  metrics.count("failedChecks", failed);
  metrics.count("brokenChecks", broken);
  logger.info("run finished", { checks, failed, broken, durationMs: Math.round(durationMs) });
}
