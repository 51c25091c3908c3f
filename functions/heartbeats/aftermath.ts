/** What follows upon the checks of a round: states kept, people told, the status published. */
import type { Clock } from "../shared/clock";
import type { Observation } from "./checker";
import type { Job, Target, Watch } from "./contract";
import { findingOfCheck, findingOfJob } from "./findings";
import { NO_HISTORY } from "./history";
import type { historyReader } from "./history-reader";
import { planNotices } from "./notices";
import { keepRound, type Examined } from "./round";
import { subjectOf, type Remembered, type StateTable } from "./state-table";
import { statusDocument, type PublishStatus } from "./status";
import type { Rules } from "./target-state";
import { tell, type TellPorts } from "./tell";
import type { Round } from "./tick";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

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
  readonly histories: ReturnType<typeof historyReader>;
  readonly clock: Clock;
  readonly random: () => number;
  /** Undefined: the status is published nowhere. */
  readonly publishStatus: PublishStatus | undefined;
}

interface Watched extends Examined {
  readonly name: string;
  readonly kind: "target" | "job";
}

/** @throws {@link StateNotReadError}, {@link StateNotSavedError}, and what publishing throws; only after all else was done */
export async function aftermath(checked: Checked, ports: AftermathPorts): Promise<void> {
  const { targets, watch, round, deadline } = checked;
  const subjects = [
    ...targets.map(({ name }) => subjectOf.target(name)),
    ...watch.jobs.map(({ name }) => subjectOf.job(name)),
  ];
  const states = await ports.table.read(subjects, deadline);
  const watched = [...watchedTargets(checked, ports), ...watchedJobs(checked, states, ports)];

  const { kept, error } = await keepRound(watched, states, round, ports);
  await tell(planNotices(kept, round.tick, `${ports.app} ${ports.environment}`), ports);
  await publish(watched, new Map([...states, ...kept.map((each) => [each.subject, each] as const)]), ports);
  if (error !== undefined) throw error;
}

function watchedTargets({ targets, watch, observations }: Checked, ports: AftermathPorts): Watched[] {
  const found = new Map(observations.map((observation) => [observation.target, observation]));
  return targets.flatMap((target): Watched[] => {
    const observation = found.get(target.name);
    if (observation === undefined) return [];
    const { name } = target;
    const rules = rulesOf(target, watch, ports);
    return [{ subject: subjectOf.target(name), name, kind: "target", rules, finding: findingOfCheck(observation) }];
  });
}

function watchedJobs(
  { watch, round }: Checked,
  states: ReadonlyMap<string, Remembered>,
  ports: AftermathPorts,
): Watched[] {
  return watch.jobs.map((job): Watched => {
    const subject = subjectOf.job(job.name);
    const { state, reportedAt } = states.get(subject) ?? {};
    const finding = findingOfJob(job, reportedAt, state?.firstTick ?? round.tick, round.tick);
    return { subject, name: job.name, kind: "job", rules: rulesOf(job, watch, ports), finding };
  });
}

/** A job's grace is all the patience it needs: its first late look is its incident. */
function rulesOf(of: Target | Job, watch: Watch, { intervalMinutes }: AftermathPorts): Rules {
  const patience = "failuresBeforeDown" in of ? of : { failuresBeforeDown: 1, successesBeforeUp: 1 };
  return {
    failuresBeforeDown: patience.failuresBeforeDown,
    successesBeforeUp: patience.successesBeforeUp,
    maintenance: [...watch.maintenance, ...of.maintenance],
    intervalMs: intervalMinutes * MINUTE_MS,
    remindAfterMs: watch.remindAfterHours * HOUR_MS,
  };
}

async function publish(
  watched: readonly Watched[],
  states: ReadonlyMap<string, Remembered>,
  ports: AftermathPorts,
): Promise<void> {
  const { publishStatus, histories, clock, app, environment, intervalMinutes } = ports;
  if (publishStatus === undefined) return;
  const now = clock.now();
  const present = watched.map((each) => ({ ...each, state: states.get(each.subject)?.state }));
  const known = await histories(present, now);
  const described = present.map((each) => ({ ...each, history: known.get(each.subject) ?? NO_HISTORY }));
  await publishStatus(statusDocument(described, { app, environment, intervalSeconds: intervalMinutes * 60, now }));
}
