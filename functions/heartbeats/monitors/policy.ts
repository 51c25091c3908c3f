import { HOUR_MS, MINUTE_MS } from "../../shared/time";
import type { Job, Target, Watch } from "../contract";
import { subjectOf } from "./state-table";
import type { Rules } from "./state";

/** A target or a job, as states, incidents and the status page know it. */
export interface Subject {
  /** Its key in the state table. */
  readonly subject: string;
  readonly name: string;
  readonly kind: "target" | "job";
  readonly rules: Rules;
}

export function subjectOfTarget(target: Target, watch: Watch, intervalMinutes: number): Subject {
  const rules = rulesOf(target, target.maintenance, watch, intervalMinutes);
  return { subject: subjectOf.target(target.name), name: target.name, kind: "target", rules };
}

/** A job's grace is all the patience it needs: its first late look is its incident. */
export function subjectOfJob(job: Job, watch: Watch, intervalMinutes: number): Subject {
  const rules = rulesOf({ failuresBeforeDown: 1, successesBeforeUp: 1 }, job.maintenance, watch, intervalMinutes);
  return { subject: subjectOf.job(job.name), name: job.name, kind: "job", rules };
}

function rulesOf(
  { failuresBeforeDown, successesBeforeUp }: Pick<Rules, "failuresBeforeDown" | "successesBeforeUp">,
  maintenance: Rules["maintenance"],
  watch: Watch,
  intervalMinutes: number,
): Rules {
  return {
    failuresBeforeDown,
    successesBeforeUp,
    maintenance: [...watch.maintenance, ...maintenance],
    intervalMs: intervalMinutes * MINUTE_MS,
    remindAfterMs: watch.remindAfterHours * HOUR_MS,
  };
}
