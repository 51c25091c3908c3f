/** Says of an environment's targets, for people, how they are. */
import type { Colors } from "picocolors/types";
import { HOUR_SECONDS, MINUTE_SECONDS } from "../../../functions/shared/time";
import { table } from "../../shared/table";
import type { StatusView, TargetView } from "./status-view";

type Column = readonly [heading: string, cell: (target: TargetView) => string];

/** A table of the targets, what is wrong with them, and one line that sums it up. */
export function describeStatus({ source, targets, incidents }: StatusView, now: number, colours: Colors): string {
  if (targets.length === 0) return `Nothing was checked lately, says ${source}.`;
  const columns = columnsFor(targets, now, colours);
  const open = incidents.map(
    ({ target, openedAt, message }) => `${target} is down since ${shortTime(openedAt)}: ${message}`,
  );
  return [
    table(
      columns.map(([heading]) => heading),
      targets.map((target) => columns.map(([, cell]) => cell(target))),
    ),
    ...(open.length === 0 ? [] : ["", ...open]),
    "",
    `${summary(targets)}, says ${source}.`,
  ].join("\n");
}

/** What the source does not tell of any target has no column. */
function columnsFor(targets: readonly TargetView[], now: number, colours: Colors): readonly Column[] {
  const paint = { up: colours.green, down: colours.red, maintenance: colours.cyan, unknown: colours.yellow };
  const columns: readonly (Column | undefined)[] = [
    ["target", ({ name }) => name],
    ["state", ({ state }) => paint[state](state)],
    ["latency", ({ lastCheck }) => (lastCheck === null ? "" : `${Math.round(lastCheck.latencyMs)} ms`)],
    ["last check", (target) => lastHeard(target, now)],
    targets.some(({ failuresToday }) => failuresToday !== null)
      ? ["failures today", ({ failuresToday }) => String(failuresToday ?? "")]
      : undefined,
    targets.some(({ uptime }) => uptime !== null)
      ? ["up in 24 h", ({ uptime }) => (uptime === null ? "" : percent(uptime))]
      : undefined,
    // Last, for it is as long as it is.
    targets.some(({ lastCheck }) => lastCheck?.ok === false)
      ? ["what is wrong", ({ lastCheck }) => (lastCheck?.ok === false ? (lastCheck.message ?? "") : "")]
      : undefined,
  ];
  return columns.filter((column): column is Column => column !== undefined);
}

/** Jobs are not checked: they report. */
function lastHeard({ lastCheck, lastReport }: TargetView, now: number): string {
  if (lastReport !== undefined)
    return lastReport === null ? "no report yet" : `report ${ago(now - Date.parse(lastReport))}`;
  return lastCheck === null ? "never" : ago(now - Date.parse(lastCheck.at));
}

function summary(targets: readonly TargetView[]): string {
  const states = ["up", "down", "maintenance", "unknown"] as const;
  const words = { up: "up", down: "down", maintenance: "in maintenance", unknown: "not checked lately" };
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

/** Rounded down, for a target that was ever down was not up for 100 %. */
function percent(fraction: number): string {
  return `${(Math.floor(fraction * 10_000) / 100).toFixed(2)} %`;
}

function shortTime(iso: string): string {
  return `${iso.slice(0, 16).replace("T", " ")} UTC`;
}
