/**
 * Evaluates what a configuration and a stranger decide together, regular expressions and JSON Schemas over their texts, within a time: both can
 * take exponential time, and a search of megabytes can exceed the stack. It blocks the event loop, so limits are short.
 */
import { createContext, Script, type Context } from "node:vm";

import { errorCode, errorMessage, errorName } from "./errors";

export type Evaluation<Result> =
  | { readonly kind: "done"; readonly result: Result }
  | { readonly kind: "too slow" }
  /** The stack is too small for it. */
  | { readonly kind: "too deep" };

/** V8 interrupts code, also regular expressions and functions of this realm, only while a script runs that has a timeout. */
const script = new Script("work()");
let context: Context | undefined;

/** "too slow" after this time on the clock, also on a machine that is busy with something else. */
function interruptAfter<Result>(milliseconds: number, work: () => Result): Evaluation<Result> {
  context ??= createContext(Object.create(null) as Context);
  let result: { readonly value: Result } | undefined;
  Object.assign(context, {
    work: () => {
      result = { value: work() };
    },
  });
  try {
    script.runInContext(context, { timeout: milliseconds });
    return result === undefined ? { kind: "too slow" } : { kind: "done", result: result.value };
  } catch (error) {
    if (errorCode(error) === "ERR_SCRIPT_EXECUTION_TIMEOUT") return { kind: "too slow" };
    if (errorName(error) === "RangeError" && errorMessage(error).includes("call stack")) return { kind: "too deep" };
    throw error;
  } finally {
    Object.assign(context, { work: undefined });
  }
}

export interface EvaluationPorts {
  readonly interruptAfter: typeof interruptAfter;
  /** The processor time that this process has used. */
  readonly cpuMs: () => number;
}

const OWN: EvaluationPorts = { interruptAfter, cpuMs: () => process.cpuUsage().user / 1_000 };

/**
 * "Too slow" is judged by processor time: a machine that is busy with something else, or that has a share of a processor, makes no work slow.
 * Such a machine interrupts it, and it begins again with twice the time.
 *
 * @param milliseconds of processor time. Half of it is always enough
 * @param ports for tests. @default this process's
 * @throws what `work` throws, except for a lack of stack
 */
export function evaluateWithin<Result>(
  milliseconds: number,
  work: () => Result,
  ports: EvaluationPorts = OWN,
): Evaluation<Result> {
  for (let limit = milliseconds; ; limit *= 2) {
    const began = ports.cpuMs();
    const evaluation = ports.interruptAfter(limit, work);
    if (evaluation.kind !== "too slow" || ports.cpuMs() - began >= milliseconds / 2) return evaluation;
  }
}

/** Repeated, and followed by something that does not match, these make backtracking visible. */
const PUMPS = ["a", "A", "0", " ", "-", "_", ".", "/", "a0", "ab"];
/** One of them is in no character class of the pattern. */
const ENDS = ["\u0000", "!", "\n", " "];
const PUMP_LENGTH = 40;
const PROBE_MS = 50;

/**
 * Whether a search for the pattern can take exponential time, by trying: texts of its own characters and words, repeated. For a pattern that
 * a configuration brings; the time limit above holds for what this does not find.
 *
 * @param ports for tests. @default this process's
 */
export function isCatastrophic(pattern: string, ports = OWN): boolean {
  const own = [
    ...new Set(pattern.match(/[\p{L}\p{N}]{2,8}|./gsu) ?? []),
    ...new Set(pattern.match(/./gsu) ?? []),
  ].slice(0, 80);
  const expression = new RegExp(pattern, "u");
  return [...PUMPS, ...own].some((pump) => {
    const text = pump.repeat(PUMP_LENGTH);
    return ENDS.flatMap((end) => [`${text}${end}`, `x${text}${end}`]).some(
      (probe) => evaluateWithin(PROBE_MS, () => expression.test(probe), ports).kind !== "done",
    );
  });
}
