/** Which part of a shard's index falls due in a window of time. Pure. */
import { MINUTE_MS } from "../../shared/time";
import { onceSlot, recurringSlot, wheelSlot } from "./fire-times";
import { WHEEL_PERIODS_MS } from "./schedule";
import { HORIZON_MS, LEAD_MS } from "./timer";

/** The shortest period of the wheel: in a window of no more, a timer of the wheel fires once at most. */
const WINDOW_MS = MINUTE_MS;

/** After one time and until another, inclusive; epoch milliseconds. */
export interface Window {
  readonly after: number;
  readonly until: number;
}

/** A stretch of one slot, both ends inclusive. */
export interface Section {
  readonly slot: string;
  /** True: its rows are handed over ahead, and moved on. */
  readonly recurring: boolean;
  /** Undefined: from the very first. */
  readonly from?: number;
  readonly to: number;
}

/** Until when the dispatcher is to load at a time: whole minutes. */
export function reachAt(now: number): number {
  return Math.floor((now + LEAD_MS) / WINDOW_MS) * WINDOW_MS;
}

/** The next minute after a cursor, as long as it is within reach. */
export function nextWindow(cursor: number, now: number): Window | undefined {
  const until = (Math.floor(cursor / WINDOW_MS) + 1) * WINDOW_MS;
  return until <= reachAt(now) ? { after: cursor, until } : undefined;
}

/**
 * Until when a recurring timer is handed over in a window: far enough for its new place in the index to be seen when the dispatcher
 * gets there, and no further than a message can wait.
 */
export function handedOverUntil({ until }: Window): number {
  return until + HORIZON_MS - LEAD_MS;
}

/** All sections of a window, in the order in which they are worked off. */
export function sectionsOf(shard: string, { after, until }: Window): readonly Section[] {
  const sections: Section[] = [
    { slot: recurringSlot(shard), recurring: true, to: until },
    { slot: onceSlot(shard), recurring: false, from: after + 1, to: until },
  ];
  for (const period of WHEEL_PERIODS_MS) {
    const slot = wheelSlot(shard, period);
    const from = (after + 1) % period;
    const to = until % period;
    // Two stretches where the period begins anew inside of the window.
    if (from <= to) sections.push({ slot, recurring: false, from, to });
    else sections.push({ slot, recurring: false, from, to: period - 1 }, { slot, recurring: false, from: 0, to });
  }
  return sections;
}

/** A section's name among those of its window. */
export function sectionName({ slot, from }: Section): string {
  return `${slot}@${from ?? ""}`;
}
