/** Text formats of the status page and badges: English, UTC. No SDK, no I/O. */
import { DAY_SECONDS, HOUR_SECONDS, MINUTE_MS, MINUTE_SECONDS, SECOND_MS } from "../../shared/time";
import type { StatusDocument, MonitorStatus } from "./document";

export type State = MonitorStatus["state"];

/** Most important first. */
export const STATES = ["down", "degraded", "unknown", "maintenance", "up"] as const satisfies readonly State[];

export const STATE_LABELS: Readonly<Record<State, string>> = {
  up: "up",
  degraded: "degraded",
  down: "down",
  maintenance: "maintenance",
  unknown: "no data",
};

const STALE_AFTER_INTERVALS = 3;

/** When the document is out of date, epoch milliseconds. */
export function staleAt({ generatedAt, intervalSeconds }: StatusDocument): number {
  return Date.parse(generatedAt) + STALE_AFTER_INTERVALS * intervalSeconds * SECOND_MS;
}

/** `99.98 %`, always with two decimals. Rounded down: only an uptime without downtime is "100.00 %". */
export function percent(fraction: number | null): string {
  if (fraction === null) return "no data";
  // Compensates for floating point: 0.57 * 100 is slightly less than 57.
  const hundredths = Math.floor(Math.min(Math.max(fraction, 0), 1) * 10_000 + 1e-9);
  return `${(hundredths / 100).toFixed(2)} %`;
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
    // Days are followed by hours only.
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

/** `21 Nov 2026`, from a date or a time. Other text is returned unchanged. */
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

/** `1 day`, `12 days`. */
export function pluralize(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}

/** A job that was never due says nothing about anything yet. */
export function awaitsFirstHeartbeat({ state, lastHeartbeat }: MonitorStatus): boolean {
  return state === "unknown" && lastHeartbeat === null;
}

export function countStates(monitors: readonly MonitorStatus[]): Readonly<Record<State, number>> {
  const counts = { up: 0, degraded: 0, down: 0, maintenance: 0, unknown: 0 };
  for (const { state } of monitors) counts[state] += 1;
  return counts;
}

/** The worst state of all monitors. */
export function overallState(all: readonly MonitorStatus[]): State {
  const counts = countStates(known(all));
  return STATES.find((state) => counts[state] > 0) ?? "unknown";
}

/** Without those that await their first heartbeat, unless all do. */
function known(all: readonly MonitorStatus[]): readonly MonitorStatus[] {
  const monitors = all.filter((monitor) => !awaitsFirstHeartbeat(monitor));
  return monitors.length === 0 ? all : monitors;
}

export function headline(configured: readonly MonitorStatus[]): string {
  const monitors = known(configured);
  const all = monitors.length;
  if (all === 0) return "No monitors configured";
  const { up, degraded, down, maintenance, unknown } = countStates(monitors);
  const some = (count: number) =>
    count === all ? (all === 1 ? "The monitor" : `All ${all} monitors`) : `${count} of ${all}`;
  const are = (count: number) => (count === 1 ? "is" : "are");
  if (down > 0) return `${some(down)} ${are(down)} down`;
  if (degraded > 0) return `${some(degraded)} ${are(degraded)} degraded`;
  if (unknown > 0) return unknown === all ? "No data" : `No data for ${unknown} of ${all} monitors`;
  if (maintenance > 0) return `${some(maintenance)} ${are(maintenance)} in maintenance`;
  return `${some(up)} ${are(up)} up`;
}
