/** State machines: what they are made of, and what makes one whole. */
import type { QueryLanguage } from "./values";

/** A state: its JSON, typed by its language and by the names of the states that it leads to. */
export interface State<L extends QueryLanguage = QueryLanguage, To extends string = string> {
  readonly Type: "Task" | "Pass" | "Wait" | "Choice" | "Succeed" | "Fail" | "Map" | "Parallel";
  /** Never set on a state: its machine says it for all. */
  readonly QueryLanguage?: L;
  readonly Comment?: string;
  readonly Resource?: string;
  readonly Seconds?: unknown;
  readonly Next?: To;
  readonly End?: true;
  readonly Default?: To;
  readonly Choices?: readonly { readonly Next: To; readonly Comment?: string; readonly Condition?: unknown }[];
  readonly Catch?: readonly { readonly Next: To; readonly ErrorEquals: readonly string[] }[];
  readonly ItemProcessor?: Machine<L>;
  readonly Branches?: readonly Machine<L>[];
}

/** A state machine: its JSON, as Step Functions takes it. Made by `jsonata.stateMachine` and `jsonpath.stateMachine` only. */
export interface Machine<L extends QueryLanguage = QueryLanguage> {
  readonly Comment?: string;
  readonly QueryLanguage?: L;
  readonly StartAt: string;
  readonly TimeoutSeconds?: number;
  readonly States: Readonly<Record<string, State<L>>>;
}

/** A machine as it is written. */
export interface MachineFields<S, Start> {
  readonly Comment?: string;
  readonly StartAt: Start;
  /** The whole execution's limit: after it, it ends as TIMED_OUT. Of the outermost machine only. */
  readonly TimeoutSeconds?: number;
  readonly States: S;
}

/** The names of the states that a state leads to. */
type TargetsOf<S> = S extends State<QueryLanguage, infer To> ? To : never;

/** All states that can be reached from some, themselves among them. */
type Reached<S, From extends keyof S> =
  Exclude<TargetsOf<NonNullable<S[From]>> & keyof S, From> extends never
    ? From
    : Reached<S, From | (TargetsOf<NonNullable<S[From]>> & keyof S)>;

/**
 * What each state has to be besides. Where something is wrong with one, a text that says what, which no state is: so the
 * compiler shows it there.
 */
export type Whole<L extends QueryLanguage, S, Start extends keyof S> = {
  readonly [Name in keyof S]: NonNullable<S[Name]> extends State<L>
    ? Exclude<TargetsOf<NonNullable<S[Name]>>, keyof S> extends never
      ? Name extends Reached<S, Start>
        ? unknown
        : `${Name & string} is reached from no other state`
      : `${Name & string} leads to ${Exclude<TargetsOf<NonNullable<S[Name]>>, keyof S>}, which is no state of this machine`
    : `${Name & string} is no state of a ${L} machine`;
};

/** A definition that Step Functions would refuse, or run otherwise than it reads. The message names each fault. */
export class MachineError extends Error {
  override readonly name = "MachineError";
}

/**
 * Holds what the compiler cannot know: of states that are there only sometimes, and of strings on their way through Terraform.
 *
 * @throws {@link MachineError}
 */
export function rejectFaults(machine: Machine): void {
  const { StartAt, States } = machine;
  const reached = new Set([StartAt]);
  // A set goes on to what is added to it meanwhile.
  for (const name of reached) {
    const state = States[name];
    if (state) for (const target of targetsOf(state)) reached.add(target);
  }
  const faults = [
    ...[...reached].filter((name) => !(name in States)).map((name) => `there is no state ${name}`),
    ...Object.keys(States)
      .filter((name) => !reached.has(name))
      .map((name) => `${name} is reached from no other state`),
    ...Object.keys(States)
      .filter((name) => name.length > 80)
      .map((name) => `${name}: a name has 80 characters at most`),
    ...repeatedOf(namesOf(machine)).map((name) => `${name} is the name of two states, one of them in a nested machine`),
    // Terraform would take `%{` for a directive of its own, even in JSON.
    ...Object.entries(States)
      .filter(([, state]) => JSON.stringify(state).includes("%{"))
      .map(([name]) => `${name} has a %{ in it: write {% { with a space between`),
  ];
  if (faults.length > 0) throw new MachineError(faults.join("; "));
}

/** All names of a machine and of those within it. */
function namesOf({ States }: Machine): string[] {
  const nested = Object.values(States).flatMap(({ ItemProcessor, Branches = [] }) =>
    ItemProcessor ? [ItemProcessor, ...Branches] : Branches,
  );
  return [...Object.keys(States), ...nested.flatMap(namesOf)];
}

function repeatedOf(names: readonly string[]): string[] {
  return [...new Set(names.filter((name, index) => names.indexOf(name) !== index))];
}

/** The names of the states that a state leads to, in the order in which they are written. */
export function targetsOf({ Next, Default, Choices = [], Catch = [] }: State): string[] {
  return [Next, ...Choices.map((choice) => choice.Next), Default, ...Catch.map((catcher) => catcher.Next)].filter(
    (name) => name !== undefined,
  );
}
