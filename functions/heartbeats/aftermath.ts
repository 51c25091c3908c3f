/** What follows upon the checks of a round: states kept, people told. */
import type { Observation } from "./checker";
import type { Target, Watch } from "./contract";
import { findingOfCheck, findingOfJob } from "./findings";
import { planNotices } from "./notices";
import { keepRound, type Examined } from "./round";
import { subjectOfJob, subjectOfTarget, type Subject } from "./rules";
import type { Remembered, StateTable } from "./state-table";
import { tell, type TellPorts } from "./tell";
import type { Round } from "./tick";

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
  const states = await ports.table.read(subjects, deadline);
  const watched = [...watchedTargets(checked, ports), ...watchedJobs(checked, states, ports)];

  const { kept, error } = await keepRound(watched, states, round, ports);
  await tell(planNotices(kept, round.tick, `${ports.app} ${ports.environment}`), ports);
  if (error !== undefined) throw error;
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
