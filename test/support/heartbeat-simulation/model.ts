/** What must happen to a monitor, from all its results at once: no state, nothing of the code under test. Times are epoch milliseconds. */
import { MINUTE_MS } from "../../../functions/shared/time";

/** A result that was applied. */
export interface Applied {
  readonly tick: number;
  readonly health: "up" | "degraded" | "down" | "unknown";
  readonly reason: string;
}

export interface Rules {
  /** Failures that open an incident. */
  readonly failures: number;
  /** Successive checks that the failures are counted in. */
  readonly within: number;
  /** Consecutive successes that close it. */
  readonly successes: number;
}

/** Half-open. */
export type Window = readonly [from: number, to: number];

const isIn = (at: number, windows: readonly Window[]) => windows.some(([from, to]) => from <= at && at < to);

/** `opened down status 12:00 raised 12:30`, in order. */
export function expectedEvents(applied: readonly Applied[], rules: Rules, windows: readonly Window[]): string[] {
  const events: string[] = [];
  let evidence: Applied[] = [];
  /** Failures before the last incident ended do not count again. */
  let from = 0;
  let open: { readonly at: number; severity: string; reason: string } | undefined;
  const say = (what: string, tick: number) => {
    if (open !== undefined)
      events.push([what, open.severity, open.reason, time(open.at), "raised", time(tick)].join(" "));
  };
  for (const result of applied) {
    const { tick, health, reason } = result;
    if (health === "unknown") continue;
    if (health !== "up" && isIn(tick, windows)) {
      evidence = [];
      from = 0;
      continue;
    }
    evidence.push(result);
    const recent = evidence.slice(Math.max(from, evidence.length - rules.within));
    const failures = recent.filter((each) => each.health !== "up");
    const downs = recent.filter((each) => each.health === "down");
    const last = (count: number) => (evidence.length < count ? [] : evidence.slice(-count));
    const all = (list: readonly Applied[], holds: (each: Applied) => boolean) => list.length > 0 && list.every(holds);
    if (open === undefined) {
      if (health === "up" || failures.length < rules.failures) continue;
      const severity = downs.length >= rules.failures ? "down" : "degraded";
      open = { at: failures[0]?.tick ?? tick, severity, reason };
      say("opened", tick);
    } else if (all(last(rules.successes), (each) => each.health === "up")) {
      say("closed", tick);
      open = undefined;
      from = evidence.length;
    } else if (health === "down" && open.severity === "degraded" && downs.length >= rules.failures) {
      open = { ...open, severity: "down", reason };
      say("changed", tick);
    } else if (
      health === "degraded" &&
      open.severity === "down" &&
      all(last(rules.successes), (each) => each.health !== "down")
    ) {
      open = { ...open, severity: "degraded", reason };
      say("changed", tick);
    } else if (
      health === open.severity &&
      reason !== open.reason &&
      all(last(rules.failures), (each) => each.health !== "up" && each.reason === reason)
    ) {
      open = { ...open, reason };
      say("changed", tick);
    }
  }
  return events;
}

export type Times = Readonly<Record<"up" | "degraded" | "down" | "maintenance", number>>;

/** Minute by minute, until the last tick: a result holds until the next tick, an interval at most where ticks are missing. */
export function expectedTimes(applied: readonly Applied[], intervalMs: number, windows: readonly Window[]): Times {
  const times = { up: 0, degraded: 0, down: 0, maintenance: 0 };
  for (const [index, { tick, health }] of applied.entries()) {
    const next = applied[index + 1]?.tick;
    if (next === undefined || health === "unknown") continue;
    const to = next - tick > 1.5 * intervalMs ? tick + intervalMs : next;
    for (let at = tick; at < to; at += MINUTE_MS) times[isIn(at, windows) ? "maintenance" : health] += MINUTE_MS;
  }
  return times;
}

export const time = (at: number) => new Date(at).toISOString().slice(5, 16);
