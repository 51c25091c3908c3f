/** Simulates 90 days of checks for the monitors of main.ts, so that the status page has a history. Pure, apart from the save. */

import { monitorsOf, type Configuration, type Monitor } from "../../../functions/heartbeats/monitors/policy";
import { cronResult, type CheckResult } from "../../../functions/heartbeats/monitors/check-result";
import type {
  ClosedIncident,
  MonitorState,
  PeriodRollup,
  Transition,
} from "../../../functions/heartbeats/monitors/state";
import type { StateTable } from "../../../functions/heartbeats/monitors/state-table";
import { applyCheckResult } from "../../../functions/heartbeats/monitors/state-transition";
import { DAY_MS, HOUR_MS, MINUTE_MS, startOfUtcDay } from "../../../functions/shared/time";

export const HISTORY_DAYS = 90;

/** Marks states that no check has written. */
const SAMPLE_RUN = "sample";

const TICK_MS = 10 * MINUTE_MS;

/** A save is a transaction of at most 100 items: hours, their days, and the state. */
const HOURS_PER_SAVE = 72;

/** A state with more saves than these has a history of its own. */
const REPLACED_REVISIONS = 5;

/** A time of failures, relative to now. */
interface Outage {
  readonly hoursAgo: number;
  readonly minutes: number;
  readonly message: string;
}

interface SampleTarget {
  readonly latencyMs: number;
  readonly outages: readonly Outage[];
}

/** By target in main.ts. */
const TARGETS: Readonly<Record<string, SampleTarget>> = {
  "aws-emulator": {
    latencyMs: 12,
    outages: [
      { hoursAgo: 61 * 24 + 5, minutes: 50, message: "status 503, expected 200-299" },
      { hoursAgo: 17 * 24 + 2, minutes: 80, message: "timeout after 10 s" },
    ],
  },
  unreachable: {
    latencyMs: 140,
    outages: [
      { hoursAgo: 83 * 24, minutes: 300, message: "connection refused" },
      { hoursAgo: 44 * 24 + 9, minutes: 26 * 60, message: "connection refused" },
      { hoursAgo: 20 * 24 + 3, minutes: 90, message: "timeout after 2 s" },
      { hoursAgo: 5, minutes: 6 * 60, message: "connection refused" }, // until now
    ],
  },
};

/** Nightly heartbeats arrive at 02:00 UTC, except in these nights. */
const NIGHTLY_CRON_MONITOR = "nightly-backup";
const HEARTBEAT_HOUR = 2;
const MISSED_DAYS_AGO = [12, 41];

export interface SampleHistory {
  readonly monitor: Monitor;
  readonly state: MonitorState;
  readonly hours: readonly PeriodRollup[];
  readonly incidents: readonly ClosedIncident[];
}

/** The histories of all monitors that main.ts has for `local`; none if the configuration is another. */
export function sampleHistories(configuration: Configuration, now: number): readonly SampleHistory[] {
  const monitors = monitorsOf(configuration, 1);
  if (!monitors.some(({ kind, name }) => kind === "target" && name in TARGETS)) return [];
  return monitors.flatMap((monitor) => {
    const check = checksOf(monitor, configuration, now);
    return check === undefined ? [] : [simulate(monitor, check, now)];
  });
}

type Check = (tick: number) => CheckResult;

function checksOf({ kind, name }: Monitor, { cronMonitors }: Configuration, now: number): Check | undefined {
  if (kind === "target") {
    const target = TARGETS[name];
    return target && ((tick) => targetCheck(target, tick, now));
  }
  const cron = cronMonitors.find((each) => each.name === name);
  if (cron === undefined || name !== NIGHTLY_CRON_MONITOR) return undefined;
  const since = firstTick(now);
  return (tick) => cronResult(cron, { heartbeatAt: heartbeatBefore(tick, now) }, since, tick);
}

