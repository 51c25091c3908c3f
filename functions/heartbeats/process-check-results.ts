/** What follows upon the checks of a round: states kept, people told. */
import type { ProbeResult } from "./probe/check-target";
import type { Target, MonitorSettings } from "./contract";
import { targetResult, cronResult } from "./monitors/check-result";
import { planDelivery } from "./notifications/plan";
import { closeRemovedMonitors, applyResults, type CheckedMonitor } from "./monitors/apply-results";
import { cronMonitor, targetMonitor, type Monitor } from "./monitors/policy";
import type { StoredMonitor, StateTable } from "./monitors/state-table";
import type { Run } from "./monitors/state";
import { deliverNotifications, type DeliveryPorts } from "./notifications/deliver";

/** What a round was about. */
export interface Checked {
  readonly targets: readonly Target[];
  readonly watch: MonitorSettings;
  /** One for each target, in their order. */
  readonly observations: readonly ProbeResult[];
  readonly round: Run;
  /** No retry begins after it, epoch milliseconds. */
  readonly deadline: number;
}

export interface ProcessPorts extends Omit<DeliveryPorts, "table"> {
  readonly app: string;
  readonly environment: string;
  readonly intervalMinutes: number;
  readonly table: StateTable;
  readonly random: () => number;
}

type Watched = CheckedMonitor & Monitor;

/** @throws {@link StateNotReadError}, {@link StateNotSavedError}; only after all else was done */
export async function processCheckResults(checked: Checked, ports: ProcessPorts): Promise<void> {
  const { targets, watch, round, deadline } = checked;
  const { intervalMinutes } = ports;
  const subjects = [
    ...targets.map((target) => targetMonitor(target, watch, intervalMinutes)),
    ...watch.jobs.map((job) => cronMonitor(job, watch, intervalMinutes)),
  ].map(({ key: subject }) => subject);
  const removed = await removedSubjects(subjects, ports.table);
  const [states, removedStates] = await Promise.all([
    ports.table.read(subjects, deadline),
    ports.table.read(removed, deadline),
  ]);
  const watched = [...watchedTargets(checked, ports), ...watchedJobs(checked, states, ports)];

  const outcomes = await Promise.all([
    applyResults(watched, states, round, ports),
    closeRemovedMonitors(removedStates, round, ports),
  ]);
  const kept = outcomes.flatMap((outcome) => outcome.applied);
  await deliverNotifications(planDelivery(kept, round.tick, `${ports.app} ${ports.environment}`), ports);
  for (const { error } of outcomes) if (error !== undefined) throw error;
  const done = removed.filter((subject) => isDoneWith(removedStates.get(subject)));
  if (done.length > 0) await ports.table.deregister(done);
}

/** Who was configured and is no longer. Newcomers are noted before anything is known of them: none can be forgotten. */
async function removedSubjects(subjects: readonly string[], table: StateTable): Promise<readonly string[]> {
  const known = await table.registered();
  const newcomers = subjects.filter((subject) => !known.has(subject));
  if (newcomers.length > 0) await table.register(newcomers);
  const configured = new Set(subjects);
  return [...known].filter((subject) => !configured.has(subject));
}

/** As it was before this round: what a round closes, the next one knows to be told. */
function isDoneWith({ state }: StoredMonitor = {}): boolean {
  return state === undefined || (state.incident === undefined && state.outbox.length === 0);
}

function watchedTargets({ targets, watch, observations }: Checked, { intervalMinutes }: ProcessPorts): Watched[] {
  const found = new Map(observations.map((observation) => [observation.target, observation]));
  return targets.flatMap((target): Watched[] => {
    const observation = found.get(target.name);
    if (observation === undefined) return [];
    return [{ ...targetMonitor(target, watch, intervalMinutes), result: targetResult(observation) }];
  });
}

function watchedJobs(
  { watch, round }: Checked,
  states: ReadonlyMap<string, StoredMonitor>,
  { intervalMinutes }: ProcessPorts,
): Watched[] {
  return watch.jobs.map((job): Watched => {
    const subject = cronMonitor(job, watch, intervalMinutes);
    const { state, reportedAt } = states.get(subject.key) ?? {};
    return { ...subject, result: cronResult(job, reportedAt, state?.firstTick ?? round.tick, round.tick) };
  });
}
