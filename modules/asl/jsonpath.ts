/** What is wrong with the paths, templates and conditions of a JSONPath state. */
import { HASHES, isInContext } from "./expressions";
import type { State } from "./machine";
import { isJson, isRecord, type Fields } from "./values";

/** Arguments of the intrinsic functions: the fewest, and the most. */
const INTRINSICS: Readonly<Record<string, readonly [least: number, most: number]>> = {
  Array: [0, Infinity],
  ArrayContains: [2, 2],
  ArrayGetItem: [2, 2],
  ArrayLength: [1, 1],
  ArrayPartition: [2, 2],
  ArrayRange: [3, 3],
  ArrayUnique: [1, 1],
  Base64Decode: [1, 1],
  Base64Encode: [1, 1],
  Format: [1, Infinity],
  Hash: [2, 2],
  JsonMerge: [3, 3],
  JsonToString: [1, 1],
  MathAdd: [2, 2],
  MathRandom: [2, 3],
  StringSplit: [2, 2],
  StringToJson: [1, 1],
  UUID: [0, 0],
};

/** Their values are data, or not of JSONPath. */
const NOT_PATHS = new Set(["Result", "ItemProcessor", "Branches", "Comment", "Retry"]);

export function jsonPathFaults(state: State): string[] {
  const fields = Object.entries(state).filter(([name]) => !NOT_PATHS.has(name));
  return [
    ...fields.flatMap(([name, value]) => templateFaults(name, value)),
    ...(state.Choices ?? []).flatMap((rule) => [
      ...valueFaults({ ...rule }),
      ...nestedIn(rule).flatMap((each) => [
        ...("Next" in each ? ["has a Next within a condition"] : []),
        ...valueFaults(each),
      ]),
    ]),
  ];
}

/** Variables that a state reads, by name. */
export function jsonPathVariables(state: State): ReadonlySet<string> {
  const names = new Set<string>();
  const visit = (name: string, value: unknown): void => {
    if (typeof value === "string" && isPath(name))
      for (const [, variable = ""] of withoutTexts(value).matchAll(/(?<![$\w])\$([A-Za-z_]\w*)/g)) names.add(variable);
    if (typeof value === "object" && value !== null)
      for (const [key, child] of Object.entries(value)) visit(Array.isArray(value) ? name : key, child);
  };
  for (const [name, value] of Object.entries(state)) if (!NOT_PATHS.has(name)) visit(name, value);
  return names;
}

/** Fields whose values are paths. */
const isPath = (name: string): boolean => name.endsWith(".$") || name.endsWith("Path") || name === "Variable";

function templateFaults(name: string, value: unknown): string[] {
  if (typeof value === "string") {
    if (name === "ResultPath")
      return isReference(value) ? [] : [`has the ResultPath ${value}, which is no place in its input`];
    if (isPath(name)) return intrinsicFaults(value);
    if (/^\{%[^]*%\}$/.test(value)) return [`has ${value}, an expression of JSONata`];
    return /^\$\$?\.[A-Za-z]/.test(value) ? [`has the path ${value} at ${name}: ${name}.$ takes paths`] : [];
  }
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, child]) => templateFaults(Array.isArray(value) ? name : key, child));
}

