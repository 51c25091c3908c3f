/** Validates a state machine's definition at synth. */
import { Faultless } from "../constructs/faultless";
import { expressionFaults, fieldFaults, shadowFaults } from "./checks";
import { MachineError, nestedIn, type Machine, type State } from "./machine";
import { resultOf } from "./expressions";
import { aslFaults } from "./run-asl-validator";
import { EXPRESSION, isToken } from "./values";

const validated = new Faultless({
  name: "machines",
  madeOf: [
    "modules/asl",
    "modules/constructs/nearest.ts",
    "modules/constructs/regions.ts",
    "node_modules/asl-validator/package.json",
    "node_modules/aws-sdk/package.json",
    "node_modules/jsonata/package.json",
  ],
});

/**
 * Checks what the compiler cannot see: conditional states, nested names, ranges, expressions and variables, and strings that Terraform would
 * interpret.
 *
 * @param outer variables that a nested machine reads: unknown until it is part of its outer machine
 * @throws {@link MachineError}
 */
export function validateMachine(machine: Machine, outer: ReadonlySet<string> | "unknown" = new Set()): void {
  const content = JSON.stringify([machine, outer === "unknown" ? outer : [...outer]]);
  if (validated.has(content)) return;
  const faults = [
    ...structureFaults(machine),
    ...duplicatesOf(namesOf(machine)).map((name) => `${name} is also the name of a state in a nested machine`),
    ...(isWellFormed(machine) ? [] : ["it has half of a surrogate pair in a text, which Step Functions refuses"]),
  ];
  // Without them the machine has the form that the further checks need.
  const further =
    faults.length > 0
      ? []
      : [
          ...ownFaults(machine),
          ...expressionFaults(machine, outer),
          ...shadowFaults(machine),
          ...sizeFaults(machine),
          ...waitFaults(machine, machine.TimeoutSeconds),
        ];
  const all = [...faults, ...further];
  if (all.length === 0 && outer !== "unknown") all.push(...aslFaults(machine));
  if (all.length > 0) throw new MachineError(all.join("; "));
  validated.add(content);
}

/** Of its transitions and names, and those of its nested machines. */
function structureFaults(machine: Machine): string[] {
  const { StartAt, States } = machine;
  const reached = new Set([StartAt]);
  // Iterating over a Set includes elements added during the iteration.
  for (const name of reached) {
    const state = States[name];
    if (state) for (const next of nextStatesOf(state)) reached.add(next);
  }
  return [
    ...[...reached].filter((name) => !(name in States)).map((name) => `there is no state ${name}`),
    ...Object.keys(States)
      .filter((name) => !reached.has(name))
      .map((name) => `${name} is unreachable`),
    ...Object.keys(States)
      .filter((name) => name.length > 80)
      .map((name) => `${name}: names have at most 80 characters`),
    // Terraform interprets `%{` as a template directive, also in JSON.
    ...Object.entries(States)
      .filter(([, state]) => JSON.stringify(state).includes("%{"))
      .map(([name]) => `${name} contains %{: write {% { with a space`),
    ...Object.values(States).flatMap(nestedIn).flatMap(structureFaults),
  ];
}

/** Of its states' fields, and those of its nested machines: they may be JSON that no constructor has seen. */
function ownFaults(machine: Machine): string[] {
  const { QueryLanguage = "JSONPath", States } = machine;
  return [
    ...fieldFaults(machine),
    ...endFaults(machine),
    ...Object.values(States).flatMap((state) =>
      nestedIn(state).flatMap((nested) =>
        ownFaults({ ...nested, QueryLanguage: state.QueryLanguage ?? QueryLanguage }),
      ),
    ),
  ];
}

const MAX_DEFINITION_BYTES = 1_048_576;

function sizeFaults(machine: Machine): string[] {
  const bytes = Buffer.byteLength(JSON.stringify(machine));
  return bytes > MAX_DEFINITION_BYTES ? [`its definition has ${bytes} bytes of ${MAX_DEFINITION_BYTES}`] : [];
}

/** Waits that end after the machine's timeout: the executions that reach them end by it. `limit`: the seconds that a machine has. */
function waitFaults({ StartAt, States }: Machine, limit: number | undefined): string[] {
  if (limit === undefined || isToken(limit)) return [];
  const least = new Map([[StartAt, 0]]);
  // Iterating over a Map includes what is added during the iteration: a shorter way to a state is added again.
  for (const [name, before] of least) {
    const state = States[name];
    if (state === undefined) continue;
    for (const next of nextStatesOf(state)) {
      const after = before + secondsOf(state);
      if (after >= (least.get(next) ?? Infinity)) continue;
      least.delete(next);
      least.set(next, after);
    }
  }
  return Object.entries(States).flatMap(([name, state]) => {
    const left = limit - (least.get(name) ?? 0);
    return [
      ...(secondsOf(state) > 0 && secondsOf(state) >= left
        ? [`${name} waits longer than the machine's TimeoutSeconds`]
        : []),
      ...nestedIn(state).flatMap((nested) => waitFaults(nested, left)),
    ];
  });
}

/** 0 when they are not known before the execution. */
function secondsOf({ Seconds }: State): number {
  const [, expression] = EXPRESSION.exec(String(Seconds)) ?? [];
  const seconds = expression === undefined ? Seconds : resultOf(expression).value;
  return typeof seconds === "number" && !isToken(seconds) ? seconds : 0;
}

/** Of its names and texts. */
function isWellFormed(value: unknown): boolean {
  if (typeof value === "string") return value.isWellFormed();
  return (
    typeof value !== "object" ||
    value === null ||
    Object.entries(value).every(([name, child]) => isWellFormed(name) && isWellFormed(child))
  );
}

/** States that never reach an end: they would run for a year. */
function endFaults({ States }: Machine): string[] {
  const ending = new Set<string>();
  let before = -1;
  while (ending.size > before) {
    before = ending.size;
    for (const [name, state] of Object.entries(States)) {
      const isEnd = state.End === true || state.Type === "Succeed" || state.Type === "Fail";
      if (isEnd || nextStatesOf(state).some((next) => ending.has(next))) ending.add(name);
    }
  }
  return Object.keys(States)
    .filter((name) => !ending.has(name))
    .map((name) => `${name} never reaches an end`);
}

/** State names of a machine and its nested machines. */
function namesOf({ States }: Machine): string[] {
  return [...Object.keys(States), ...Object.values(States).flatMap(nestedIn).flatMap(namesOf)];
}

function duplicatesOf(names: readonly string[]): string[] {
  return [...new Set(names.filter((name, index) => names.indexOf(name) !== index))];
}

function nextStatesOf({ Next, Default, Choices = [], Catch = [] }: State): string[] {
  return [Next, ...Choices.map((choice) => choice.Next), Default, ...Catch.map((catcher) => catcher.Next)].filter(
    (name) => name !== undefined,
  );
}
