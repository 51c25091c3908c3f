import type { CronMonitor, Target, MonitorSettings } from "../contract";
import { monitorKey } from "./state-table";
import type { MonitorPolicy } from "./state";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

/** A target or a job, as states, incidents and the status page know it. */
export interface Monitor {
  /** Its key in the state table. */
  readonly key: string;
  readonly name: string;
  readonly kind: "target" | "job";
  readonly policy: MonitorPolicy;
}

export function targetMonitor(target: Target, watch: MonitorSettings, intervalMinutes: number): Monitor {
  const rules = policyOf(target, target.maintenance, watch, intervalMinutes);
  return { key: monitorKey.target(target.name), name: target.name, kind: "target", policy: rules };
}

/** A job's grace is all the patience it needs: its first late look is its incident. */
export function cronMonitor(job: CronMonitor, watch: MonitorSettings, intervalMinutes: number): Monitor {
  const rules = policyOf({ failuresBeforeDown: 1, successesBeforeUp: 1 }, job.maintenance, watch, intervalMinutes);
  return { key: monitorKey.cron(job.name), name: job.name, kind: "job", policy: rules };
}

function policyOf(
  { failuresBeforeDown, successesBeforeUp }: Pick<MonitorPolicy, "failuresBeforeDown" | "successesBeforeUp">,
  maintenance: MonitorPolicy["maintenance"],
  watch: MonitorSettings,
  intervalMinutes: number,
): MonitorPolicy {
  return {
    failuresBeforeDown,
    successesBeforeUp,
    maintenance: [...watch.maintenance, ...maintenance],
    intervalMs: intervalMinutes * MINUTE_MS,
    remindAfterMs: watch.remindAfterHours * HOUR_MS,
  };
}