function targetCheck({ latencyMs, outages }: SampleTarget, tick: number, now: number): CheckResult {
  const outage = outages.find(({ hoursAgo, minutes }) => {
    const start = now - hoursAgo * HOUR_MS;
    return tick >= start && tick < start + minutes * MINUTE_MS;
  });
  if (outage !== undefined)
    return { health: "down", at: tick, reason: "refused", message: outage.message, latencyMs: 2_000 };
  // Slower by day than by night, with a deterministic spread.
  const byDay = 1 + 0.4 * Math.sin((2 * Math.PI * (tick % DAY_MS)) / DAY_MS);
  const spread = 1 + ((tick / TICK_MS) % 7) / 10;
  return { health: "up", at: tick, latencyMs: Math.round(latencyMs * byDay * spread) };
}

/** The last nightly heartbeat that has arrived. */
function heartbeatBefore(tick: number, now: number): number {
  const missed = MISSED_DAYS_AGO.map((days) => startOfUtcDay(now) - days * DAY_MS);
  let day = startOfUtcDay(tick - HEARTBEAT_HOUR * HOUR_MS);
  while (missed.includes(day)) day -= DAY_MS;
  return day + HEARTBEAT_HOUR * HOUR_MS;
}

const lastTick = (now: number) => now - (now % MINUTE_MS);
const firstTick = (now: number) => lastTick(now) - HISTORY_DAYS * DAY_MS;

function simulate(monitor: Monitor, check: Check, now: number): SampleHistory {
  const policy = { ...monitor.policy, intervalMs: TICK_MS };
  const hours: PeriodRollup[] = [];
  const incidents: ClosedIncident[] = [];
  let state: MonitorState | undefined;
  for (let tick = firstTick(now); tick <= lastTick(now); tick += TICK_MS) {
    const transition = applyCheckResult(state, marked(check(tick)), { id: SAMPLE_RUN, tick }, policy);
    if (transition === undefined) continue;
    // Sample incidents send no notifications.
    state = { ...transition.state, outbox: [] };
    hours.push(...transition.hours);
    if (transition.incident !== undefined) incidents.push(transition.incident);
  }
  if (state === undefined) throw new RangeError("no tick in the history");
  return { monitor, state: { ...state, sampleUntil: lastTick(now) + 1 }, hours, incidents };
}

const marked = ({ message, ...result }: CheckResult): CheckResult => ({
  ...result,
  ...(message !== undefined && { message: `sample: ${message}` }),
});

/**
 * Saves a history, unless the monitor has one already. The state of a few checks is replaced: on a slow machine, the schedule runs before
 * the sample data. Each part is saved with the next revision of the current state, so that checks that run meanwhile count.
 * @returns whether it was saved
 */
export async function saveHistory(
  { monitor: { key, kind }, state, hours, incidents }: SampleHistory,
  table: Pick<StateTable, "readOne" | "save" | "recordReport">,
): Promise<boolean> {
  let current: MonitorState;
  do {
    const { revision = 0 } = (await table.readOne(key)) ?? {};
    if (revision > REPLACED_REVISIONS) return false;
    current = { ...state, revision: revision + 1 };
  } while (!(await table.save(key, { state: current, hours: [] })));
  const { heartbeatAt } = state.lastCheck;
  if (kind === "cron" && heartbeatAt !== undefined) await table.recordReport(key, { event: "success" }, heartbeatAt);
  const parts = partsOf(hours, incidents);
  for (const [index, part] of parts.entries()) {
    // The status page reads a history again when an incident has closed: after the last part, when the history is whole.
    const closed = index === parts.length - 1 ? 1 : 0;
    const after = (latest: MonitorState): MonitorState => ({
      ...latest,
      revision: latest.revision + 1,
      closedIncidents: latest.closedIncidents + closed,
    });
    let next = after(current);
    while (!(await table.save(key, { ...part, state: next }))) next = after((await table.readOne(key)) ?? current);
    current = next;
  }
  return true;
}

function partsOf(
  hours: readonly PeriodRollup[],
  incidents: readonly ClosedIncident[],
): readonly Omit<Transition, "state">[] {
  const parts: Omit<Transition, "state">[] = [];
  for (let index = 0; index < hours.length; index += HOURS_PER_SAVE) {
    const incident = incidents[parts.length];
    parts.push({ hours: hours.slice(index, index + HOURS_PER_SAVE), ...(incident && { incident }) });
  }
  return [...parts, ...incidents.slice(parts.length).map((incident) => ({ hours: [], incident }))];
}
