/** Applies the check results of one run to the stored states, each tick exactly once. */
import { sleep, type Clock } from "../../shared/clock";
import { mapConcurrently } from "../../shared/resilience/concurrency";
import type { CheckResult } from "./check-result";
import { closeForRemoval } from "./incidents";
import type { Monitor } from "./policy";
import type { MonitorState, Run, Transition } from "./state";
import type { StateTable } from "./state-table";
import { applyCheckResult } from "./state-transition";

/** States written at the same time. */
export const CONCURRENT_WRITES = 48;

/** Concurrent runs conflict once or twice. */
const MAX_ATTEMPTS = 8;
const MAX_PAUSE_MS = 100;

export interface CheckedMonitor extends Monitor {
  readonly result: CheckResult;
}

export interface AppliedResult {
  readonly key: string;
  readonly state: MonitorState;
}

export interface ApplyPorts {
  readonly table: Pick<StateTable, "readOne" | "save">;
  readonly clock: Clock;
  readonly random: () => number;
}

/** Some states could not be written; the others were. */
class StateWriteError extends Error {
  override readonly name = "StateWriteError";
}

export interface ApplyOutcome {
  readonly applied: readonly AppliedResult[];
  readonly error?: Error;
}

/**
 * Safe under duplicate, concurrent and retried ticks: a transition is stored only if its state is unchanged since it was read,
 * else it is computed again from the newer state, which may include the tick already.
 */
export function applyResults(
  checked: readonly CheckedMonitor[],
  states: ReadonlyMap<string, { readonly state?: MonitorState }>,
  run: Run,
  ports: ApplyPorts,
): Promise<ApplyOutcome> {
  const changes = checked.map(({ key, result, policy }) => ({
    key,
    before: states.get(key)?.state,
    transitionFrom: (before: MonitorState | undefined) => applyCheckResult(before, result, run, policy),
  }));
  return applyAll(changes, ports);
}

/** Closes the open incidents of monitors that are no longer configured. As safe as {@link applyResults}. */
export function closeRemovedMonitors(
  states: ReadonlyMap<string, { readonly state?: MonitorState }>,
  run: Run,
  ports: ApplyPorts,
): Promise<ApplyOutcome> {
  const changes = [...states].flatMap(([key, { state }]) =>
    state === undefined
      ? []
      : [{ key, before: state, transitionFrom: (before = state) => closeForRemoval(before, run) }],
  );
  return applyAll(changes, ports);
}

interface Change {
  readonly key: string;
  readonly before: MonitorState | undefined;
  /** Undefined where nothing changes. */
  readonly transitionFrom: (before: MonitorState | undefined) => Transition | undefined;
}

async function applyAll(changes: readonly Change[], ports: ApplyPorts): Promise<ApplyOutcome> {
  const errors: unknown[] = [];
  const applied = await mapConcurrently(changes, CONCURRENT_WRITES, async (change) => {
    try {
      return [await applyOne(change, ports)];
    } catch (error) {
      errors.push(error);
      return [];
    }
  });
  if (errors.length === 0) return { applied: applied.flat() };
  const message = `${errors.length} of ${changes.length} states not saved`;
  return { applied: applied.flat(), error: new StateWriteError(message, { cause: errors[0] }) };
}

async function applyOne(change: Change, { table, clock, random }: ApplyPorts): Promise<AppliedResult> {
  const { key, transitionFrom } = change;
  let { before } = change;
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
    const transition = transitionFrom(before);
    if (transition === undefined && before !== undefined) return { key, state: before };
    if (transition !== undefined && (await table.save(key, transition))) return { key, state: transition.state };
    if (attempt > 0) await sleep(clock, random() * MAX_PAUSE_MS);
    before = await table.readOne(key);
  }
  throw new StateWriteError(`${key}: write conflict in ${MAX_ATTEMPTS} attempts`);
}
