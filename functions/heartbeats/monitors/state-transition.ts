/** The effect of one tick on a monitor's state. Pure; the state table makes each tick count once. */
import { HOUR_MS, startOfUtcHour } from "../../shared/time";
import type { CheckResult } from "./check-result";
import { histogramOf } from "./histogram";
import { nextStatus } from "./incidents";
import { inMaintenance, splitByMaintenance, type Interval } from "./maintenance";
import type { MonitorPolicy } from "./policy";
import { EMPTY_ROLLUP, isEmpty, sumOf, type Rollup } from "./roll-up";
import type { MonitorState, PeriodRollup, Run, Transition } from "./state";

/** EventBridge fires a little early or late: a gap begins beyond this many intervals between two ticks. */
const MAX_TICK_INTERVALS = 1.5;

/** Undefined if this tick or a later one has been applied. */
export function applyCheckResult(
  before: MonitorState | undefined,
  result: CheckResult,
  { tick, id }: Run,
  policy: MonitorPolicy,
): Transition | undefined {
  if (before !== undefined && tick <= before.lastTick) return undefined;
  const current = before ?? initialState(tick, result);
  const { status, incident } = nextStatus(current, result, tick, policy);
  const hours = rollupsUntil(current, tick, policy);
  const hour = hours.pop() ?? current.hour;
  const state: MonitorState = {
    ...current,
    ...status,
    revision: current.revision + 1,
    runId: id,
    lastTick: tick,
    lastCheck: result,
    hour: { start: hour.start, rollup: sumOf([hour.rollup, latencyOf(result, tick, policy)]) },
  };
  return { state, hours: hours.filter(({ rollup }) => !isEmpty(rollup)), ...(incident && { incident }) };
}

/**
 * Hourly roll-ups from the last tick's hour to that of `until`, the last one unfinished. A check result holds until the next
 * tick, but across a gap for one interval only: the rest of the gap has no data.
 */
export function rollupsUntil(
  { hour, lastTick, lastCheck }: Pick<MonitorState, "hour" | "lastTick" | "lastCheck">,
  until: number,
  { intervalMs, maintenance }: Pick<MonitorPolicy, "intervalMs" | "maintenance">,
): PeriodRollup[] {
  const isGap = until - lastTick > MAX_TICK_INTERVALS * intervalMs;
  const covered = { from: lastTick, to: isGap ? lastTick + intervalMs : until };
  const hours: PeriodRollup[] = [hour];
  const add = (start: number, rollup: Rollup): void => {
    const last = hours.at(-1);
    if (last?.start === start) hours[hours.length - 1] = { start, rollup: sumOf([last.rollup, rollup]) };
    else hours.push({ start, rollup });
  };
  if (lastCheck.health !== "unknown")
    for (const interval of splitByHour(covered))
      for (const part of splitByMaintenance(interval, maintenance)) {
        const kind = part.maintenance ? "maintenance" : lastCheck.health;
        add(startOfUtcHour(interval.from), { ...EMPTY_ROLLUP, [kind]: part.to - part.from });
      }
  add(startOfUtcHour(until), EMPTY_ROLLUP);
  return hours;
}

function splitByHour({ from, to }: Interval): readonly Interval[] {
  const intervals: Interval[] = [];
  for (let start = from; start < to; start = startOfUtcHour(start) + HOUR_MS)
    intervals.push({ from: start, to: Math.min(to, startOfUtcHour(start) + HOUR_MS) });
  return intervals;
}

/** Counts complete responses outside maintenance only. */
function latencyOf({ health, latencyMs }: CheckResult, tick: number, { maintenance }: MonitorPolicy): Rollup {
  const counts =
    latencyMs !== undefined && (health === "up" || health === "degraded") && !inMaintenance(tick, maintenance);
  return counts ? { ...EMPTY_ROLLUP, latencies: histogramOf([], [latencyMs]) } : EMPTY_ROLLUP;
}

function initialState(tick: number, result: CheckResult): MonitorState {
  return {
    revision: 0,
    runId: "",
    firstTick: tick,
    lastTick: tick,
    lastCheck: result,
    health: "unknown",
    healthSince: tick,
    closedIncidents: 0,
    hour: { start: startOfUtcHour(tick), rollup: EMPTY_ROLLUP },
    outbox: [],
  };
}
