/** The monitors of an environment, and the thresholds that apply to each. */
import { HOUR_MS, MINUTE_MS } from "../../shared/time";
import type { MaintenanceWindow, MonitorSettings, Target } from "../contract";

export interface Configuration extends MonitorSettings {
  readonly targets: readonly Target[];
}

export interface MonitorPolicy {
  readonly failuresBeforeDown: number;
  readonly successesBeforeUp: number;
  readonly maintenance: readonly MaintenanceWindow[];
  readonly intervalMs: number;
  readonly remindAfterMs: number;
}

/** A target or a cron monitor. */
export interface Monitor {
  /** Partition key in the state table. */
  readonly key: string;
  readonly name: string;
  readonly kind: "target" | "cron";
  readonly policy: MonitorPolicy;
}

/** Partition keys. A target's name has no slash, so a cron monitor may share it. */
export const monitorKey = {
  target: (name: string): string => name,
  cron: (name: string): string => `cron/${name}`,
} as const;

export function isCronKey(key: string): boolean {
  return key.startsWith("cron/");
}

/** All monitors: targets, then cron monitors, in the order of the configuration. */
export function monitorsOf(
  { targets, cronMonitors, maintenance, remindAfterHours }: Configuration,
  intervalMinutes: number,
): readonly Monitor[] {
  const shared = { intervalMs: intervalMinutes * MINUTE_MS, remindAfterMs: remindAfterHours * HOUR_MS };
  return [
    ...targets.map(({ name, failuresBeforeDown, successesBeforeUp, ...target }): Monitor => {
      const policy = {
        failuresBeforeDown,
        successesBeforeUp,
        maintenance: [...maintenance, ...target.maintenance],
        ...shared,
      };
      return { key: monitorKey.target(name), name, kind: "target", policy };
    }),
    // The grace period is a cron monitor's tolerance: the first late check opens its incident.
    ...cronMonitors.map(({ name, ...cron }): Monitor => {
      const policy = {
        failuresBeforeDown: 1,
        successesBeforeUp: 1,
        maintenance: [...maintenance, ...cron.maintenance],
        ...shared,
      };
      return { key: monitorKey.cron(name), name, kind: "cron", policy };
    }),
  ];
}
