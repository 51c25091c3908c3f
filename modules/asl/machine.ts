/** State machines and their validation. */
import type { QueryLanguage } from "./values";

/** A state's JSON, typed by its query language and the names of its next states. */
export interface State<L extends QueryLanguage = QueryLanguage, To extends string = string> {
  readonly Type: "Task" | "Pass" | "Wait" | "Choice" | "Succeed" | "Fail" | "Map" | "Parallel";
  /** Set in JSONata states of JSONPath machines only; elsewhere the machine declares it. Types the state. */
  readonly QueryLanguage?: L | "JSONata";
  readonly Comment?: string;
  readonly Assign?: unknown;
  readonly Resource?: string;
  readonly Seconds?: unknown;
  readonly Next?: To;
  readonly End?: true;
  readonly Default?: To;
  readonly Choices?: readonly {
    readonly Next: To;
    readonly Comment?: string;
    readonly Condition?: unknown;
    readonly Assign?: unknown;
  }[];
  readonly Catch?: readonly { readonly Next: To; readonly ErrorEquals: readonly string[]; readonly Assign?: unknown }[];
  readonly ItemProcessor?: Machine<L> & { readonly ProcessorConfig?: ProcessorConfig };
  /** An earlier name of an inline map's ItemProcessor. */
  readonly Iterator?: Machine<L>;
  readonly Branches?: readonly Machine<L>[];
}

/** How a Map runs its items: within its execution, or as executions of their own. */
interface ProcessorConfig {
  /** INLINE or DISTRIBUTED. */
  readonly Mode: string;
  readonly ExecutionType?: string;
}

/** A state machine's JSON. Made by `jsonata.stateMachine` and `jsonpath.stateMachine`. */
export interface Machine<L extends QueryLanguage = QueryLanguage> {
  readonly Comment?: string;
  readonly QueryLanguage?: L;
  readonly StartAt: string;
  readonly TimeoutSeconds?: number;
  readonly States: Readonly<Record<string, State<L>>>;
}

export interface MachineFields<S, Start> {
  readonly Comment?: string;
  readonly StartAt: Start;
  /** Limit of an execution, which then ends as TIMED_OUT. Outermost machine only. */
  readonly TimeoutSeconds?: number;
  readonly States: S;
}

type NextStates<S> = S extends State<QueryLanguage, infer To> ? To : never;

/** `From` and all states that are reachable from it. */
type Reachable<S, From extends keyof S> =
  Exclude<NextStates<NonNullable<S[From]>> & keyof S, From> extends never
    ? From
    : Reachable<S, From | (NextStates<NonNullable<S[From]>> & keyof S)>;

/** `unknown` for a valid state, and an error message for an invalid one, which the compiler then shows at that state. */
export type ValidStates<L extends QueryLanguage, S, Start extends keyof S> = {
  readonly [Name in keyof S]: NonNullable<S[Name]> extends State<L>
    ? Exclude<NextStates<NonNullable<S[Name]>>, keyof S> extends never
      ? Name extends Reachable<S, Start>
        ? unknown
        : `${Name & string} is unreachable`
      : `${Name & string} refers to ${Exclude<NextStates<NonNullable<S[Name]>>, keyof S>}, which is not a state of this machine`
    : `${Name & string} is not a state of a ${L} machine`;
};

/** An invalid definition. The message has each fault. */
export class MachineError extends Error {
  override readonly name = "MachineError";
}

/** The machines of its branches, or of its items. */
export function nestedIn({ Iterator, ItemProcessor = Iterator, Branches = [] }: State): readonly Machine[] {
  return ItemProcessor ? [ItemProcessor, ...Branches] : Branches;
}

/** States with their names, also those of nested machines. */
export function statesIn({ States }: Machine): readonly (readonly [string, State])[] {
  return Object.entries(States).flatMap(([name, state]) => [
    [name, state] as const,
    ...nestedIn(state).flatMap(statesIn),
  ]);
}

/** Tasks with their states' names, also those of nested machines. */
export function tasksIn(machine: Machine): readonly (readonly [string, State])[] {
  return statesIn(machine).filter(([, { Type }]) => Type === "Task");
}
