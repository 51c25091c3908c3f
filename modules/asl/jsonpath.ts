/** What is wrong with the paths, templates and conditions of a JSONPath state. */
import { HASHES, isInContext } from "./expressions";
import type { State } from "./machine";
import { isOfCondition } from "./object-fields";
import { isJson, isLiteral, isNameOfPaths, isRecord, type Fields } from "./values";

/**
 * What the intrinsic functions take and return: a letter an argument. Array, Boolean, Number (without a fraction), Object, String, or any (x).
 * `+` one or more, `*` any number, `?` optional.
 */
const INTRINSICS = new Map(
  (
    "Array:x*:a ArrayContains:ax:b ArrayGetItem:an:x ArrayLength:a:n ArrayPartition:an:a ArrayRange:nnn:a ArrayUnique:a:a " +
    "Base64Decode:s:s Base64Encode:s:s Format:sx*:s Hash:xs:s JsonMerge:oob:o JsonToString:x:s MathAdd:nn:n MathRandom:nnn?:n " +
    "StringSplit:ss:a StringToJson:s:x UUID::s"
  )
    .split(" ")
    .map((entry) => {
      const [name = "", parameters = "", result = ""] = entry.split(":");
      const pattern = parameters.replace(/[a-z]/g, (letter) => (letter === "x" ? "[a-z]" : `[${letter}x]`));
      return [name, { pattern: new RegExp(`^${pattern}$`), result }] as const;
    }),
);

/** Text that is a call of one. */
export function isIntrinsic(text: string): boolean {
  const [, name = ""] = /^States\.(\w+)\([^]*\)$/.exec(text) ?? [];
  return INTRINSICS.has(name);
}

/** The letter of an argument's type, `x` when it is not known before the execution. Undefined: it is none. */
function typeOf(argument: string): string | undefined {
  if (argument.includes("${") || argument.startsWith("$")) return "x";
  if (/^'(?:[^'\\]|\\.)*'$/s.test(argument)) return "s";
  if (/^-?\d+(\.\d+)?([eE][+-]?\d+)?$/.test(argument)) return "n";
  if (argument === "true" || argument === "false") return "b";
  if (argument === "null") return "l";
  const [, name = ""] = /^States\.(\w+)\(/.exec(argument) ?? [];
  return name === "" ? undefined : (INTRINSICS.get(name)?.result ?? "x");
}

/** Their values are data, or not of JSONPath. */
const NOT_PATHS = new Set(["Result", "ItemProcessor", "Iterator", "Branches", "Comment", "Retry"]);

export function jsonPathFaults(state: State): string[] {
  const fields = Object.entries(state).filter(([name]) => !NOT_PATHS.has(name));
  return [
    ...objectFaults(state),
    ...fields.flatMap(([name, value]) => templateFaults(name, value)),
    ...(state.Choices ?? []).flatMap((rule) => [
      ...valueFaults({ ...rule }),
      ...nestedIn(rule).flatMap((each) => [
        ...Object.keys(each)
          .filter((name) => !isOfCondition(name))
          .map((name) => `has a ${name} within a condition`),
        ...valueFaults(each),
      ]),
    ]),
  ];
}

/** A payload template is an object: https://states-language.net/#payload-template. In JSONata, any value. */
function objectFaults(state: State): string[] {
  const { Parameters, ItemSelector, ResultSelector, ItemBatcher }: Fields = { ...state };
  const BatchInput = isRecord(ItemBatcher) ? ItemBatcher["BatchInput"] : undefined;
  return Object.entries({ Parameters, ItemSelector, ResultSelector, BatchInput })
    .filter(([, value]) => value !== undefined && !isRecord(value) && (typeof value !== "string" || isLiteral(value)))
    .map(([name]) => `has ${name}, which is no object`);
}

/** Variables that a state reads, by name. */
export function jsonPathVariables(state: State): ReadonlySet<string> {
  const paths = Object.entries(state).flatMap(([name, value]) => pathsIn(name, value));
  return new Set(
    paths.flatMap((path) => [...path.matchAll(/(?<![$\w])\$([A-Za-z_]\w*)/g)].map(([, variable = ""]) => variable)),
  );
}

/** Whether a state reads the item of the Map around it: a Map's own item is in its ItemSelector only. */
export function usesItem(state: State): boolean {
  const own = state.Type === "Map" ? ["ItemSelector", "Parameters"] : [];
  return Object.entries(state)
    .filter(([name]) => !own.includes(name))
    .some(([name, value]) => pathsIn(name, value).some((path) => /\$\$\.Map\b/.test(path)));
}

/** Paths and calls of functions, without the texts in them. */
function pathsIn(name: string, value: unknown, isData = DATA.has(name)): string[] {
  if (!isData && NOT_PATHS.has(name)) return [];
  if (typeof value === "string") return isPath(name, isData) ? [withoutTexts(value)] : [];
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, child]) =>
    pathsIn(Array.isArray(value) ? name : key, child, isData || DATA.has(key)),
  );
}

/** Templates: a field in them that is called `HomePath` is none. */
const DATA = new Set(["Assign", "BatchInput", "ItemSelector", "Parameters", "ResultSelector"]);

/** Fields whose values are paths. */
const isPath = (name: string, isData: boolean): boolean =>
  name.endsWith(".$") || (!isData && (name.endsWith("Path") || name === "Variable"));

