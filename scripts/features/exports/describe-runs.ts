/** Exports and their runs, as text. */
import { timeOfCursor, type Cursor } from "../../../functions/exports/run/cursor";
import type { ScheduledExport } from "../../../functions/exports/contract";
import { nextDue } from "../../../functions/exports/run/schedule";
import type { RunRecord } from "../../../functions/exports/storage/state-table";
import { SECOND_MS } from "../../../functions/shared/time";
import type { Colors } from "picocolors/types";
import { plainText } from "../../shared/terminal/plain-text";
import { count, duration, size } from "../../shared/terminal/progress";
import { table } from "../../shared/terminal/table";

export interface DescribedExport {
  readonly config: ScheduledExport;
  readonly latest: RunRecord | undefined;
}

/** One line an export. */
export function describeExports(exports: readonly DescribedExport[], now: number, colours: Colors): string {
  if (exports.length === 0) return "No exports are configured.";
  const rows = exports.map(({ config, latest }) => [
    config.name,
    config.table,
    `${config.mode} ${config.format}`,
    latest === undefined ? "never" : statusOf(latest, colours),
    latest === undefined ? "" : minuteOf(latest.run.startedAt),
    latest?.items === undefined ? "" : count(latest.items),
    dueOf(config, now),
  ]);
  return table(["export", "table", "what", "last run", "started", "items", "next"], rows);
}

/** An export's latest runs, the reason of each that failed below it. */
export function describeRuns(runs: readonly RunRecord[], now: number, colours: Colors): string {
  if (runs.length === 0) return "It has not run yet.";
  const rows = runs.map((record) => [
    minuteOf(record.run.startedAt),
    record.run.trigger,
    [record.run.day, record.run.time].filter((part) => part !== undefined).join("T"),
    statusOf(record, colours),
    record.status === "RUNNING" || record.finishedAt !== undefined
      ? duration(
          ((record.finishedAt === undefined ? now : Date.parse(record.finishedAt)) - record.run.startedAt) / SECOND_MS,
        )
      : "",
    record.items === undefined ? "" : count(record.items),
    record.bytes === undefined ? "" : size(record.bytes),
    record.location ?? [record.error, record.cause].filter((part) => part !== undefined).join(": "),
  ]);
  return table(["started", "by", "day", "status", "took", "items", "size", "where, or why not"], rows);
}

/** A record that was changed by hand, or by another version. */
export const describeUnreadable = (name: string, id: string): string =>
  plainText(
    `${name}: the record of run ${id} cannot be read: it was changed by hand, or by another version of Almanac.`,
  );

/** Where an incremental export's next window starts. */
export function describeCursor(name: string, cursor: Cursor | undefined): string {
  if (cursor === undefined)
    return `${name} has no cursor: its next run exports all items, or those of initialLookbackHours.`;
  const time = timeOfCursor(cursor);
  return time === undefined
    ? `The cursor of ${name} was changed by hand, and is no time: set it with --set, or --reset it.`
    : `The next run of ${name} starts at ${new Date(time).toISOString()}.`;
}

function statusOf({ status }: RunRecord, colours: Colors): string {
  if (status === "SUCCEEDED") return colours.green("succeeded");
  return status === "RUNNING" ? colours.yellow("running") : colours.red(status.toLowerCase().replace("_", " "));
}

function dueOf({ schedule }: ScheduledExport, now: number): string {
  const due = schedule && nextDue(schedule, now);
  return due === undefined ? "" : minuteOf(due);
}

/** `2026-11-21 17:00` */
function minuteOf(time: number): string {
  return new Date(time).toISOString().slice(0, 16).replace("T", " ");
}
