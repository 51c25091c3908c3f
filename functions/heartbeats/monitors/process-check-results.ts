/** Processes the check results of one run: updates states and incidents, and notifies. */
import type { ProbeResult } from "../probe/check-target";
import {
  applyResults,
  closeRemovedMonitors,
  type AppliedResult,
  type ApplyPorts,
  type CheckedMonitor,
} from "./apply-results";
import { cronResult, targetResult } from "./check-result";
import { monitorsOf, type Configuration, type Monitor } from "./policy";
import type { Run } from "./state";
import type { StateTable, StoredMonitor } from "./state-table";

export interface CheckedConfiguration {
  readonly configuration: Configuration;
  /** One for each target. */
  readonly results: readonly ProbeResult[];
  readonly run: Run;
  /** Epoch milliseconds; no retry begins after it. */
  readonly deadline: number;
}

export interface ProcessPorts extends ApplyPorts {
  readonly intervalMinutes: number;
  readonly table: StateTable;
  /** Delivers the notifications in the states' outboxes. */
  readonly notify: (applied: readonly AppliedResult[], run: Run) => Promise<void>;
}

/** @throws {@link StateReadError}; {@link StateWriteError}, after the other states are saved and notified */
export async function processCheckResults(checked: CheckedConfiguration, ports: ProcessPorts): Promise<void> {
  const { configuration, run, deadline } = checked;
  const { table, intervalMinutes, notify } = ports;
  const monitors = monitorsOf(configuration, intervalMinutes);
  const keys = monitors.map(({ key }) => key);
  const removed = await removedMonitors(keys, table);
  const [states, removedStates] = await Promise.all([table.read(keys, deadline), table.read(removed, deadline)]);

  const outcomes = await Promise.all([
    applyResults(withResults(monitors, checked, states), states, run, ports),
    closeRemovedMonitors(removedStates, run, ports),
  ]);
  const applied = outcomes.flatMap((outcome) => outcome.applied);
  await notify(applied, run);
  for (const { error } of outcomes) if (error !== undefined) throw error;
  const settled = removed.filter((key) => isSettled(removedStates.get(key)));
  if (settled.length > 0) await table.deregister(settled);
}

/** Registers new monitors before their first state is written, so that no open incident is missed after their removal. */
async function removedMonitors(keys: readonly string[], table: StateTable): Promise<readonly string[]> {
  const registered = await table.registered();
  const added = keys.filter((key) => !registered.has(key));
  if (added.length > 0) await table.register(added);
  const configured = new Set(keys);
  return [...registered].filter((key) => !configured.has(key));
}

/** Decided by the state before this run: an incident closed by this run is notified by now, but only the next run knows it. */
function isSettled({ state }: StoredMonitor = {}): boolean {
  return state === undefined || (state.incident === undefined && state.outbox.length === 0);
}

function withResults(
  monitors: readonly Monitor[],
  { configuration, results, run: { tick } }: CheckedConfiguration,
  states: ReadonlyMap<string, StoredMonitor>,
): readonly CheckedMonitor[] {
  const probes = new Map(results.map((result) => [result.target, result]));
  const crons = new Map(configuration.cronMonitors.map((cron) => [cron.name, cron]));
  return monitors.flatMap((monitor) => {
    const probe = monitor.kind === "target" ? probes.get(monitor.name) : undefined;
    if (probe !== undefined) return [{ ...monitor, result: targetResult(probe) }];
    const cron = monitor.kind === "cron" ? crons.get(monitor.name) : undefined;
    if (cron === undefined) return [];
    const { state, heartbeatAt } = states.get(monitor.key) ?? {};
    return [{ ...monitor, result: cronResult(cron, heartbeatAt, state?.firstTick ?? tick, tick) }];
  });
}
