/** Judges how a plan changes a state machine's definition: what no longer handles errors, gives up earlier, or is no longer done. */
import { isUnresolved } from "../../modules/synthesized/expression";
import { fieldsOf, isFields, parseJson, type Fields } from "../shared/fields";
import type { Severity, Verdict } from "./classification";
import type { Finding } from "./findings";
import type { Expressions, ResourceChange } from "./plan";
import { UNKNOWN } from "./values";

/** Completes "<address> ...", with the severity of it, and what changes: `Scan.Catch: States.ALL → nothing`. */
interface Fault {
  readonly verdict: Verdict;
  readonly severity: Severity;
  readonly what: string;
  readonly change: string;
}

/** Findings of one planned change: at most one for each text. Executions that run already keep the definition that they have begun with. */
export function machineFindings(
  { address, type, deposed, change }: ResourceChange,
  expressions: Expressions,
  allowed: ReadonlySet<string>,
): readonly Finding[] {
  if (type !== "aws_sfn_state_machine" || deposed !== undefined) return [];
  const [before, planned] = [fieldsOf(change.before)["definition"], fieldsOf(change.after)["definition"]];
  // Created or destroyed: nothing is compared.
  if (typeof before !== "string" || !isFields(change.after)) return [];
  const after = planned ?? expressions.of(address)["definition"];
  const found = new Map<string, Finding>();
  for (const { verdict, severity, what, change: text } of faultsOf(parseJson(before), definitionIn(after))) {
    const changes = [...(found.get(what)?.changes ?? []), text];
    found.set(what, { verdict, address, what, changes, refused: severity === "refuse", allowed: allowed.has(address) });
  }
  return [...found.values()];
}

/** Undefined: it is known after the apply only. */
function definitionIn(value: unknown): unknown {
  const parsed = typeof value === "string" ? parseJson(value) : undefined;
  return isFields(parsed) ? parsed : undefined;
}

function faultsOf(before: unknown, after: unknown): readonly Fault[] {
  if (!isFields(before)) return [];
  if (after === undefined) return [fault("gets a definition that is known after the apply only", UNKNOWN)];
  const [was, is] = [statesOf(before), statesOf(after)];
  const renamed = renamedStates(was, is);
  return [
    ...limits("", before, fieldsOf(after)),
    ...[...was].flatMap(([name, state]) => {
      const kept = is.get(renamed.get(name) ?? name);
      return kept === undefined
        ? [fault("no longer has a state: what it did is not done", name)]
        : [...work(name, state, kept), ...handlers(name, state, kept), ...limits(`${name}.`, state, kept)];
    }),
  ];
}

/** The new names of states that are gone, by their former ones: of those that do the same. */
function renamedStates(was: ReadonlyMap<string, Fields>, is: ReadonlyMap<string, Fields>): ReadonlyMap<string, string> {
  const added = new Map([...is].filter(([name]) => !was.has(name)).map(([name, state]) => [name, workOf(state)]));
  const renamed = new Map<string, string>();
  for (const [name, state] of was) {
    if (is.has(name)) continue;
    const [same] = [...added].find(([, each]) => each === workOf(state)) ?? [];
    if (same === undefined) continue;
    renamed.set(name, same);
    added.delete(same);
  }
  return renamed;
}

/** What leads to other states, and what is compared by itself. */
const NOT_WORK: ReadonlySet<string> = new Set(
  "Catch Comment Default End HeartbeatSeconds Next Retry StartAt TimeoutSeconds".split(" "),
);

/** What a state does, whatever it and the states in it are called. */
const workOf = (state: Fields): string =>
  JSON.stringify(state, (key, part: unknown) => {
    if (NOT_WORK.has(key)) return undefined;
    if (!isFields(part)) return part;
    return key === "States" ? Object.values(part) : Object.fromEntries(Object.entries(part).toSorted());
  });

/** A state that does something, and becomes one that does nothing. */
function work(name: string, { Type: was }: Fields, { Type: is }: Fields): readonly Fault[] {
  const isGone = /^(Task|Map|Parallel)$/.test(String(was)) && was !== is;
  return isGone ? [fault("no longer does its work", `${name}.Type: ${shown(was)} → ${shown(is)}`)] : [];
}

const fault = (what: string, change: string, severity: Severity = "warn", verdict: Verdict = "data"): Fault => ({
  verdict,
  severity,
  what,
  change,
});

/** Every state that can be reached by its name, which is one of its kind in a machine; those in branches and maps included. */
function statesOf(part: unknown): ReadonlyMap<string, Fields> {
  const { States, StartAt } = fieldsOf(part);
  const states = fieldsOf(States);
  return new Map(
    reachedFrom(StartAt, states).flatMap(([name, state]) => {
      const { Branches, ItemProcessor, Iterator } = fieldsOf(state);
      return [
        [name, fieldsOf(state)] as const,
        ...[Branches, ItemProcessor, Iterator].flat().flatMap((each) => [...statesOf(each)]),
      ];
    }),
  );
}

