/**
 * Parses what comes from outside. Faults are positions, paths and names of ours, never content: V8's messages quote the text that is not
 * JSON, zod's the names of unknown fields, and both end in answers and logs. No I/O.
 */
import type * as z from "zod";

/** The text is not JSON. The message completes the sentence "the body ...". It has no cause, which would quote the text. */
export class JsonSyntaxError extends Error {
  override readonly name = "JsonSyntaxError";
}

/** A value does not have its schema's form. The message has the path and the reason of each fault, never a value. */
export class SchemaError extends Error {
  override readonly name = "SchemaError";
}

/** The only call of JSON.parse in functions: the linter holds it. @throws {@link JsonSyntaxError} */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw jsonSyntaxError(text);
  }
}

/** For a text that a parser has rejected. */
function jsonSyntaxError(text: string, reason = "is not JSON"): JsonSyntaxError {
  if (text.trim() === "") return new JsonSyntaxError(`${reason} (it is empty)`);
  const index = faultIndex(text);
  if (index === undefined) return new JsonSyntaxError(reason);
  if (index >= text.length) return new JsonSyntaxError(`${reason} (position ${index}: it ends too early)`);
  const before = text.slice(0, index).split("\n");
  const column = (before.at(-1) ?? "").length + 1;
  return new JsonSyntaxError(`${reason} (position ${index}: line ${before.length}, column ${column})`);
}

/** The value in its schema's form. @throws {@link SchemaError} */
export function parseInput<Output>(schema: z.ZodType<Output>, value: unknown): Output {
  const parsed = safely(schema, value);
  if (parsed === undefined) throw new SchemaError("is nested too deeply");
  if (parsed.success) return parsed.data;
  throw new SchemaError(describeIssues(parsed.error, schema));
}

/** Undefined for a value that is nested too deeply for the stack: zod recurses. */
function safely<Output>(schema: z.ZodType<Output>, value: unknown): z.ZodSafeParseResult<Output> | undefined {
  try {
    return schema.safeParse(value);
  } catch (error) {
    if (error instanceof Error && error.name === "RangeError") return undefined;
    throw error;
  }
}

/** One line with each fault and its path. */
export function describeIssues({ issues }: Pick<z.core.$ZodError, "issues">, schema: z.ZodType): string {
  const known = namesIn(schema);
  const lines = issues.slice(0, MAX_FAULTS).map((issue) => {
    const path = issue.path.map((segment) => segmentOf(segment, known)).join(".");
    return `${path === "" ? "" : `${path}: `}${messageOf(issue)}`;
  });
  const more = issues.length - lines.length;
  return [...new Set(lines), ...(more > 0 ? [`and ${more} more`] : [])].join("; ");
}

const MAX_FAULTS = 20;

/** A name in a record is the sender's, not ours. */
function segmentOf(segment: PropertyKey, known: ReadonlySet<string>): string {
  return typeof segment === "number" || known.has(String(segment)) ? String(segment) : "*";
}

function messageOf(issue: z.core.$ZodIssue): string {
  if (issue.code !== "unrecognized_keys") return issue.message;
  // The default message lists the names; one of ours may list the fields that exist.
  if (issue.message.startsWith("Unrecognized key"))
    return issue.keys.length === 1 ? "has an unknown field" : `has ${issue.keys.length} unknown fields`;
  return issue.message;
}

const names = new WeakMap<object, ReadonlySet<string>>();

/** The names of fields that a schema declares, at any depth. */
function namesIn(schema: z.ZodType): ReadonlySet<string> {
  const cached = names.get(schema);
  if (cached !== undefined) return cached;
  const found = new Set<string>();
  const seen = new Set<unknown>();
  const visit = (value: unknown): void => {
    if (typeof value !== "object" || value === null || seen.has(value)) return;
    seen.add(value);
    const definition: object = isSchema(value) ? value._zod.def : value;
    for (const [property, child] of Object.entries(definition) as [string, unknown][]) {
      if (property === "shape") for (const name of Object.keys(Object(child) as object)) found.add(name);
      visit(property === "getter" && isGetter(child) ? child() : child);
    }
  };
  visit(schema);
  names.set(schema, found);
  return found;
}

const isSchema = (value: object): value is z.core.$ZodType => "_zod" in value;

/** Of a lazy schema. */
const isGetter = (value: unknown): value is () => unknown => typeof value === "function";

const WHITESPACE = /[ \t\n\r]*/y;
const SCALAR = /true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const ESCAPE = /\\(?:["\\/bfnrt]|u[\dA-Fa-f]{4})/y;

/** Where a text stops being JSON; its length when it ends too early; undefined when it is JSON. Without recursion. */
function faultIndex(text: string): number | undefined {
  /** The brackets that are open, by the one that closes them. */
  const open: ("]" | "}")[] = [];
  let at = 0;
  const skip = (pattern: RegExp): boolean => {
    pattern.lastIndex = at;
    const matched = pattern.test(text) && pattern.lastIndex > at;
    if (matched) at = pattern.lastIndex;
    return matched;
  };
  const take = (character: string): boolean => {
    skip(WHITESPACE);
    if (text[at] !== character) return false;
    at += 1;
    return true;
  };
  const takeString = (): boolean => {
    if (!take('"')) return false;
    while (at < text.length) {
      const character = text[at] ?? "";
      if (character < " ") return false;
      if (character === "\\") {
        if (!skip(ESCAPE)) return false;
      } else {
        at += 1;
        if (character === '"') return true;
      }
    }
    return false;
  };
  const takeName = (): boolean => takeString() && take(":");

  for (;;) {
    // A value begins here.
    if (take("[")) {
      open.push("]");
      if (!take("]")) continue;
      open.pop();
    } else if (take("{")) {
      open.push("}");
      if (!take("}")) {
        if (!takeName()) return at;
        continue;
      }
      open.pop();
    } else if (!takeString() && !skip(SCALAR)) return at;
    // A value has ended.
    for (;;) {
      const close = open.at(-1);
      if (close === undefined) {
        skip(WHITESPACE);
        return at === text.length ? undefined : at;
      }
      if (take(",")) {
        if (close === "}" && !takeName()) return at;
        break;
      }
      if (!take(close)) return at;
      open.pop();
    }
  }
}
