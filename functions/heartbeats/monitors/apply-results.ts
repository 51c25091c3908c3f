/** Makes one round of checks count, once, for every subject. */
import { sleep, type Clock } from "../../shared/clock";
import { mapConcurrently } from "../../shared/concurrency";
import type { StateTable } from "./state-table";
import type { CheckResult, Run, MonitorPolicy, Transition, MonitorState } from "./state";
import { closeForRemoval } from "./incidents";
import { applyCheckResult } from "./state-transition";

/** Writes at a time: the SDK holds fifty connections. */
const CONCURRENT_WRITES = 48;

/** Rounds that run at one time get into each other's way once each, or twice. */
const MOST_ATTEMPTS = 8;
const LONGEST_PAUSE_MS = 100;

/** A target or a job, and what this round found of it. */
export interface CheckedMonitor {
  readonly key: string;
  readonly result: CheckResult;
  readonly policy: MonitorPolicy;
}

/** What is known after a round. */
export interface AppliedResult {
  readonly key: string;
  readonly state: MonitorState;
  /** Whether this very invocation has written it, and not another one of the same tick. */
  readonly writtenByThisRun: boolean;
}

export interface ApplyPorts {
  readonly table: Pick<StateTable, "readOne" | "save">;
  readonly clock: Clock;
  readonly random: () => number;
}

/** Some states could not be written; the others are. */
export class StateWriteError extends Error {
  override readonly name = "StateNotSavedError";
}

/**
 * Applies a round to each subject. Safe under doubled, concurrent and retried ticks: a step is stored only upon the state that it
 * was made from, else it is made again from the newer one, which may know the tick already.
 */
export function applyResults(
  examined: readonly CheckedMonitor[],
  states: ReadonlyMap<string, { readonly state?: MonitorState }>,
  round: Run,
  ports: ApplyPorts,
): Promise<ApplyOutcome> {
  const changes = examined.map(({ key: subject, result: finding, policy: rules }) => ({
    subject,
    before: states.get(subject)?.state,
    stepFrom: (before: MonitorState | undefined) => applyCheckResult(before, finding, round, rules),
  }));
  return applyAll(changes, round, ports);
}

/** Closes what is open of subjects that are no longer in the configuration. Safe as {@link applyResults} is. */
export function closeRemovedMonitors(
  states: ReadonlyMap<string, { readonly state?: MonitorState }>,
  round: Run,
  ports: ApplyPorts,
): Promise<ApplyOutcome> {
  const changes = [...states].flatMap(([subject, { state }]) =>
    state === undefined ? [] : [{ subject, before: state, stepFrom: (before = state) => closeForRemoval(before, round) }],
  );
  return applyAll(changes, round, ports);
}

export interface ApplyOutcome {
  readonly applied: readonly AppliedResult[];
  readonly error?: StateWriteError;
}

interface Change {
  readonly key: string;
  readonly before: MonitorState | undefined;
  /** Undefined: nothing is to be changed. */
  readonly transitionFrom: (before: MonitorState | undefined) => Transition | undefined;
}

async function applyAll(changes: readonly Change[], round: Run, ports: ApplyPorts): Promise<ApplyOutcome> {
  const errors: unknown[] = [];
  const kept = await mapConcurrently(changes, CONCURRENT_WRITES, async (change) => {
    try {
      return [await applyOne(change, round, ports)];
    } catch (error) {
      errors.push(error);
      return [];
    }
  });
  if (errors.length === 0) return { applied: kept.flat() };
  const message = `${errors.length} of ${changes.length} states not saved`;
  return { applied: kept.flat(), error: new StateWriteError(message, { cause: errors[0] }) };
}

async function applyOne(change: Change, round: Run, { table, clock, random }: ApplyPorts): Promise<AppliedResult> {
  const { key: subject, transitionFrom: stepFrom } = change;
  let { before } = change;
  for (let attempt = 0; attempt < MOST_ATTEMPTS; attempt++) {
    const step = stepFrom(before);
    // A write of ours that got no answer was tried again by the SDK, and met itself.
    if (step === undefined && before !== undefined) return { key: subject, state: before, writtenByThisRun: before.run === round.id };
    if (step !== undefined && (await table.save(subject, step))) return { key: subject, state: step.state, writtenByThisRun: true };
    if (attempt > 0) await sleep(clock, random() * LONGEST_PAUSE_MS);
    before = await table.readOne(subject);
  }
  throw new StateWriteError(`${subject}: others kept writing it`);
}