/** All states, when the first one is unknown. */
function reachedFrom(first: unknown, states: Fields): readonly (readonly [name: string, state: unknown])[] {
  const known = new Map(Object.entries(states));
  if (typeof first !== "string" || !known.has(first)) return [...known];
  const reached = new Set([first]);
  // A set takes up what is added to it meanwhile.
  for (const name of reached) {
    const { Next, Default, Choices, Catch } = fieldsOf(known.get(name));
    const nexts = [Choices ?? [], Catch ?? []].flat(2).map((each) => fieldsOf(each)["Next"]);
    for (const next of [Next, Default, ...nexts]) if (typeof next === "string" && known.has(next)) reached.add(next);
  }
  return [...known].filter(([name]) => reached.has(name));
}

/** The handlers of a state: an error that one of them named, and none names now. */
function handlers(name: string, before: Fields, after: Fields): readonly Fault[] {
  const unhandled = (kind: "Catch" | "Retry") => {
    const is = errorsOf(after[kind]);
    const lost = errorsOf(before[kind]).filter((error) => !is.some((other) => handles(other, error)));
    return lost.length === 0 ? [] : [`${name}.${kind}: ${lost.join(", ")} → ${is.join(", ") || "nothing"}`];
  };
  return [
    ...unhandled("Catch").map((change) => fault("no longer catches an error: its execution fails", change, "refuse")),
    ...unhandled("Retry").map((change) => fault("no longer retries after an error", change, "refuse")),
    ...fewerAttempts(name, before["Retry"], after["Retry"]),
  ];
}

/** Of each error that was retried: Step Functions takes the first retrier that handles it. */
function fewerAttempts(name: string, before: unknown, after: unknown): readonly Fault[] {
  const fewer = retriers(before).flatMap((was) =>
    errorsOf(was).flatMap((error) => {
      const is = retriers(after).find((other) => errorsOf(other).some((each) => handles(each, error)));
      return is !== undefined && attemptsOf(is) < attemptsOf(was)
        ? [`${name}.Retry.MaxAttempts: ${attemptsOf(was)} → ${attemptsOf(is)}`]
        : [];
    }),
  );
  return [...new Set(fewer)].map((change) => fault("gives up on errors earlier", change));
}

const retriers = (list: unknown): readonly Fields[] => [list ?? []].flat().map(fieldsOf);
/** Three, when there is none. */
const attemptsOf = ({ MaxAttempts: attempts }: Fields) => (typeof attempts === "number" ? attempts : 3);
/** Those that are handled: a retrier without attempts retries nothing. */
const errorsOf = (list: unknown): readonly string[] =>
  retriers(list)
    .filter((each) => each["MaxAttempts"] !== 0)
    .flatMap(({ ErrorEquals: errors }) => [errors ?? []].flat().filter((error) => typeof error === "string"));

/** Errors that no wildcard stands for. */
const ONLY_BY_NAME: ReadonlySet<string> = new Set(["States.ALL", "States.DataLimitExceeded", "States.Runtime"]);

const handles = (handler: string, error: string) =>
  handler === error ||
  (!ONLY_BY_NAME.has(error) &&
    (handler === "States.ALL" || (handler === "States.TaskFailed" && error !== "States.Timeout")));

/** Limits of time and of failures. Those that an expression gives are compared as numbers only when both are. */
function limits(at: string, before: Fields, after: Fields): readonly Fault[] {
  const judged = (field: string, lower: string, gone: string) => {
    const [was, is] = [before[field], after[field]];
    const change = `${at}${field}: ${shown(was)} → ${shown(is)}`;
    if (was !== undefined && is === undefined && after[`${field}Path`] === undefined)
      return [fault(gone, change, "warn", "exposure")];
    const isLower = typeof is === "number" && (typeof was === "number" ? is < was : was === undefined);
    return isLower ? [fault(lower, change)] : [];
  };
  const tolerated = ["ToleratedFailureCount", "ToleratedFailurePercentage"].flatMap((field) => {
    const [was, is] = [before[field], after[field]];
    const isLower = typeof was === "number" && (is === undefined || (typeof is === "number" && is < was));
    return isLower ? [fault("fails at fewer failed items", `${at}${field}: ${shown(was)} → ${shown(is)}`)] : [];
  });
  return [
    ...judged(
      "TimeoutSeconds",
      "ends what takes longer than a shorter time",
      "has no limit of its time: an execution that hangs goes unnoticed",
    ),
    ...judged("HeartbeatSeconds", "ends a task after a shorter silence", "no longer notices that a task is silent"),
    ...tolerated,
  ];
}

const shown = (value: unknown) => {
  if (value === undefined) return "nothing";
  if (isUnresolved(value)) return UNKNOWN;
  return typeof value === "string" ? value : JSON.stringify(value);
};
