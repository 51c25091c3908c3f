/** Makes one round of checks count, once, for every subject. */
import { sleep, type Clock } from "../shared/clock";
import { mapConcurrently } from "../shared/concurrency";
import type { StateTable } from "./state-table";
import type { Finding, Rules, TargetState } from "./target-state";
import { applyTick, type Round } from "./tick";

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
export async function keepRound(
  examined: readonly Examined[],
  states: ReadonlyMap<string, { readonly state?: TargetState }>,
  round: Round,
  ports: KeepPorts,
): Promise<{ readonly kept: readonly Kept[]; readonly error?: StateNotSavedError }> {
  const errors: unknown[] = [];
  const kept = await mapConcurrently(examined, CONCURRENT_WRITES, async (each) => {
    try {
      return [await keepOne(each, states.get(each.subject)?.state, round, ports)];
    } catch (error) {
      errors.push(error);
      return [];
    }
  });
  if (errors.length === 0) return { kept: kept.flat() };
  const message = `${errors.length} of ${examined.length} states not saved`;
  return { kept: kept.flat(), error: new StateNotSavedError(message, { cause: errors[0] }) };
}

async function keepOne(
  { subject, finding, rules }: Examined,
  read: TargetState | undefined,
  round: Round,
  { table, clock, random }: KeepPorts,
): Promise<Kept> {
  let before = read;
  for (let attempt = 0; attempt < MOST_ATTEMPTS; attempt++) {
    const step = applyTick(before, finding, round, rules);
    // A write of ours that got no answer was tried again by the SDK, and met itself.
    if (step === undefined && before !== undefined) return { subject, state: before, ours: before.run === round.run };
    if (step !== undefined && (await table.save(subject, step))) return { subject, state: step.state, ours: true };
    if (attempt > 0) await sleep(clock, random() * LONGEST_PAUSE_MS);
    before = await table.readOne(subject);
  }
  throw new StateNotSavedError(`${subject}: others kept writing it`);
}
