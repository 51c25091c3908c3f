/** Reads states and histories, and builds the status document. */
import type { Clock } from "../../shared/clock";
import { mapConcurrently } from "../../shared/resilience/concurrency";
import { DAY_MS, MINUTE_SECONDS, startOfUtcHour } from "../../shared/time";
import { announcedWindows } from "../monitors/announced-maintenance";
import type { IncidentUpdates } from "../monitors/incident-updates";
import { monitorsOf, type Configuration } from "../monitors/policy";
import type { MonitorState } from "../monitors/state";
import type { StateTable } from "../monitors/state-table";
import { statusDocument } from "./build-document";
import type { StatusDocument } from "./document";
import { NO_HISTORY, historyOf, historyStarts, type History } from "./history";

const CONCURRENT_READS = 16;

/** How long before it begins maintenance is on the page. */
const ANNOUNCED_DAYS = 7;

export interface StatusPorts {
  readonly app: string;
  readonly environment: string;
  readonly intervalMinutes: number;
  readonly table: Pick<StateTable, "read" | "history">;
  readonly updates: Pick<IncidentUpdates, "since">;
  readonly clock: Clock;
}

/** Builds the current status. Throws StateReadError. */
export type StatusBuilder = (configuration: Configuration, deadline: number) => Promise<StatusDocument>;

/** Use one builder for all invocations: it caches histories. */
export function statusBuilder({
  app,
  environment,
  intervalMinutes,
  table,
  updates,
  clock,
}: StatusPorts): StatusBuilder {
  const readHistory = cachedHistories(table);
  return async (configuration, deadline) => {
    const monitors = monitorsOf(configuration, intervalMinutes).filter(({ isPublic }) => isPublic);
    const keys = monitors.map(({ key }) => key);
    const states = await table.read(keys, deadline);
    const now = clock.now();
    const histories = await readHistory(keys, (key) => states.get(key)?.state, now);
    const records = monitors.map((monitor) => ({
      ...monitor,
      state: states.get(monitor.key)?.state,
      history: histories.get(monitor.key) ?? NO_HISTORY,
    }));
    // An incident may have begun long before the first day that is shown.
    const began = records
      .flatMap(({ state, history }) => [...(state?.incident ? [state.incident] : []), ...history.incidents])
      .reduce((first, { openedAt }) => Math.min(first, openedAt), Infinity);
    return statusDocument(records, {
      app,
      environment,
      title: configuration.brand.title,
      intervalSeconds: intervalMinutes * MINUTE_SECONDS,
      updates: began === Infinity ? [] : await updates.since(began),
      announcedWindows: announcedWindows(configuration, { from: now, to: now + ANNOUNCED_DAYS * DAY_MS }),
      now,
    });
  };
}

/** A history changes only when an hour ends or an incident closes, so a warm function reads it once an hour. */
function cachedHistories(table: Pick<StateTable, "history">) {
  let cache: ReadonlyMap<string, { readonly version: string; readonly history: History }> = new Map();
  return async (
    keys: readonly string[],
    stateOf: (key: string) => MonitorState | undefined,
    now: number,
  ): Promise<ReadonlyMap<string, History>> => {
    const entries = await mapConcurrently(keys, CONCURRENT_READS, async (key) => {
      const state = stateOf(key);
      const version = [startOfUtcHour(now), state?.hour.start, state?.closedIncidents].join();
      const cached = cache.get(key);
      if (cached?.version === version) return [key, cached] as const;
      const history = state ? historyOf(await table.history(key, historyStarts(now)), now) : NO_HISTORY;
      return [key, { version, history }] as const;
    });
    cache = new Map(entries);
    return new Map(entries.map(([key, { history }]) => [key, history]));
  };
}