function templateFaults(name: string, value: unknown, isData = DATA.has(name)): string[] {
  if (typeof value === "string") {
    if (name === "ResultPath" && !isData)
      return isReference(value) ? [] : [`has the ResultPath ${value}, which is no place in its input`];
    const type = typeOf(value);
    if (!isData && /^(Error|Cause)Path$/.test(name) && type !== undefined && type !== "x" && type !== "s")
      return [`has ${name} ${value}, which is no text`];
    if (name.endsWith(".$") && !/^(\$|States\.|\$\{)/.test(value)) return [`has ${name} ${value}, which is no path`];
    if (isPath(name, isData)) return intrinsicFaults(value);
    if (/^\{%[^]*%\}$/.test(value)) return [`has ${value}, an expression of JSONata`];
    if (isIntrinsic(value)) return [`has the function ${value} at ${name}: ${name}.$ takes functions`];
    return /^\$\$?\.[A-Za-z]/.test(value) && !(isData && isNameOfPaths(name))
      ? [`has the path ${value} at ${name}: ${name}.$ takes paths`]
      : [];
  }
  if (name.endsWith(".$")) return [`has ${name} that is no path`];
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, child]) =>
    templateFaults(
      Array.isArray(value) || (isData && isNameOfPaths(name) && !key.endsWith(".$")) ? name : key,
      child,
      isData || DATA.has(key),
    ),
  );
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
  const [, day = ""] = /^(\d{4}-\d\d-\d\d)T\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/.exec(value) ?? [];
  // Date takes 31 February for 3 March.
  const start = Date.parse(day);
  return !isNaN(start) && !isNaN(Date.parse(value)) && new Date(start).toISOString().startsWith(day);
}

/** Texts in single quotes, without what is in them. */
const withoutTexts = (text: string): string => text.replace(/'(?:[^'\\]|\\.)*'/gs, "''");

/** Of a path into the context object. */
function contextFaults(path: string): string[] {
  const [, object = "", field, part] = /^\$\$\.(\w+)(?:\.(\w+))?(?:\.(\w+))?/.exec(path) ?? [];
  return isInContext([object, field, part]) ? [] : [`has ${path}, which the context does not have`];
}

/** Intrinsic functions within each other. */
const MAX_NESTED = 10;

function intrinsicFaults(value: string, depth = 1): string[] {
  const [, name = "", rest = ""] = /^\s*States\.(\w+)\((.*)\)\s*$/s.exec(value) ?? [];
  if (name === "") return contextFaults(value);
  if (depth > MAX_NESTED) return [`has more than ${MAX_NESTED} intrinsic functions within each other`];
  const intrinsic = INTRINSICS.get(name);
  if (intrinsic === undefined) return [`calls States.${name}, which does not exist`];
  const args = argumentsIn(rest);
  const types = args.map(typeOf);
  const wrong = args.filter((_, index) => types[index] === undefined);
  if (wrong.length > 0)
    return wrong.map((argument) => `calls States.${name} with ${argument}: texts have single quotes`);
  const [first = "", algorithm = ""] = args;
  const isHash = name !== "Hash" || !algorithm.startsWith("'") || HASHES.has(algorithm.slice(1, -1));
  return [
    ...(intrinsic.pattern.test(types.join("")) && areRight(name, args)
      ? []
      : [`calls States.${name} with arguments that it does not take`]),
    ...(name === "Format" && first.startsWith("'") ? formatFaults(first, args.length - 1) : []),
    ...(isHash ? [] : [`calls States.Hash with ${algorithm}, which it does not have`]),
    ...args.flatMap((argument) => intrinsicFaults(argument, depth + 1)),
  ];
}

function formatFaults(template: string, values: number): string[] {
  const parts = template
    .replace(/\$\{[^}]*\}/g, "")
    .replace(/\\./gs, "")
    .split("{}");
  const places = parts.length - 1;
  return [
    ...(places === values ? [] : [`calls States.Format with ${values} values for ${places} places`]),
    ...(/[{}]/.test(parts.join("")) ? ["calls States.Format with a brace that has no backslash before it"] : []),
  ];
}

const MAX_RANGE = 1_000;
const MAX_INTEGER = 2_147_483_647;
const MAX_TEXT = 10_000;

/** False when a literal is certainly none that the function takes. */
function areRight(name: string, [first = "", second = "", third = ""]: readonly string[]): boolean {
  switch (name) {
    case "ArrayGetItem":
      return !second.startsWith("-");
    case "ArrayPartition":
      return !/^(0+|-\d+|\d+\.\d+)$/.test(second);
    case "ArrayRange": {
      const [from, to, step] = [first, second, third].map(Number);
      return !/^-?0+$/.test(third) && !(((to ?? 0) - (from ?? 0)) / (step ?? 1) >= MAX_RANGE);
    }
    case "JsonMerge":
      return third !== "true";
    case "MathAdd":
      return ![first, second].some((number) => Math.abs(Number(number)) > MAX_INTEGER);
    case "MathRandom":
      return !(Number(first) >= Number(second));
  }
  const [, text] = /^'(.*)'$/s.exec(first) ?? [];
  if (text === undefined || text.includes("${")) return true;
  if (/^(Base64|Hash)/.test(name) && text.length > MAX_TEXT) return false;
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
