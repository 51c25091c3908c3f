/** The result of one check of a monitor, as its state stores it. */
import * as z from "zod";

import { BROKEN_REASONS, DEGRADED_REASONS, type CronMonitor } from "../contract";
import type { ProbeResult } from "../probe/check-target";
import { instantSchema } from "../../shared/instant";
import { SECOND_MS, isoSeconds } from "../../shared/time";
import { dueAfter, hasFailed, isRunning, runDurationMs, type Job, type JobSchedule } from "./job";

export const checkResultSchema = z.object({
  /** `degraded`: passed, but slow or with an expiring certificate. `unknown`: the check itself broke, or no heartbeat is due yet. */
  health: z.enum(["up", "degraded", "down", "unknown"]),
  /** Epoch milliseconds. */
  at: instantSchema,
  /** Human-readable; absent where health is `up`. */
  message: z.string().optional(),
  reason: z.string().optional(),
  latencyMs: z.number().optional(),
  certificateDaysLeft: z.number().optional(),
  certificateFingerprint: z.string().optional(),
  /** Cron monitors and schedules: the last run that succeeded, epoch milliseconds. */
  heartbeatAt: instantSchema.optional(),
  /** Cron monitors and schedules: how long the last run took. */
  durationMs: z.number().optional(),
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

/** What the last tick has seen of a job. */
interface LastSeen {
  readonly lastTick: number;
  readonly lastCheck: Pick<CheckResult, "reason">;
}

/** A report that was written while the checker read may be a little older than its tick. */
const REPORT_DELAY_MS = 10 * SECOND_MS;

/**
 * Down once a report is overdue, a run takes too long, or the last one failed; also if a run has failed since the last tick and a later one
 * has succeeded: a job may run more often than the checker. Before the first report its time counts from the tick that first knew the monitor.
 * Times in epoch milliseconds.
 */
export function cronResult(
  schedule: JobSchedule & Pick<CronMonitor, "maxRunSeconds">,
  job: Job,
  knownSince: number,
  tick: number,
  before?: LastSeen,
): CheckResult {
  const { heartbeatAt, startedAt, failedAt } = job;
  const details = detailsOf(job, tick);
  const fault = isMadeGood(job, before)
    ? { reason: "job-failed", message: "the job failed, and has succeeded since" }
    : faultOf(schedule, job, knownSince, tick);
  if (fault !== undefined) return { health: "down", ...fault, ...details };
  if (heartbeatAt !== undefined) return { health: "up", ...details };
  const message = startedAt === undefined && failedAt === undefined ? "no heartbeat yet" : "no run has ended yet";
  return { health: "unknown", message, ...details };
}

/** Whether a failure that no tick has seen is made good. */
function isMadeGood(job: Job, before: LastSeen | undefined): boolean {
  return before?.lastCheck.reason !== "job-failed" && !hasFailed(job) && isNews(job.failedAt, before?.lastTick);
}

/** Whether a failure was reported since the last tick. */
function isNews(reportedAt: number | undefined, lastTick: number | undefined): boolean {
  return reportedAt !== undefined && lastTick !== undefined && reportedAt > lastTick - REPORT_DELAY_MS;
}

/**
 * Down after a run that failed or was missed, and once the next run is overdue. A failure that was reported since the last tick counts even
 * if a later run has succeeded: a schedule may run more often than the checker. Times in epoch milliseconds.
 */
export function scheduleResult(job: Job, lastTick: number | undefined, tick: number): CheckResult {
  const { heartbeatAt, failure, expectedBefore } = job;
  const details = detailsOf(job, tick);
  const isNew = isNews(failure?.reportedAt, lastTick);
  if (failure !== undefined && (isNew || hasFailed(job))) {
    const { reason, message } = failure;
    return { health: "down", reason, message, ...details };
  }
  if (expectedBefore !== undefined && tick > expectedBefore) {
    const message = `a run was expected by ${isoSeconds(expectedBefore)}`;
    return { health: "down", reason: "run-overdue", message, ...details };
  }
  return heartbeatAt === undefined
    ? { health: "unknown", message: "no run has ended yet", ...details }
    : { health: "up", ...details };
}

function detailsOf(job: Job, at: number): Pick<CheckResult, "at" | "heartbeatAt" | "durationMs"> {
  const { heartbeatAt } = job;
  const durationMs = runDurationMs(job);
  return {
    at,
    ...(heartbeatAt !== undefined && { heartbeatAt }),
    ...(durationMs !== undefined && { durationMs }),
  };
}

function faultOf(
  schedule: JobSchedule & Pick<CronMonitor, "maxRunSeconds">,
  job: Job,
  knownSince: number,
  tick: number,
): { readonly reason: string; readonly message: string } | undefined {
  const { heartbeatAt, startedAt = 0, failedAt, exitCode } = job;
  const { everySeconds, cron = "", zone = "UTC", maxRunSeconds = Infinity } = schedule;
  if (hasFailed(job))
    return {
      reason: "job-failed",
      message: `the job failed${exitCode === undefined ? "" : `: exit code ${exitCode}`}`,
    };
  const running = isRunning(job);
  if (running && tick - startedAt > maxRunSeconds * SECOND_MS)
    return {
      reason: "job-too-long",
      message: `running since ${new Date(startedAt).toISOString()}, at most ${maxRunSeconds} s expected`,
    };
  const last = running ? startedAt : (heartbeatAt ?? failedAt ?? knownSince);
  const due = dueAfter(schedule, last);
  if (due === undefined || tick <= due) return undefined;
  const expected = everySeconds === undefined ? `at ${cron} (${zone})` : `every ${everySeconds} s`;
  return {
    reason: "missing-heartbeat",
    message: `no heartbeat since ${new Date(last).toISOString()}, expected ${expected}`,
  };
}
