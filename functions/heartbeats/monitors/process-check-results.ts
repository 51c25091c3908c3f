/** Processes the check results of one run: updates states and incidents, publishes, notifies. */
import { fnv1a } from "../../shared/hash";
import { truncate } from "../../shared/text";
import type { ProbeResult } from "../probe/check-target";
import { announcedWindows, describeWindow } from "./announced-maintenance";
import {
  applyResults,
  closeRemovedMonitors,
  type AppliedResult,
  type ApplyPorts,
  type CheckedMonitor,
} from "./apply-results";
import { targetResult, type CheckResult } from "./check-result";
import { checkerMonitors, monitorKey, monitorsOf, type Configuration, type Monitor, type SetAsideItem } from "./policy";
import type { Run } from "./state";
import { MalformedRegistryError, REGISTRY, type StateTable, type StoredMonitor } from "./state-table";

/** Bounds the state and the notification. */
const MAX_ANNOUNCED_CHARACTERS = 1_500;

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
  const checker = checkerMonitors(configuration, intervalMinutes);
  const keys = monitors.map(({ key }) => key);
  const removed = await removedMonitors(keys, configuration.setAside ?? [], ports);
  const [states, removedStates] = await Promise.all([
    table.read([...keys, checker.network.key, checker.maintenance.key], deadline),
    table.read(removed, deadline),
  ]);
  for (const [key, { unreadable }] of [...states, ...removedStates])
    if (unreadable !== undefined) onUnreadable(key, unreadable);

  const stateOf = ({ key }: Monitor) => states.get(key)?.state;
  const results = [
    ...withResults(monitors, checked, states),
    ...checkerResult(checker.network, networkResult(checked), stateOf(checker.network)),
    ...checkerResult(checker.maintenance, maintenanceResult(checked), stateOf(checker.maintenance)),
  ];
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

/**
 * Registers new monitors before their first state is written, so that no open incident is missed after their removal. Without a readable
 * registry, removed monitors wait until it is mended.
 */
async function removedMonitors(
  keys: readonly string[],
  setAside: readonly SetAsideItem[],
  { table, onUnreadable }: Pick<ProcessPorts, "table" | "onUnreadable">,
): Promise<readonly string[]> {
  const registered = await table.registered().catch((error: unknown) => {
    if (!(error instanceof MalformedRegistryError)) throw error;
    onUnreadable(REGISTRY.monitor, error);
    return undefined;
  });
  if (registered === undefined) return [];
  const added = keys.filter((key) => !registered.has(key));
  if (added.length > 0) await table.register(added);
  // One without a name could be any of them.
  if (setAside.some(({ name }) => name === undefined)) return [];
  const malformed = setAside.flatMap(({ name = "" }) => [
    monitorKey.target(name),
    monitorKey.cron(name),
    monitorKey.schedule(name),
  ]);
  const configured = new Set([...keys, ...malformed]);
  return [...registered].filter((key) => !configured.has(key));
}

/** Decided by the state before this run: an incident closed by this run is notified by now, but only the next run knows it. */
function isSettled({ state, unreadable }: StoredMonitor = {}): boolean {
  if (unreadable !== undefined) return false;
  return state === undefined || (state.incident === undefined && state.outbox.length === 0);
}

function withResults(
  monitors: readonly Monitor[],
  { results, run: { tick } }: CheckedConfiguration,
  states: ReadonlyMap<string, StoredMonitor>,
): readonly CheckedMonitor[] {
  const probes = new Map(results.map((result) => [result.target, result]));
  return monitors.flatMap((monitor) => {
    const { state, job = {}, unreadable } = states.get(monitor.key) ?? {};
    if (unreadable !== undefined) return [];
    const probe = monitor.kind === "target" ? probes.get(monitor.name) : undefined;
    if (probe !== undefined) return [{ ...monitor, result: targetResult(probe) }];
    return monitor.resultOf === undefined ? [] : [{ ...monitor, result: monitor.resultOf(job, state, tick) }];
  });
}

/** The checker's own states are written only while there is something to tell, to save a write in each run. */
function checkerResult(
  monitor: Monitor,
  result: CheckResult,
  state: StoredMonitor["state"],
): readonly CheckedMonitor[] {
  if (result.health === "up" && state?.incident === undefined && (state?.outbox.length ?? 0) === 0) return [];
  return [{ ...monitor, result }];
}

function networkResult({ networkFailure, run: { tick } }: CheckedConfiguration): CheckResult {
  if (networkFailure === undefined) return { health: "up", at: tick };
  return { health: "down", at: tick, reason: "network", message: networkFailure };
}

/** Each set of announced windows is a reason of its own: a change of it is notified. */
function maintenanceResult({ configuration, run: { tick } }: CheckedConfiguration): CheckResult {
  const current = announcedWindows(configuration, { from: tick, to: tick + 1 });
  if (current.length === 0) return { health: "up", at: tick };
  const message = truncate(current.map(describeWindow).join("; "), MAX_ANNOUNCED_CHARACTERS);
  const identity = current.map(({ from, note }) => `${from} ${note}`).join("\n");
  return { health: "down", at: tick, reason: `maintenance-${fnv1a(identity)}`, message };
}
