/** What follows upon the checks of a round: states kept, people told. */
import type { Observation } from "./probe/check-target";
import type { Target, Watch } from "./contract";
import { findingOfCheck, findingOfJob } from "./monitors/check-result";
import { planNotices } from "./notifications/plan";
import { keepRemoved, keepRound, type Examined } from "./monitors/apply-results";
import { subjectOfJob, subjectOfTarget, type Subject } from "./monitors/policy";
import type { Remembered, StateTable } from "./monitors/state-table";
import type { Round } from "./monitors/state";
import { tell, type TellPorts } from "./notifications/deliver";

/** What a round was about. */
export interface Checked {
  readonly targets: readonly Target[];
  readonly watch: Watch;
  /** One for each target, in their order. */
  readonly observations: readonly Observation[];
  readonly round: Round;
  /** No retry begins after it, epoch milliseconds. */
  readonly deadline: number;
}

export interface AftermathPorts extends Omit<TellPorts, "table"> {
  readonly app: string;
  readonly environment: string;
  readonly intervalMinutes: number;
  readonly table: StateTable;
  readonly random: () => number;
}

type Watched = Examined & Subject;

/** @throws {@link StateNotReadError}, {@link StateNotSavedError}; only after all else was done */
export async function aftermath(checked: Checked, ports: AftermathPorts): Promise<void> {
  const { targets, watch, round, deadline } = checked;
  const { intervalMinutes } = ports;
  const subjects = [
    ...targets.map((target) => subjectOfTarget(target, watch, intervalMinutes)),
    ...watch.jobs.map((job) => subjectOfJob(job, watch, intervalMinutes)),
  ].map(({ subject }) => subject);
  const removed = await removedSubjects(subjects, ports.table);
  const [states, removedStates] = await Promise.all([
    ports.table.read(subjects, deadline),
    ports.table.read(removed, deadline),
  ]);
  const watched = [...watchedTargets(checked, ports), ...watchedJobs(checked, states, ports)];

  const outcomes = await Promise.all([
    keepRound(watched, states, round, ports),
    keepRemoved(removedStates, round, ports),
  ]);
  const kept = outcomes.flatMap((outcome) => outcome.kept);
  await tell(planNotices(kept, round.tick, `${ports.app} ${ports.environment}`), ports);
  for (const { error } of outcomes) if (error !== undefined) throw error;
  const done = removed.filter((subject) => isDoneWith(removedStates.get(subject)));
  if (done.length > 0) await ports.table.unwatch(done);
}

/** Who was configured and is no longer. Newcomers are noted before anything is known of them: none can be forgotten. */
async function removedSubjects(subjects: readonly string[], table: StateTable): Promise<readonly string[]> {
  const known = await table.watched();
  const newcomers = subjects.filter((subject) => !known.has(subject));
  if (newcomers.length > 0) await table.watch(newcomers);
  const configured = new Set(subjects);
  return [...known].filter((subject) => !configured.has(subject));
}

/** As it was before this round: what a round closes, the next one knows to be told. */
function isDoneWith({ state }: Remembered = {}): boolean {
  return state === undefined || (state.incident === undefined && state.outbox.length === 0);
}

function watchedTargets({ targets, watch, observations }: Checked, { intervalMinutes }: AftermathPorts): Watched[] {
  const found = new Map(observations.map((observation) => [observation.target, observation]));
  return targets.flatMap((target): Watched[] => {
    const observation = found.get(target.name);
    if (observation === undefined) return [];
    return [{ ...subjectOfTarget(target, watch, intervalMinutes), finding: findingOfCheck(observation) }];
  });
}

function watchedJobs(
  { watch, round }: Checked,
  states: ReadonlyMap<string, Remembered>,
  { intervalMinutes }: AftermathPorts,
): Watched[] {
  return watch.jobs.map((job): Watched => {
    const subject = subjectOfJob(job, watch, intervalMinutes);
    const { state, reportedAt } = states.get(subject.subject) ?? {};
    return { ...subject, finding: findingOfJob(job, reportedAt, state?.firstTick ?? round.tick, round.tick) };
  });
}
