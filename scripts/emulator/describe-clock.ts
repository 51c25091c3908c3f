/** Describes the clock of the emulator for people. */
import { SECOND_MS } from "../../functions/shared/time";
import { duration } from "../shared/terminal/progress";
import { table } from "../shared/terminal/table";
import type { ClockState } from "./clock";

/** `2026-11-27T06:00:00Z, 24 h 0 min ahead of the machine, on its way to 2026-11-28T06:00:00Z` */
export function describeClock({ nowMs, offsetMs, speed, untilMs }: ClockState): string {
  const ahead = offsetMs < SECOND_MS ? "the machine's time" : `${duration(offsetMs / SECOND_MS)} ahead of the machine`;
  const to = untilMs === null ? "" : `, on its way to ${instant(untilMs)}`;
  return `${instant(nowMs)}, ${ahead}${speed === 1 ? "" : `, ${speed} times as fast`}${to}`;
}

/** `2026-11-27T06:00:00Z` */
export function instant(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`;
}

/** How often each function ran, the most frequent first. */
export function describeRan({ ran, failed }: ClockState): string {
  const rows = Object.entries(ran)
    .sort(([one, times], [other, more]) => more - times || one.localeCompare(other))
    .map(([name, times]) => [name, String(times), failed[name] === undefined ? "" : `${failed[name]} failed`]);
  return rows.length === 0 ? "Nothing was due." : table(["function", "ran", ""], rows);
}
