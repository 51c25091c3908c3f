/** A state machine, drawn: its states, their transitions, and what one execution did in them. Pure. */
import { fieldsOf, parseJson, type Fields } from "../../shared/fields";
import type { MachineState, MachineView } from "../contract";
import { layOut } from "./layout";

/** An event of an execution's history, as far as it is drawn. */
export interface MachineEvent {
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

interface Transition {
  readonly from: string;
  readonly to: string;
  readonly isCatch: boolean;
}

const HEIGHT = 40;
const CHARACTER_WIDTH = 7.6;
const AROUND_NAME = 44;

/** @param definition in Amazon States Language */
export function machineView(definition: string, events: readonly MachineEvent[]): MachineView {
  const machine = fieldsOf(parseJson(definition));
  const states = Object.entries(fieldsOf(machine["States"])).map(([name, state]) => [name, fieldsOf(state)] as const);
  const transitions = states.flatMap(([name, state]) => transitionsOf(name, state));
  const names = states.map(([name]) => name);
  const known = transitions.filter(({ from, to }) => names.includes(from) && names.includes(to));
  const placed = layOut(names, known, {
    direction: "TB",
    sizeOf: (name) => ({ width: Math.round(AROUND_NAME + name.length * CHARACTER_WIDTH), height: HEIGHT }),
  });
  const ran = runOf(events);
  return {
    width: placed.width,
    height: placed.height,
    states: states.flatMap(([name, { Type }]): MachineState[] => {
      const at = placed.nodes.get(name);
      return at === undefined
        ? []
        : [{ name, type: String(Type), ...at, ...(ran.states.get(name) ?? { status: "idle", entered: 0 }) }];
    }),
    edges: known.map((edge, index) => ({
      ...edge,
      path: placed.paths[index] ?? "",
      isTaken: ran.taken.has(JSON.stringify([edge.from, edge.to])),
    })),
  };
}

function transitionsOf(from: string, state: Fields): readonly Transition[] {
  const listed = (name: string) =>
    (Array.isArray(state[name]) ? (state[name] as readonly unknown[]) : []).map(fieldsOf);
  const next = [state["Next"], state["Default"], ...listed("Choices").map((choice) => choice["Next"])];
  const caught = listed("Catch").map((each) => each["Next"]);
  const to = (targets: readonly unknown[], isCatch: boolean) =>
    [...new Set(targets.filter((target): target is string => typeof target === "string"))].map((target) => ({
      from,
      to: target,
      isCatch,
    }));
  const regular = to(next, false);
  return [...regular, ...to(caught, true).filter((each) => !regular.some((other) => other.to === each.to))];
}

type StateRun = Pick<MachineState, "status" | "enteredAt" | "exitedAt" | "input" | "output" | "error" | "entered">;

/** Step Functions names a state where it is entered and exited; what fails in between is of the last that was entered. */
function runOf(events: readonly MachineEvent[]): {
  readonly states: ReadonlyMap<string, StateRun>;
  readonly taken: ReadonlySet<string>;
} {
  const states = new Map<string, StateRun>();
  const taken = new Set<string>();
  let current: string | undefined;
  let last: string | undefined;
  for (const { type, at, state, input, output, error, cause } of events) {
    const time = new Date(at).toISOString();
    if (state !== undefined && type.endsWith("StateEntered")) {
      const before = states.get(state)?.entered ?? 0;
      if (last !== undefined) taken.add(JSON.stringify([last, state]));
      states.set(state, {
        status: "current",
        entered: before + 1,
        enteredAt: time,
        ...(input !== undefined && { input }),
      });
      current = state;
    } else if (state !== undefined && type.endsWith("StateExited")) {
      const known = states.get(state);
      const status = known?.error === undefined ? "succeeded" : "failed";
      states.set(state, { entered: 1, ...known, status, exitedAt: time, ...(output !== undefined && { output }) });
      [current, last] = [undefined, state];
    } else if (current !== undefined && (error !== undefined || /Failed$|TimedOut$|Aborted$/.test(type))) {
      const known = states.get(current);
      const reason = [error ?? type, cause].filter((text) => text !== undefined && text !== "").join(": ");
      const isEnd = type.startsWith("Execution");
      states.set(current, {
        entered: 1,
        status: "current",
        ...known,
        error: reason,
        ...(isEnd && { status: "failed" }),
      });
    }
  }
  return { states, taken };
}
