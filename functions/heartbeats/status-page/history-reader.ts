import { mapConcurrently } from "../../shared/concurrency";
import { NO_HISTORY, historyOf, historyStarts, type History } from "./history";
import type { StateTable } from "../monitors/state-table";
import type { MonitorState } from "../monitors/state";
import { hourOf } from "../monitors/state-transition";

const CONCURRENT_READS = 16;

/** A subject whose history is wanted, and its present. */
export interface Present {
  readonly subject: string;
  readonly state: MonitorState | undefined;
}

/**
 * Reads histories, and reads them again only when they have changed: when an hour has ended or an incident has closed. A function
 * that stays warm so reads an hour's hundred items once, not twelve times.
 *
 * @returns them by subject
 */
export function historyReader(
  table: Pick<StateTable, "history">,
): (present: readonly Present[], now: number) => Promise<ReadonlyMap<string, History>> {
  let known = new Map<string, { readonly version: string; readonly history: History }>();
  return async (present, now) => {
    const entries = await mapConcurrently(present, CONCURRENT_READS, async ({ subject, state }) => {
      const version = [hourOf(now), state?.hour.start, state?.closedIncidents].join();
      const last = known.get(subject);
      if (last?.version === version) return [subject, last] as const;
      const history = state ? historyOf(await table.history(subject, historyStarts(now)), now) : NO_HISTORY;
      return [subject, { version, history }] as const;
    });
    known = new Map(entries);
    return new Map(entries.map(([subject, { history }]) => [subject, history]));
  };
}
