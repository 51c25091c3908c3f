/** Reports a schedule's runs to its monitor. */
import { isoSeconds } from "../../shared/time";
import type { Run } from "../contract";
import type { MonitorsTable } from "../storage/monitors-table";

/**
 * Reports the latest success, and the latest failure: a monitor has no history of runs. Idempotent.
 *
 * @param ended runs that have ended, of one schedule
 * @param now epoch milliseconds
 */
export async function reportRuns(
  schedule: string,
  ended: readonly Run[],
  monitors: MonitorsTable,
  now: number,
): Promise<void> {
  const success = latest(ended.filter(({ outcome }) => outcome === "succeeded"));
  if (success !== undefined) await monitors.succeeded(schedule, endOf(success), success.durationMs ?? 0);
  const failure = latest(ended.filter(({ outcome }) => outcome === "failed" || outcome === "missed"));
  if (failure === undefined) return;
  const { outcome, scheduledAt } = failure;
  const at = isoSeconds(scheduledAt);
  await monitors.failed(schedule, endOf(failure), {
    ...(outcome === "missed"
      ? { reason: "run-missed", message: `the run of ${at} was missed` }
      : { reason: "run-failed", message: `the run of ${at} failed` }),
    reportedAt: now,
  });
}

const endOf = ({ endedAt, scheduledAt }: Run): number => endedAt ?? scheduledAt;

function latest(runs: readonly Run[]): Run | undefined {
  return runs.toSorted((a, b) => endOf(b) - endOf(a))[0];
}
