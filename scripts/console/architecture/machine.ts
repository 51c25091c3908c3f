/** A state machine, drawn: its states, their transitions, and what one execution did in them. Pure. */
import { fieldsOf, parseJson, type Fields } from "../../shared/fields";
import type { MachineView } from "../contract";
import { layOut, pathThrough, type Layout, type Placed, type Point } from "./layout";
import { runOf, transitionKey, type MachineEvent } from "./machine-run";

interface Transition {
  readonly from: string;
  readonly to: string;
  readonly isCatch: boolean;
}

interface State {
  readonly name: string;
  readonly type: string;
  readonly width: number;
  readonly height: number;
  /** The branches of a Parallel, or the machine of a Map's items. */
  readonly inner: readonly Machine[];
}

/** States of one level, placed from its own corner. */
interface Machine {
  readonly states: readonly State[];
  readonly transitions: readonly Transition[];
  readonly layout: Layout;
}

const HEIGHT = 40;
const CHARACTER_WIDTH = 7.6;
const AROUND_NAME = 44;

/** Around the states of a group; its name is above them. */
const GROUP = { padding: 8, top: 26 } as const;

/** @param definition in Amazon States Language */
export function machineView(definition: string, events: readonly MachineEvent[]): MachineView {
  const machine = machineOf(fieldsOf(parseJson(definition)));
  const run = runOf(events, parentsOf(machine));
  const { width, height } = machine.layout;
  const drawn = drawnAt(machine, { x: 0, y: 0 });
  return {
    width,
    height,
    states: drawn.states.map((state) => ({
      ...state,
      ...(run.states.get(state.name) ?? { status: "idle", entered: 0 }),
    })),
    edges: drawn.edges.map((edge) => ({ ...edge, isTaken: run.taken.has(transitionKey(edge.from, edge.to)) })),
  };
}

function machineOf(fields: Fields): Machine {
  const defined = Object.entries(fieldsOf(fields["States"])).map(([name, state]) => [name, fieldsOf(state)] as const);
  const states = defined.map(([name, state]) => stateOf(name, state));
  const byName = new Map(states.map((state) => [state.name, state]));
  const transitions = defined
    .flatMap(([name, state]) => transitionsOf(name, state))
    .filter(({ from, to }) => byName.has(from) && byName.has(to));
  const sizeOf = (name: string) => {
    const { width = 0, height = 0 } = byName.get(name) ?? {};
    return { width, height };
  };
  return { states, transitions, layout: layOut([...byName.keys()], transitions, { direction: "TB", sizeOf }) };
}

function stateOf(name: string, state: Fields): State {
  const processor = fieldsOf(state["ItemProcessor"] ?? state["Iterator"]);
  // Items of a distributed map have executions, and histories, of their own: they are drawn, and never entered.
  const inner = [...listed(state, "Branches"), processor].filter((each) => "States" in each).map(machineOf);
  const width = Math.round(AROUND_NAME + name.length * CHARACTER_WIDTH);
  const { padding, top } = GROUP;
  return {
    name,
    type: String(state["Type"]),
    inner,
    width: Math.max(width, padding + inner.reduce((sum, { layout }) => sum + layout.width + padding, 0)),
    height: inner.length === 0 ? HEIGHT : top + padding + Math.max(...inner.map(({ layout }) => layout.height)),
  };
}

function listed(state: Fields, name: string): readonly Fields[] {
  const list: unknown = state[name];
  return Array.isArray(list) ? list.map(fieldsOf) : [];
}

function transitionsOf(from: string, state: Fields): readonly Transition[] {
  const next = [state["Next"], state["Default"], ...listed(state, "Choices").map((choice) => choice["Next"])];
  const caught = listed(state, "Catch").map((each) => each["Next"]);
  const to = (targets: readonly unknown[], isCatch: boolean) =>
    [...new Set(targets.filter((target): target is string => typeof target === "string"))].map((target) => ({
      from,
      to: target,
      isCatch,
    }));
  const regular = to(next, false);
  return [...regular, ...to(caught, true).filter((each) => !regular.some((other) => other.to === each.to))];
}

/** The group of each state that is in one. */
function parentsOf({ states }: Machine): ReadonlyMap<string, string> {
  return new Map(
    states.flatMap(({ name, inner }) =>
      inner.flatMap((machine) => [
        ...machine.states.map((state) => [state.name, name] as const),
        ...parentsOf(machine),
      ]),
    ),
  );
}

interface Drawn {
  readonly states: readonly (Placed & { readonly name: string; readonly type: string; readonly isGroup: boolean })[];
  readonly edges: readonly (Transition & { readonly path: string })[];
}

/** @param corner of the level in the drawing */
function drawnAt({ states, transitions, layout }: Machine, corner: Point): Drawn {
  const moved = ({ x, y }: Point): Point => ({ x: corner.x + x, y: corner.y + y });
  const all = states.map(({ name, type, width, height, inner }): Drawn => {
    const center = moved(layout.nodes.get(name) ?? { x: 0, y: 0 });
    let left = center.x - width / 2 + GROUP.padding;
    const within = inner.map((machine) => {
      const drawn = drawnAt(machine, { x: left, y: center.y - height / 2 + GROUP.top });
      left += machine.layout.width + GROUP.padding;
      return drawn;
    });
    return {
      states: [
        { name, type, ...center, width, height, isGroup: inner.length > 0 },
        ...within.flatMap((drawn) => drawn.states),
      ],
      edges: within.flatMap((drawn) => drawn.edges),
    };
  });
  return {
    states: all.flatMap((drawn) => drawn.states),
    edges: [
      ...transitions.map((edge, index) => ({ ...edge, path: pathThrough(layout.lines[index]?.map(moved)) })),
      ...all.flatMap((drawn) => drawn.edges),
    ],
  };
}
