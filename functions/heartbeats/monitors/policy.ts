/** The monitors of an environment, and the thresholds that apply to each. */
import { HOUR_MS, MINUTE_MS } from "../../shared/time";
import { isScheduleMonitorKey, scheduleMonitorKey } from "../../shared/schedule-monitor";
import type {
  CronMonitor,
  MaintenanceWindow,
  MonitorSettings,
  ScheduleMonitor,
  StoredBrand,
  Target,
} from "../contract";
import { cronResult, scheduleResult, type CheckResult } from "./check-result";
import { dueAfter, type Job } from "./job";
import type { MonitorState } from "./state";

export interface Configuration extends Omit<MonitorSettings, "cronMonitors"> {
  readonly cronMonitors: readonly CronMonitor[];
  readonly targets: readonly Target[];
  /** @default none */
  readonly schedules?: readonly ScheduleMonitor[];
  readonly brand: StoredBrand;
  /** Malformed targets, cron monitors and schedules: not checked, and not removed either. */
  readonly setAside?: readonly SetAsideItem[];
}

export interface SetAsideItem {
  /** Undefined where that is malformed, too. */
  readonly name?: string;
  readonly problem: string;
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

/** A target, a cron monitor or a schedule. */
export interface Monitor {
  /** Partition key in the state table. */
  readonly key: string;
  readonly name: string;
  /** `cron`: also a schedule. */
  readonly kind: "target" | "cron";
  /** Display name. */
  readonly title: string;
  readonly description?: string;
  /** Heading on the status page. */
  readonly group?: string;
  /** False: not on the status page. */
  readonly isPublic: boolean;
  /** Cron monitors: when the heartbeat after one is due at the latest, grace included; epoch milliseconds. */
  readonly dueAfter?: (heartbeatAt: number) => number | undefined;
  /** Cron monitors and schedules: the result at a tick, from what was reported. */
  readonly resultOf?: (
    job: Job,
    state: Pick<MonitorState, "firstTick" | "lastTick" | "lastCheck"> | undefined,
    tick: number,
  ) => CheckResult;
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
  schedule: scheduleMonitorKey,
  network: "checker/network",
  maintenance: "checker/maintenance",
} as const;

/** Of a cron monitor or a schedule, which report their runs. */
export function isReportedKey(key: string): boolean {
  return key.startsWith("cron/") || isScheduleMonitorKey(key);
}

/**
 * Monitors of the checker itself, not on the status page: its own network, down while no canary responds; and announced maintenance,
 * "down" while there is some, so that its begin and its end are notified like any change.
 */
export function checkerMonitors(
  { remindAfterHours }: Configuration,
  intervalMinutes: number,
): {
  readonly network: Monitor;
  readonly maintenance: Monitor;
} {
  const monitor = (name: string, remindAfterMs: number): Monitor => {
    const policy = { ...IMMEDIATE, maintenance: [], intervalMs: intervalMinutes * MINUTE_MS, remindAfterMs };
    return { key: name, name, title: name, kind: "target", isPublic: false, policy };
  };
  return {
    network: monitor(monitorKey.network, remindAfterHours * HOUR_MS),
    maintenance: monitor(monitorKey.maintenance, Infinity),
  };
}

/** All monitors: targets, then cron monitors, then schedules, in the order of the configuration. */
export function monitorsOf(
  { targets, cronMonitors, schedules = [], maintenance, remindAfterHours }: Configuration,
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
      return { key: monitorKey.target(name), name, kind: "target", ...shownAs({ name, ...target }), url, policy };
    }),
    // The grace period is a cron monitor's tolerance: the first late check opens its incident.
    ...cronMonitors.map(({ name, ...cron }): Monitor => {
      const policy = {
        ...IMMEDIATE,
        maintenance: [...maintenance, ...cron.maintenance],
        ...shared,
      };
      return {
        key: monitorKey.cron(name),
        name,
        kind: "cron",
        ...shownAs({ name, ...cron }),
        dueAfter: (at) => dueAfter(cron, at),
        resultOf: (job, state, tick) => cronResult(cron, job, state?.firstTick ?? tick, tick, state),
        policy,
      };
    }),
    ...schedules.map((schedule): Monitor => ({
      key: monitorKey.schedule(schedule.name),
      name: schedule.name,
      kind: "cron",
      ...shownAs(schedule),
      resultOf: (job, state, tick) => scheduleResult(job, state?.lastTick, tick),
      policy: { ...IMMEDIATE, maintenance, ...shared },
    })),
  ];
}

function shownAs({
  name,
  title = name,
  description,
  group,
  public: isPublic = true,
}: Pick<Target | CronMonitor, "name" | "title" | "description" | "group" | "public">) {
  return { title, ...(description !== undefined && { description }), ...(group !== undefined && { group }), isPublic };
}
