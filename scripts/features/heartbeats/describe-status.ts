/** Describes the state of an environment's targets for people. */
import type { Colors } from "picocolors/types";
import { HOUR_SECONDS, MINUTE_SECONDS } from "../../../functions/shared/time";
import { table } from "../../shared/terminal/table";
import { plainText } from "../../shared/terminal/plain-text";
import type { StatusView, TargetView } from "./status-document";

type Column = readonly [heading: string, cell: (target: TargetView) => string];

/** A table of the targets, open incidents, and a summary. */
export function describeStatus({ source, targets, incidents }: StatusView, now: number, colours: Colors): string {
  if (targets.length === 0) return `No targets in ${source}.`;
  const columns = columnsFor(targets, now, colours);
  const open = incidents.map(
    ({ target, severity, openedAt, message }) =>
      `${plainText(target)} is ${severity} since ${shortTime(openedAt)}: ${plainText(message)}`,
  );
  return [
    table(
      columns.map(([heading]) => heading),
      targets.map((target) => columns.map(([, cell]) => cell(target))),
    ),
    ...(open.length === 0 ? [] : ["", ...open]),
    "",
    `${summary(targets)} (${source})`,
  ].join("\n");
}

/** A column is left out when no target has a value for it. */
function columnsFor(targets: readonly TargetView[], now: number, colours: Colors): readonly Column[] {
  const paint = {
    up: colours.green,
    degraded: colours.yellow,
    down: colours.red,
    maintenance: colours.cyan,
    unknown: colours.yellow,
  };
  const columns: readonly (Column | undefined)[] = [
    ["target", ({ name }) => name],
    ["state", ({ state }) => paint[state](state)],
    ["latency", ({ lastCheck }) => (lastCheck === null ? "" : `${Math.round(lastCheck.latencyMs)} ms`)],
    ["last check", (target) => lastSeen(target, now)],
    targets.some(({ uptime }) => uptime !== null)
      ? ["up in 24 h", ({ uptime }) => (uptime === null ? "" : percent(uptime))]
      : undefined,
    // Last, because its length varies.
    targets.some(({ lastCheck }) => lastCheck?.ok === false)
      ? ["problem", ({ lastCheck }) => (lastCheck?.ok === false ? (lastCheck.message ?? "") : "")]
      : undefined,
  ];
  return columns.filter((column): column is Column => column !== undefined);
}

/** Cron monitors are not checked: they send heartbeats. */
function lastSeen({ lastCheck, lastHeartbeat }: TargetView, now: number): string {
  if (lastHeartbeat !== undefined)
    return lastHeartbeat === null ? "no heartbeat yet" : `heartbeat ${ago(now - Date.parse(lastHeartbeat))}`;
  return lastCheck === null ? "never" : ago(now - Date.parse(lastCheck.at));
}

function summary(targets: readonly TargetView[]): string {
  const states = ["up", "degraded", "down", "maintenance", "unknown"] as const;
  const words = {
    up: "up",
    degraded: "degraded",
    down: "down",
    maintenance: "in maintenance",
    unknown: "not checked recently",
  };
  return states
    .map((state) => [targets.filter((target) => target.state === state).length, words[state]] as const)
    .filter(([count]) => count > 0)
    .map(([count, word]) => `${count} ${word}`)
    .join(", ");
}

/** A duration in its largest unit: `42 s ago`. */
export function ago(milliseconds: number): string {
  const seconds = Math.max(0, Math.round(milliseconds / 1_000));
  if (seconds < 120) return `${seconds} s ago`;
  if (seconds < 2 * HOUR_SECONDS) return `${Math.round(seconds / MINUTE_SECONDS)} min ago`;
  return `${Math.round(seconds / HOUR_SECONDS)} h ago`;
}

/** Rounded down: 100 % only for a target that was never down. */
function percent(fraction: number): string {
  return `${(Math.floor(fraction * 10_000) / 100).toFixed(2)} %`;
}

function shortTime(iso: string): string {
  return `${iso.slice(0, 16).replace("T", " ")} UTC`;
}
