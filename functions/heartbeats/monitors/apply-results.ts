/** Makes one round of checks count, once, for every subject. */
import { sleep, type Clock } from "../../shared/clock";
import { mapConcurrently } from "../../shared/concurrency";
import type { StateTable } from "./state-table";
import type { Finding, Round, Rules, Step, TargetState } from "./state";
import { closeRemoved } from "./incidents";
import { applyTick } from "./state-transition";

/** Writes at a time: the SDK holds fifty connections. */
const CONCURRENT_WRITES = 48;

/** Rounds that run at one time get into each other's way once each, or twice. */
const MOST_ATTEMPTS = 8;
const LONGEST_PAUSE_MS = 100;

/** A target or a job, and what this round found of it. */
export interface Examined {
  readonly subject: string;
  readonly finding: Finding;
  readonly rules: Rules;
}

/** What is known after a round. */
export interface Kept {
  readonly subject: string;
  readonly state: TargetState;
  /** Whether this very invocation has written it, and not another one of the same tick. */
  readonly ours: boolean;
}

export interface KeepPorts {
  readonly table: Pick<StateTable, "readOne" | "save">;
  readonly clock: Clock;
  readonly random: () => number;
}

/** Some states could not be written; the others are. */
export class StateNotSavedError extends Error {
  override readonly name = "StateNotSavedError";
}

/**
 * Applies a round to each subject. Safe under doubled, concurrent and retried ticks: a step is stored only upon the state that it
 * was made from, else it is made again from the newer one, which may know the tick already.
 */
export function keepRound(
  examined: readonly Examined[],
  states: ReadonlyMap<string, { readonly state?: TargetState }>,
  round: Round,
  ports: KeepPorts,
): Promise<KeptRound> {
  const changes = examined.map(({ subject, finding, rules }) => ({
    subject,
    before: states.get(subject)?.state,
    stepFrom: (before: TargetState | undefined) => applyTick(before, finding, round, rules),
  }));
  return keepAll(changes, round, ports);
}

/** Closes what is open of subjects that are no longer in the configuration. Safe as {@link keepRound} is. */
export function keepRemoved(
  states: ReadonlyMap<string, { readonly state?: TargetState }>,
  round: Round,
  ports: KeepPorts,
): Promise<KeptRound> {
  const changes = [...states].flatMap(([subject, { state }]) =>
    state === undefined ? [] : [{ subject, before: state, stepFrom: (before = state) => closeRemoved(before, round) }],
  );
  return keepAll(changes, round, ports);
}

export interface KeptRound {
  readonly kept: readonly Kept[];
  readonly error?: StateNotSavedError;
}

interface Change {
  readonly subject: string;
  readonly before: TargetState | undefined;
  /** Undefined: nothing is to be changed. */
  readonly stepFrom: (before: TargetState | undefined) => Step | undefined;
}

async function keepAll(changes: readonly Change[], round: Round, ports: KeepPorts): Promise<KeptRound> {
  const errors: unknown[] = [];
  const kept = await mapConcurrently(changes, CONCURRENT_WRITES, async (change) => {
    try {
      return [await keepOne(change, round, ports)];
    } catch (error) {
      errors.push(error);
      return [];
    }
  });
  if (errors.length === 0) return { kept: kept.flat() };
  const message = `${errors.length} of ${changes.length} states not saved`;
  return { kept: kept.flat(), error: new StateNotSavedError(message, { cause: errors[0] }) };
}

async function keepOne(change: Change, round: Round, { table, clock, random }: KeepPorts): Promise<Kept> {
  const { subject, stepFrom } = change;
  let { before } = change;
  for (let attempt = 0; attempt < MOST_ATTEMPTS; attempt++) {
    const step = stepFrom(before);
    // A write of ours that got no answer was tried again by the SDK, and met itself.
    if (step === undefined && before !== undefined) return { subject, state: before, ours: before.run === round.run };
    if (step !== undefined && (await table.save(subject, step))) return { subject, state: step.state, ours: true };
    if (attempt > 0) await sleep(clock, random() * LONGEST_PAUSE_MS);
    before = await table.readOne(subject);
  }
  throw new StateNotSavedError(`${subject}: others kept writing it`);
}
