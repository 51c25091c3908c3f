/** Processes the check results of one run: updates states and incidents, publishes, notifies. */
import type { ProbeResult } from "../probe/check-target";
import {
  applyResults,
  closeRemovedMonitors,
  type AppliedResult,
  type ApplyPorts,
  type CheckedMonitor,
} from "./apply-results";
import { cronResult, targetResult, type CheckResult } from "./check-result";
import { monitorsOf, networkMonitor, type Configuration, type Monitor } from "./policy";
import type { Run } from "./state";
import type { StateTable, StoredMonitor } from "./state-table";

export interface CheckedConfiguration {
  readonly configuration: Configuration;
  /** One for each target. */
  readonly results: readonly ProbeResult[];
  /** Why the checker's own network is at fault, if it is. Results of public targets are `unmeasured` then. */
  readonly networkFailure?: string;
  readonly run: Run;
  /** Epoch milliseconds; no retry begins after it. */
  readonly deadline: number;
}

export interface ProcessPorts extends ApplyPorts {
  readonly intervalMinutes: number;
  readonly table: StateTable;
  /** Called once states are saved: the status page does not wait for notifiers. */
  readonly publish: () => Promise<void>;
  /** Delivers the notifications in the states' outboxes, until the deadline. */
  readonly notify: (
    applied: readonly AppliedResult[],
    context: { readonly monitors: readonly Monitor[]; readonly digestAbove: number },
    run: Run,
    deadline: number,
  ) => Promise<void>;
  /** Called for each monitor whose stored items are malformed. It is skipped, the others are not. */
  readonly onUnreadable: (key: string, error: Error) => void;
}

/** @throws {@link StateReadError}; {@link StateWriteError}, after the other states are saved and notified */
export async function processCheckResults(checked: CheckedConfiguration, ports: ProcessPorts): Promise<void> {
  const { configuration, run, deadline } = checked;
  const { table, intervalMinutes, notify, onUnreadable } = ports;
  const monitors = monitorsOf(configuration, intervalMinutes);
  const network = networkMonitor(configuration, intervalMinutes);
  const keys = monitors.map(({ key }) => key);
  const removed = await removedMonitors(keys, table);
  const [states, removedStates] = await Promise.all([
    table.read([...keys, network.key], deadline),
    table.read(removed, deadline),
  ]);
  for (const [key, { unreadable }] of [...states, ...removedStates])
    if (unreadable !== undefined) onUnreadable(key, unreadable);

  const networkState = states.get(network.key)?.state;
  const results = [...withResults(monitors, checked, states), ...networkResult(network, checked, networkState)];
  const outcomes = await Promise.all([
    applyResults(results, states, run, ports),
    closeRemovedMonitors(removedStates, run, ports),
  ]);
  // A failure is the caller's: it must not delay notifications.
  await Promise.allSettled([ports.publish()]);
  const applied = outcomes.flatMap((outcome) => outcome.applied);
  await notify(applied, { monitors, digestAbove: configuration.digestAbove }, run, deadline);
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
function isSettled({ state, unreadable }: StoredMonitor = {}): boolean {
  if (unreadable !== undefined) return false;
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
    const { state, heartbeatAt, unreadable } = states.get(monitor.key) ?? {};
    if (unreadable !== undefined) return [];
    const probe = monitor.kind === "target" ? probes.get(monitor.name) : undefined;
    if (probe !== undefined) return [{ ...monitor, result: targetResult(probe) }];
    const cron = monitor.kind === "cron" ? crons.get(monitor.name) : undefined;
    if (cron === undefined) return [];
    return [{ ...monitor, result: cronResult(cron, heartbeatAt, state?.firstTick ?? tick, tick) }];
  });
}

/** The network's state is written only while it is at fault or has something to tell, to save a write in each run. */
function networkResult(
  network: Monitor,
  { networkFailure, run: { tick } }: CheckedConfiguration,
  state: StoredMonitor["state"],
): readonly CheckedMonitor[] {
  if (networkFailure === undefined && state?.incident === undefined && (state?.outbox.length ?? 0) === 0) return [];
  const result: CheckResult =
    networkFailure === undefined
      ? { health: "up", at: tick }
      : { health: "down", at: tick, reason: "network", message: networkFailure };
  return [{ ...network, result }];
}
