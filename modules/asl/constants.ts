/** Evaluates what a JSONata expression is in every execution, because nothing in it comes from one. */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { resolve } from "node:path";
import { createContext, Script, type Context } from "node:vm";
import * as z from "zod";
import { isFunction } from "./jsonata-functions";
import { isRecord, type Fields } from "./values";

/** Its value where that is a text, a number or a Boolean, or why it fails. `nothing`: JSONata's undefined. */
type Constant =
  | { readonly kind: "value"; readonly value?: string | number | boolean }
  | { readonly kind: "nothing" }
  | { readonly kind: "failure"; readonly reason: string };

/**
 * Nodes without anything of an execution, apart from what is in them. Neither functions of one's own nor regular expressions, which may take
 * for ever: evaluation has no time limit, because Node ends the process when one is exceeded among promises.
 */
const PURE = new Set<unknown>("apply binary bind block condition filter function number string unary value".split(" "));

/** Their result is another each time, or very long, or they fail on purpose, or Step Functions adds them to JSONata. */
const IMPURE = new Set("assert error hash millis now pad parse partition random range shuffle uuid".split(" "));

/** A range of numbers may be very long. */
const RANGE = "..";

/** Its result is not known, but whether the other arguments are right does not depend on it: a value for it, in their place. */
const NUMBER: Fields = { type: "number", value: 1 };
const SAMPLES: ReadonlyMap<string, Fields> = new Map<string, Fields>([
  ...["formatBase", "formatInteger", "formatNumber", "fromMillis"].map((name) => [name, NUMBER] as const),
  ["replace", { type: "string", value: "a" }],
  ["split", { type: "string", value: "a" }],
]);

/** Syntax trees are kept, and environments have most of them in common. */
const known = new WeakMap<Fields, Constant>();

/**
 * Undefined when it is a literal, or depends on an execution. Of some functions, what their first argument is does not matter.
 *
 * @param node of JSONata's syntax tree, outside of a path
 * @param bound names that the expression around it binds. @default none
 */
export function constantOf(node: Fields, bound: ReadonlySet<string> = new Set()): Constant | undefined {
  if (LITERALS.has(node["type"])) return undefined;
  const evaluable = isPure(node, namesIn(node), bound) ? node : withSample(node, bound);
  if (evaluable === undefined) return undefined;
  const constant = known.get(node) ?? evaluated(evaluable);
  known.set(node, constant);
  // Another first argument, another value.
  return evaluable === node || constant.kind === "failure" ? constant : undefined;
}

function withSample(node: Fields, bound: ReadonlySet<string>): Fields | undefined {
  const { type, procedure, arguments: given } = node;
  if (isRecord(procedure) && bound.has(String(procedure["value"]))) return undefined;
  const name = type === "function" && isRecord(procedure) ? String(procedure["value"]) : "";
  const all: readonly unknown[] = Array.isArray(given) ? given : [];
  // The time in a picture is a time that is given, in that picture.
  if (name === "now" && isRecord(procedure) && all.length > 0 && isPure(all, new Set(), bound))
    return { ...node, procedure: { ...procedure, value: "fromMillis" }, arguments: [NUMBER, ...all] };
  const sample = SAMPLES.get(name);
  if (sample === undefined || !Array.isArray(given)) return undefined;
  const others = all.slice(1);
  return isPure(others, new Set(), bound) ? { ...node, arguments: [sample, ...others] } : undefined;
}

const LITERALS = new Set<unknown>(["number", "string", "value"]);

/** What it binds itself. */
function namesIn(node: unknown): ReadonlySet<string> {
  if (Array.isArray(node)) return new Set(node.flatMap((each) => [...namesIn(each)]));
  if (!isRecord(node)) return new Set();
  const { type, lhs } = node;
  return new Set([
    ...(type === "bind" && isRecord(lhs) ? [String(lhs["value"])] : []),
    ...Object.values(node).flatMap((child) => [...namesIn(child)]),
  ]);
}

/** @param local names that it binds itself. @param bound names that are bound around it */
function isPure(node: unknown, local: ReadonlySet<string>, bound: ReadonlySet<string>): boolean {
  if (Array.isArray(node)) return node.every((each) => isPure(each, local, bound));
  if (!isRecord(node) || node["type"] === undefined) return true;
  const { type, value } = node;
  if (value === RANGE) return false;
  if (type === "variable") return local.has(String(value));
  // A machine's variable may have the name of a function: only where it is called, it is one.
  const isCall = (name: string, child: unknown): boolean =>
    (name === "procedure" || (name === "rhs" && type === "apply")) &&
    isRecord(child) &&
    child["type"] === "variable" &&
    isFunction(String(child["value"])) &&
    !bound.has(String(child["value"])) &&
    !IMPURE.has(String(child["value"]));
  return (
    PURE.has(type) &&
    Object.entries(node).every(
      ([name, child]) => name === "value" || isCall(name, child) || isPure(child, local, bound),
    )
  );
}

const outcomeSchema = z.union([
  z.object({ value: z.unknown() }),
  z.object({ error: z.object({ code: z.string(), message: z.string() }) }),
]);

/** JSONata evaluates in promises. A context of its own settles them before its script ends. */
const EVALUATION = new Script(`{
  const expression = jsonata("1");
  const root = expression.ast();
  for (const name of Object.keys(root)) delete root[name];
  Object.assign(root, node);
  expression.evaluate(undefined).then((value) => { outcome = { value }; }, (error) => { outcome = { error }; });
}`);
let context: Context | undefined;

function evaluated(node: Fields): Constant {
  context ??= contextWithJsonata();
  Object.assign(context, { node: structuredClone(node), outcome: undefined });
  EVALUATION.runInContext(context);
  const outcome = outcomeSchema.safeParse(context["outcome"]).data;
  if (outcome === undefined) return { kind: "value" };
  if ("error" in outcome) return { kind: "failure", reason: outcome.error.message };
  const { value } = outcome;
  if (value === undefined) return { kind: "nothing" };
  if (typeof value === "number" && !Number.isFinite(value)) return { kind: "failure", reason: `it is ${value}` };
  const isPlain = typeof value === "string" || typeof value === "number" || typeof value === "boolean";
  return { kind: "value", ...(isPlain && { value }) };
}

function contextWithJsonata(): Context {
  const created = createContext({}, { microtaskMode: "afterEvaluate" });
  // From the project: bundled code, as that of the simulations, has no file of its own.
  const file = createRequire(resolve("package.json")).resolve("jsonata");
  new Script(readFileSync(file, "utf8")).runInContext(created);
  return created;
}