/** One place: without wildcards, filters, slices and recursion. */
function isReference(path: string): boolean {
  return /^\$(\.[^.[\]*?@$\s]+|\[\d+\]|\['[^']+'\])*$/.test(path);
}

/** The conditions that a rule combines. */
function nestedIn(rule: object): readonly Fields[] {
  const { And, Or, Not }: Fields = { ...rule };
  return [And, Or, Not]
    .flat()
    .filter(isRecord)
    .flatMap((each) => [each, ...nestedIn(each)]);
}

/** Of what a comparison compares with. */
function valueFaults({ StringMatches, ...rule }: Fields): string[] {
  const isPattern = typeof StringMatches !== "string" || /^(?:[^\\]|\\[\\*])*$/.test(StringMatches);
  return [
    ...Object.entries(rule)
      .filter(([name, value]) => /^Timestamp(?!.*Path$)/.test(name) && !isTimestamp(value))
      .map(([name]) => `has a ${name} that is not RFC 3339`),
    ...(isPattern ? [] : ["has StringMatches with a backslash before what is neither * nor a backslash"]),
  ];
}

/** Text of Terraform is taken for one. */
export function isTimestamp(value: unknown): boolean {
  if (typeof value !== "string" || value.includes("${")) return typeof value === "string";
  return /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/.test(value) && !isNaN(Date.parse(value));
}

/** Texts in single quotes, without what is in them. */
const withoutTexts = (text: string): string => text.replace(/'(?:[^'\\]|\\.)*'/gs, "''");

/** Of a path into the context object. */
function contextFaults(path: string): string[] {
  const [, object = "", field = ""] = /^\$\$\.(\w+)(?:\.(\w+))?/.exec(path) ?? [];
  return isInContext([object, field]) ? [] : [`has ${path}, which the context does not have`];
}

/** Intrinsic functions within each other. */
const MAX_NESTED = 10;

function intrinsicFaults(value: string, depth = 1): string[] {
  const [, name = "", rest = ""] = /^\s*States\.(\w+)\((.*)\)\s*$/s.exec(value) ?? [];
  if (name === "") return contextFaults(value);
  if (depth > MAX_NESTED) return [`has more than ${MAX_NESTED} intrinsic functions within each other`];
  const limits = INTRINSICS[name];
  if (limits === undefined) return [`calls States.${name}, which does not exist`];
  const args = argumentsIn(rest);
  const [, algorithm = ""] = args;
  const isHash = name !== "Hash" || !algorithm.startsWith("'") || HASHES.has(algorithm.slice(1, -1));
  const [least, most] = limits;
  const [template = ""] = args;
  const places =
    name === "Format" && template.startsWith("'") ? template.replace(/\\./gs, "").split("{}").length : undefined;
  return [
    ...(args.length < least || args.length > most ? [`calls States.${name} with ${args.length} arguments`] : []),
    ...(places === undefined || places === args.length
      ? []
      : [`calls States.Format with ${args.length - 1} values for ${places - 1} places`]),
    ...(isHash ? [] : [`calls States.Hash with ${algorithm}, which it does not have`]),
    ...(areRight(name, args) ? [] : [`calls States.${name} with arguments that it does not take`]),
    ...args.flatMap((argument) => intrinsicFaults(argument, depth + 1)),
  ];
}

/** False when a literal is certainly none that the function takes. */
function areRight(name: string, [first = "", second = "", third = ""]: readonly string[]): boolean {
  const isZero = (argument: string) => /^-?0+$/.test(argument);
  if (name === "ArrayPartition") return !/^(0+|-\d+)$/.test(second);
  if (name === "ArrayRange") return !isZero(third);
  const [, text] = /^'(.*)'$/s.exec(first) ?? [];
  if (text === undefined || text.includes("${")) return true;
  if (name === "Base64Decode") return /^[A-Za-z\d+/]*={0,2}$/.test(text);
  return name !== "StringToJson" || isJson(text.replace(/\\(.)/gs, "$1"));
}

/** Splits at the commas that are neither in a text nor in parentheses or brackets. */
function argumentsIn(text: string): readonly string[] {
  if (text.trim() === "") return [];
  const parts: string[] = [];
  let part = "";
  let depth = 0;
  for (const [token] of text.matchAll(/'(?:[^'\\]|\\.)*'|[^]/g)) {
    if (/^[([]$/.test(token)) depth += 1;
    if (/^[)\]]$/.test(token)) depth -= 1;
    if (token === "," && depth === 0) {
      parts.push(part.trim());
      part = "";
    } else part += token;
  }
  return [...parts, part.trim()];
}
