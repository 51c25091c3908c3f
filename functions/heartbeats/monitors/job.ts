/** What a job (cron monitor) reports, and when its next report is due. Times are epoch milliseconds. Pure. */
import * as z from "zod";

import { nextCronDue } from "../../shared/calendar/cron";
import { scheduleReportSchema } from "../../shared/schedule-monitor";
import { instantSchema } from "../../shared/instant";
import { MINUTE_MS, SECOND_MS } from "../../shared/time";
import type { CronMonitor } from "../contract";

/** A job's clock may be ahead of ours. */
const EARLY_MS = MINUTE_MS;

export const MAX_LOG_BYTES = 10_240;

export type JobEvent = "success" | "start" | "fail";

/** What a job says of a run. */
export interface JobReport {
  readonly event: JobEvent;
  readonly exitCode?: number | undefined;
  readonly durationMs?: number | undefined;
  /** The end of the run's output. */
  readonly log?: string | undefined;
}

/** The stored reports. */
export const jobSchema = z.object({
  /** The last run that succeeded. */
  heartbeatAt: instantSchema.optional(),
  /** Of the run that has not ended. */
  startedAt: instantSchema.optional(),
  failedAt: instantSchema.optional(),
  /** Of the last run that ended. */
  exitCode: z.number().optional(),
  durationMs: z.number().optional(),
  /** When the last run that ended began; when it ended, where that was not reported. */
  runStartedAt: instantSchema.optional(),
  ...scheduleReportSchema.shape,
});

export type Job = z.output<typeof jobSchema>;

export type JobSchedule = Pick<CronMonitor, "everySeconds" | "cron" | "zone" | "graceSeconds">;

/** When the report after one at `last` is due at the latest: grace included. Undefined: never. */
export function dueAfter(
  { everySeconds, cron, zone = "UTC", graceSeconds }: JobSchedule,
  last: number,
): number | undefined {
  const next =
    cron === undefined ? last + (everySeconds ?? Infinity) * SECOND_MS : nextCronDue(cron, zone, last + EARLY_MS);
  return next === undefined || next === Infinity ? undefined : next + graceSeconds * SECOND_MS;
}

/** Whether a run has begun and not ended. */
export function isRunning({ startedAt = -Infinity, heartbeatAt = -Infinity, failedAt = -Infinity }: Job): boolean {
  return startedAt > Math.max(heartbeatAt, failedAt);
}

/** How long the last run took, as it said itself or else from its start to its end. */
export function runDurationMs({ heartbeatAt = 0, failedAt = 0, durationMs, runStartedAt }: Job): number | undefined {
  if (durationMs !== undefined || runStartedAt === undefined) return durationMs;
  const measured = Math.max(heartbeatAt, failedAt) - runStartedAt;
  return measured > 0 ? measured : undefined;
}

/** Whether the last run that ended has failed. */
export function hasFailed({ heartbeatAt = -Infinity, failedAt = -Infinity }: Job): boolean {
  return failedAt > heartbeatAt;
}
