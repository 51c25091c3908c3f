/** How the status page and its badges say things: in English, in UTC. No SDK, no I/O. */
import { DAY_SECONDS, HOUR_SECONDS, MINUTE_MS, MINUTE_SECONDS, SECOND_MS } from "../../shared/time";
import type { StatusDocument, TargetStatus } from "./document";

export type State = TargetStatus["state"];

/** In the order of how much they matter to whoever looks. */
export const STATES = ["down", "unknown", "maintenance", "up"] as const satisfies readonly State[];

export const STATE_WORDS: Readonly<Record<State, string>> = {
  up: "up",
  down: "down",
  maintenance: "maintenance",
  unknown: "no data",
};

/** Rounds of checks that may be missing before a page is out of date. */
const STALE_AFTER_INTERVALS = 3;

/** When a document stops to say anything of the present, epoch milliseconds. */
export function staleAt({ generatedAt, intervalSeconds }: StatusDocument): number {
  return Date.parse(generatedAt) + STALE_AFTER_INTERVALS * intervalSeconds * SECOND_MS;
}

/** `99.98 %`. Rounded down, so that nothing but an uptime without a gap is ever "100 %". */
export function percent(fraction: number | null): string {
  if (fraction === null) return "no data";
  // The small addend makes up for products such as 0.57 * 100, which is a little less than 57.
  const hundredths = Math.floor(Math.min(Math.max(fraction, 0), 1) * 10_000 + 1e-9);
  return `${hundredths / 100} %`;
}

/** `84 ms`, `1.24 s`, `12 s`. */
export function latency(milliseconds: number | null): string {
  if (milliseconds === null) return "no data";
  if (milliseconds < 999.5) return `${Math.round(milliseconds)} ms`;
  const seconds = milliseconds / 1000;
  return `${seconds < 9.995 ? seconds.toFixed(2) : Math.round(seconds)} s`;
}

const UNITS = [
  ["d", DAY_SECONDS],
  ["h", HOUR_SECONDS],
  ["min", MINUTE_SECONDS],
] as const;

/** `3 d 4 h`, `1 h 12 min`, `less than a minute`: two units at most. */
export function duration(milliseconds: number): string {
  let seconds = Math.round(Math.max(milliseconds, 0) / MINUTE_MS) * MINUTE_SECONDS;
  if (milliseconds < MINUTE_MS) return "less than a minute";
  const parts: string[] = [];
  for (const [unit, size] of UNITS) {
    const count = Math.floor(seconds / size);
    seconds -= count * size;
    if (count > 0) parts.push(`${count} ${unit}`);
    // After days come hours and no minutes: nobody wants to know.
    if (parts.length === 2 || (parts.length === 1 && count === 0)) break;
  }
  return parts.join(" ");
}

/** `5 minutes`, `90 seconds`. */
export function interval(seconds: number): string {
  const [count, unit] = seconds % MINUTE_SECONDS === 0 ? [seconds / MINUTE_SECONDS, "minute"] : [seconds, "second"];
  return count === 1 ? unit : `${count} ${unit}s`;
}

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"] as const;

/** `21 Nov 2026`, of `2026-11-21` and of a whole time. What is no date is given back as it is. */
export function day(iso: string): string {
  const [, year, month, date] = /^(\d{4})-(\d\d)-(\d\d)/.exec(iso) ?? [];
  const name = MONTHS[Number(month) - 1];
  return name === undefined ? iso : `${Number(date)} ${name} ${year ?? ""}`;
}

/** `06:55 UTC`. */
export function clockTime(iso: string): string {
  const [, time] = /T(\d\d:\d\d)/.exec(iso) ?? [];
  return time === undefined ? iso : `${time} UTC`;
}

/** `21 Nov 2026, 06:55 UTC`. */
export function dayAndTime(iso: string): string {
  return iso.includes("T") ? `${day(iso)}, ${clockTime(iso)}` : day(iso);
}

/** `1 target`, `12 targets`. */
export function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}

/** How many targets are in each state. */
export function countStates(targets: readonly TargetStatus[]): Readonly<Record<State, number>> {
  const counts = { up: 0, down: 0, maintenance: 0, unknown: 0 };
  for (const { state } of targets) counts[state] += 1;
  return counts;
}

/** The state of everything: the worst there is, for a page that says "up" must mean all of it. */
export function overallState(targets: readonly TargetStatus[]): State {
  const counts = countStates(targets);
  return STATES.find((state) => counts[state] > 0) ?? "unknown";
}

/** The headline. */
export function overallWords(targets: readonly TargetStatus[]): string {
  const all = targets.length;
  if (all === 0) return "Nothing is watched yet";
  const { up, down, maintenance, unknown } = countStates(targets);
  const some = (count: number) =>
    count === all ? (all === 1 ? "The target" : `All ${all} targets`) : `${count} of ${all}`;
  const are = (count: number) => (count === 1 ? "is" : "are");
  if (down > 0) return `${some(down)} ${are(down)} down`;
  if (unknown > 0) return unknown === all ? "No data" : `No data on ${unknown} of ${all} targets`;
  if (maintenance > 0) return `${some(maintenance)} ${are(maintenance)} in maintenance`;
  return `${some(up)} ${are(up)} up`;
}
