/** The monitors of an environment, and the thresholds that apply to each. */
import { HOUR_MS, MINUTE_MS, SECOND_MS } from "../../shared/time";
import type { MaintenanceWindow, MonitorSettings, Target } from "../contract";

export interface Configuration extends MonitorSettings {
  readonly targets: readonly Target[];
}

export interface MonitorPolicy {
  readonly failuresBeforeDown: number;
  /** Number of latest checks in which failures count. */
  readonly failuresWithin: number;
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
  /** False: not on the status page. */
  readonly isPublic: boolean;
  /** A cron monitor's longest time between heartbeats, grace period included. */
  readonly dueAfterMs?: number;
  /** A target's URL. */
  readonly url?: string;
  readonly policy: MonitorPolicy;
}

/** The first failed check opens an incident, the first good one closes it. */
const IMMEDIATE = { failuresBeforeDown: 1, failuresWithin: 1, successesBeforeUp: 1 } as const;

/** Partition keys. A target's name has no slash, so a cron monitor may share it. */
export const monitorKey = {
  target: (name: string): string => name,
  cron: (name: string): string => `cron/${name}`,
  network: "checker/network",
} as const;

export function isCronKey(key: string): boolean {
  return key.startsWith("cron/");
}

/** The checker's own network: down while no canary responds. Not on the status page. */
export function networkMonitor({ remindAfterHours }: Configuration, intervalMinutes: number): Monitor {
  const times = { intervalMs: intervalMinutes * MINUTE_MS, remindAfterMs: remindAfterHours * HOUR_MS };
  const policy = { ...IMMEDIATE, maintenance: [], ...times };
  return { key: monitorKey.network, name: monitorKey.network, kind: "target", isPublic: false, policy };
}

/** All monitors: targets, then cron monitors, in the order of the configuration. */
export function monitorsOf(
  { targets, cronMonitors, maintenance, remindAfterHours }: Configuration,
  intervalMinutes: number,
): readonly Monitor[] {
  const shared = { intervalMs: intervalMinutes * MINUTE_MS, remindAfterMs: remindAfterHours * HOUR_MS };
  return [
    ...targets.map(({ name, url, failuresBeforeDown, successesBeforeUp, ...target }): Monitor => {
      const policy = {
        failuresBeforeDown,
        failuresWithin: target.failuresWithin ?? 2 * failuresBeforeDown - 1,
        successesBeforeUp,
        maintenance: [...maintenance, ...target.maintenance],
        ...shared,
      };
      return { key: monitorKey.target(name), name, kind: "target", isPublic: target.public ?? true, url, policy };
    }),
    // The grace period is a cron monitor's tolerance: the first late check opens its incident.
    ...cronMonitors.map(({ name, ...cron }): Monitor => {
      const dueAfterMs = (cron.everySeconds + cron.graceSeconds) * SECOND_MS;
      const policy = {
        ...IMMEDIATE,
        maintenance: [...maintenance, ...cron.maintenance],
        ...shared,
      };
      return { key: monitorKey.cron(name), name, kind: "cron", isPublic: cron.public ?? true, dueAfterMs, policy };
    }),
  ];
}
