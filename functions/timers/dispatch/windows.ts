/** The ranges of a shard's index that are due in a window of time. Pure. */
import { MINUTE_MS } from "../../shared/time";
import { onceSlot, overdueSlot, recurringSlot, timingWheelSlot } from "../schedule/fire-times";
import { TIMING_WHEEL_PERIODS_MS } from "../schedule/schedule";
import { HORIZON_MS, LEAD_MS } from "../schedule/timer";

/** The shortest period of the timing wheel, so that each of its timers fires at most once in a window. */
const WINDOW_MS = MINUTE_MS;

/** (after, until], epoch milliseconds. */
export interface Window {
  readonly after: number;
  readonly until: number;
}

/** A range of keys in one slot, both ends inclusive. */
export interface SlotRange {
  readonly slot: string;
  /** True: rows of the recurring and the overdue slot, which are advanced once their fires are enqueued. */
  readonly recurring: boolean;
  /** Undefined: no lower bound. */
  readonly from?: number;
  readonly to: number;
}

/** End of the last window to enqueue now: a whole minute. */
export function loadUntil(now: number): number {
  return Math.floor((now + LEAD_MS) / WINDOW_MS) * WINDOW_MS;
}

/** The minute after a cursor; undefined when it ends later than `end`. */
export function nextWindow(cursor: number, end: number): Window | undefined {
  const until = (Math.floor(cursor / WINDOW_MS) + 1) * WINDOW_MS;
  return until <= end ? { after: cursor, until } : undefined;
}

/**
 * Until when a window enqueues the fires of recurring timers: far enough ahead for the new index key to be visible when the dispatcher
 * reads it, and within the longest delay of a message.
 */
export function enqueueRecurringUntil({ until }: Window): number {
  return until + HORIZON_MS - LEAD_MS;
}

/** All ranges of a window, in the order of their processing. */
export function slotRanges(shard: string, { after, until }: Window): readonly SlotRange[] {
  const ranges: SlotRange[] = [
    { slot: overdueSlot(shard), recurring: true, to: until },
    { slot: recurringSlot(shard), recurring: true, to: until },
    { slot: onceSlot(shard), recurring: false, from: after + 1, to: until },
  ];
  for (const period of TIMING_WHEEL_PERIODS_MS) {
    const slot = timingWheelSlot(shard, period);
    const from = (after + 1) % period;
    const to = until % period;
    // Two ranges where the window spans the end of the period.
    if (from <= to) ranges.push({ slot, recurring: false, from, to });
    else ranges.push({ slot, recurring: false, from, to: period - 1 }, { slot, recurring: false, from: 0, to });
  }
  return ranges;
}

/** Unique in a window. */
export function rangeName({ slot, from }: SlotRange): string {
  return `${slot}@${from ?? ""}`;
}
