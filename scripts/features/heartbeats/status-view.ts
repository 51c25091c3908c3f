/** What is known of an environment's targets, wherever it is read from. */
import type { TargetStatus } from "../../../functions/heartbeats/status-page/document";

export interface TargetView extends Pick<TargetStatus, "name" | "state" | "lastCheck" | "lastReport"> {
  /** Failed checks of the UTC day so far; null where the source does not tell. */
  readonly failuresToday: number | null;
  /** Of the last 24 hours, 0 to 1; null where the source does not tell. */
  readonly uptime: number | null;
}

export interface IncidentView {
  readonly target: string;
  readonly openedAt: string;
  readonly message: string;
}

export interface StatusView {
  /** What was read: `the table almanac-staging-heartbeats`. */
  readonly source: string;
  readonly targets: readonly TargetView[];
  /** Those that are open. */
  readonly incidents: readonly IncidentView[];
}

/** Reads it anew each time; undefined: there is nothing there to read. */
export interface StatusSource {
  read(now: number): Promise<StatusView | undefined>;
}

/** What the first source that has anything says. */
export async function readStatus(sources: readonly StatusSource[], now: number): Promise<StatusView | undefined> {
  for (const source of sources) {
    const view = await source.read(now);
    if (view !== undefined) return view;
  }
  return undefined;
}
