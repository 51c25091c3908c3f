/** Announced maintenance: windows that have a note. Pure. */
import { groupBy } from "../../shared/group-by";
import { isoSeconds } from "../../shared/time";
import type { MaintenanceWindow } from "../contract";
import { occurrences, type Interval } from "./maintenance";
import type { Configuration } from "./policy";

export interface AnnouncedWindow extends Interval {
  readonly note: string;
  /** Names of targets and cron monitors; undefined: all. */
  readonly monitors?: readonly string[];
}

/** Those that overlap an interval, in order. The same window of several monitors is one. */
export function announcedWindows(
  { targets, cronMonitors, maintenance }: Pick<Configuration, "targets" | "cronMonitors" | "maintenance">,
  interval: Interval,
): readonly AnnouncedWindow[] {
  const own = [...targets, ...cronMonitors].flatMap(({ name, maintenance: windows }) =>
    announced(windows, interval).map((each) => ({ ...each, name })),
  );
  const merged = [...groupBy(own, ({ from, to, note }) => JSON.stringify([from, to, note])).values()].flatMap((same) =>
    same
      .slice(0, 1)
      .map(({ from, to, note }) => ({ from, to, note, monitors: [...new Set(same.map(({ name }) => name))] })),
  );
  return [...announced(maintenance, interval), ...merged].sort((a, b) => a.from - b.from || a.to - b.to);
}

function announced(windows: readonly MaintenanceWindow[], interval: Interval): readonly AnnouncedWindow[] {
  return windows.flatMap((window) => {
    const { note } = window;
    return note === undefined ? [] : occurrences(window, interval).map((each) => ({ ...each, note }));
  });
}

/** `database upgrade, until 2026-11-21T07:00:00Z (all monitors)` */
export function describeWindow({ note, to, monitors }: AnnouncedWindow): string {
  return `${note}, until ${isoSeconds(to)} (${monitors?.join(", ") ?? "all monitors"})`;
}
