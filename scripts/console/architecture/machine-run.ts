/** What an execution did in each state of its machine, from its history. Pure. */
import type { MachineState } from "../contract";

/** An event of an execution's history, as far as it is drawn. */
export interface MachineEvent {
  readonly id: number;
  /** Of the event that led to it: branches of a Parallel and items of a Map run side by side. 0: none. */
  readonly previousId: number;
  readonly type: string;
  /** Epoch milliseconds. */
  readonly at: number;
  /** Of the events that enter and exit a state. */
  readonly state?: string;
  readonly input?: string;
  readonly output?: string;
  readonly error?: string;
  readonly cause?: string;
}

export type StateRun = Pick<
  MachineState,
  "status" | "enteredAt" | "exitedAt" | "input" | "output" | "error" | "entered"
>;

interface MachineRun {
  /** By name; a state that was not entered is missing. */
  readonly states: ReadonlyMap<string, StateRun>;
  /** Keys of the transitions that it took. */
  readonly taken: ReadonlySet<string>;
}

export function transitionKey(from: string, to: string): string {
  return JSON.stringify([from, to]);
}

/** A retry has succeeded: the state has not failed. */
const MENDS = /^(Task|LambdaFunction|Activity)Succeeded$/;

/** @param parents the group of each state that is in one */
export function runOf(events: readonly MachineEvent[], parents: ReadonlyMap<string, string>): MachineRun {
  const states = new Map<string, StateRun & { readonly open: number }>();
  const taken = new Set<string>();
  const byId = new Map(events.map((event) => [event.id, event]));
  const stateBefore = (event: MachineEvent): MachineEvent | undefined => {
    let before = byId.get(event.previousId);
    while (before !== undefined && before.state === undefined)
      before = before.previousId < before.id ? byId.get(before.previousId) : undefined;
    return before;
  };
  const change = (name: string, changes: Partial<StateRun & { readonly open: number }>) => {
    states.set(name, { entered: 0, open: 0, status: "current", ...states.get(name), ...changes });
  };
  for (const event of events) {
    const { type, at, state, input, output } = event;
    const time = new Date(at).toISOString();
    const before = stateBefore(event);
    const known = state === undefined ? undefined : states.get(state);
    if (state !== undefined && type.endsWith("StateEntered")) {
      if (before?.state !== undefined && isExit(before)) taken.add(transitionKey(before.state, state));
      const { entered = 0, open = 0 } = known ?? {};
      change(state, { status: "current", entered: entered + 1, open: open + 1, enteredAt: time, input });
    } else if (state !== undefined && isExit(event)) {
      const open = (known?.open ?? 1) - 1;
      const ended = known?.error === undefined ? "succeeded" : "failed";
      const entered = Math.max(1, known?.entered ?? 0);
      change(state, { status: open > 0 ? "current" : ended, open, entered, exitedAt: time, output });
      // A branch that was running when another one failed has no end of its own.
      for (const [name, { status }] of states)
        if (status === "current" && isWithin(name, state, parents)) change(name, { status: "failed", open: 0 });
    } else if (/^Execution(Failed|TimedOut|Aborted)$/.test(type)) {
      for (const [name, { status, error }] of states)
        if (status === "current") change(name, { status: "failed", error: error ?? reasonOf(event) });
    } else if (before?.state !== undefined && !isExit(before)) {
      if (MENDS.test(type)) change(before.state, { error: undefined });
      else if (event.error !== undefined || /(Failed|TimedOut|Aborted)$/.test(type))
        change(before.state, { error: reasonOf(event) });
    }
  }
  return { states: new Map([...states].map(([name, { open: _, ...run }]) => [name, run])), taken };
}

function isExit({ type }: MachineEvent): boolean {
  return type.endsWith("StateExited");
}

function isWithin(name: string, group: string, parents: ReadonlyMap<string, string>): boolean {
  const parent = parents.get(name);
  return parent !== undefined && (parent === group || isWithin(parent, group, parents));
}

function reasonOf({ type, error, cause }: MachineEvent): string {
  return [error ?? type, cause].filter((text) => text !== undefined && text !== "").join(": ");
}
