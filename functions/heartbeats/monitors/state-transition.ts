/** What one tick does to what is known of a subject. Pure: whoever stores the step makes each tick count once. */
import { HOUR_MS } from "../../shared/time";
import { histogramOf } from "./histogram";
import { nextStatus } from "./incidents";
import { inMaintenance, partsOf, type Span } from "./maintenance";
import { EMPTY_ROLLUP, isEmpty, sumOf, type Rollup } from "./roll-up";
import type { FiledHour, Finding, Round, Rules, Step, TargetState } from "./state";

/** Ticks come a little early or late: less than so many intervals between two of them is no gap. */
const TOLERATED_INTERVALS = 1.5;

/** Applies what a tick found. Undefined when this tick or a later one was applied before: none counts twice. */
export function applyTick(
  before: TargetState | undefined,
  finding: Finding,
  { tick, run }: Round,
  rules: Rules,
): Step | undefined {
  if (before !== undefined && tick <= before.lastTick) return undefined;
  const known = before ?? unknownSince(tick, finding);
  const { status, closed } = nextStatus(known, finding, tick, rules);
  const hours = hoursUntil(known, tick, rules);
  const hour = hours.pop() ?? known.hour;
  const state: TargetState = {
    ...known,
    ...status,
    revision: known.revision + 1,
    run,
    lastTick: tick,
    finding,
    hour: { start: hour.start, rollup: sumOf([hour.rollup, latencyOf(finding, tick, rules)]) },
  };
  return { state, hours: hours.filter(({ rollup }) => !isEmpty(rollup)), ...(closed && { incident: closed }) };
}

/**
 * The hours from that of the last tick to that of `until`, the last one unfinished. What a check found holds until the next
 * one; but where ticks are missing no longer than an interval, and what then follows is without data.
 */
export function hoursUntil(
  { hour, lastTick, finding }: Pick<TargetState, "hour" | "lastTick" | "finding">,
  until: number,
  { intervalMs, maintenance }: Pick<Rules, "intervalMs" | "maintenance">,
): FiledHour[] {
  const isGap = until - lastTick > TOLERATED_INTERVALS * intervalMs;
  const held = { from: lastTick, to: isGap ? lastTick + intervalMs : until };
  const hours: FiledHour[] = [hour];
  const into = (start: number, rollup: Rollup): void => {
    const last = hours.at(-1);
    if (last?.start === start) hours[hours.length - 1] = { start, rollup: sumOf([last.rollup, rollup]) };
    else hours.push({ start, rollup });
  };
  for (const span of byHour(held)) {
    for (const part of finding.health === "unknown" ? [] : partsOf(span, maintenance)) {
      const kind = part.maintenance ? "maintenance" : finding.health;
      into(hourOf(span.from), { ...EMPTY_ROLLUP, [kind]: part.to - part.from });
    }
  }
  into(hourOf(until), EMPTY_ROLLUP);
  return hours;
}

/** The beginning of a time's UTC hour. */
export function hourOf(time: number): number {
  return time - (time % HOUR_MS);
}

function byHour({ from, to }: Span): readonly Span[] {
  const spans: Span[] = [];
  for (let start = from; start < to; start = hourOf(start) + HOUR_MS)
    spans.push({ from: start, to: Math.min(to, hourOf(start) + HOUR_MS) });
  return spans;
}

/** Only whole answers tell how fast a target is, and only outside of maintenance. */
function latencyOf({ health, reason, latencyMs }: Finding, tick: number, { maintenance }: Rules): Rollup {
  const counts = latencyMs !== undefined && (health === "up" || reason === "slow") && !inMaintenance(tick, maintenance);
  return counts ? { ...EMPTY_ROLLUP, latencies: histogramOf([], [latencyMs]) } : EMPTY_ROLLUP;
}

function unknownSince(tick: number, finding: Finding): TargetState {
  return {
    revision: 0,
    run: "",
    firstTick: tick,
    lastTick: tick,
    finding,
    health: "unknown",
    healthSince: tick,
    closedIncidents: 0,
    hour: { start: hourOf(tick), rollup: EMPTY_ROLLUP },
    outbox: [],
  };
}
