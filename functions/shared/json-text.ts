/** JSON as text, for what must come out as it went in: numbers with all their digits, keys such as `__proto__`. No recursion over content. */

import { parseJson } from "./input";

/** JSON text that {@link jsonText} writes unchanged. */
export class RawJson {
  constructor(readonly text: string) {}

  /** For JSON.stringify, which cannot write it unchanged. */
  toJSON(): unknown {
    return parseJson(this.text);
  }
}

/** As JSON.stringify, with {@link RawJson} unchanged. The value is of our own making, hence shallow. */
export function jsonText(value: unknown): string {
  if (value instanceof RawJson) return value.text;
  if (Array.isArray(value)) return `[${value.map((item) => jsonText(item ?? null)).join(",")}]`;
  if (typeof value !== "object" || value === null || "toJSON" in value) return JSON.stringify(value);
  const fields = Object.entries(value).filter(([, field]) => field !== undefined);
  return `{${fields.map(([name, field]) => `${JSON.stringify(name)}:${jsonText(field)}`).join(",")}}`;
}

/** White space, a punctuation mark, a string, or a number, true, false or null. */
const TOKEN = /[ \t\n\r]+|[[\]{},:]|"[^"\\]*(?:\\.[^"\\]*)*"|[^ \t\n\r[\]{},:"]+/gy;

function* tokens(json: string): Generator<string> {
  for (const [token] of json.matchAll(TOKEN)) if (!/^[ \t\n\r]/.test(token)) yield token;
}

/** Levels that data may be nested: JSON.parse, zod, ajv, DynamoDB and Step Functions recurse, as deep as their stack allows at the time. */
export const MAX_DATA_DEPTH = 100;

/** Whether arrays and objects are nested more than `levels` deep. */
export function isDeeperThan(levels: number, json: string): boolean {
  // Most texts are too short for it.
  if (json.length <= levels) return false;
  let depth = 0;
  for (const token of tokens(json)) {
    if (token === "]" || token === "}") depth -= 1;
    else if ((token === "[" || token === "{") && ++depth > levels) return true;
  }
  return false;
}

/**
 * Valid JSON without white space, strings as JSON.stringify writes them, numbers as they are. Escapes what SQS rejects and half surrogate
 * pairs.
 */
export function canonicalJson(json: string): string {
  let text = "";
  for (const token of tokens(json)) text += token.startsWith('"') ? quoted(parseJson(token)) : token;
  return text;
}

function quoted(value: unknown): string {
  return escapeForSqs(JSON.stringify(value));
}

/** Escapes the two characters that SQS rejects, which JSON has in strings only. */
export function escapeForSqs(json: string): string {
  return json.replace(/[\ufffe\uffff]/g, (character) => `\\u${character.charCodeAt(0).toString(16)}`);
}

/**
 * The values of an object's fields, or of an array's items by index, as JSON text. The last of several fields of one name, as JSON.parse
 * does. Undefined for any other JSON.
 */
export function jsonParts(json: string): ReadonlyMap<string, string> | undefined {
  const parts = new Map<string, string>();
  let depth = 0;
  let isArray = false;
  let name: string | undefined;
  let part = "";
  const end = (): void => {
    if (part !== "") parts.set(isArray ? String(parts.size) : (name ?? ""), part);
    part = "";
    name = undefined;
  };
  for (const token of tokens(json)) {
    const closes = token === "]" || token === "}";
    if (closes) depth -= 1;
    if (depth === 0) {
      if (closes) end();
      else if (token === "[" || token === "{") isArray = token === "[";
      else return undefined;
    } else if (depth === 1 && token === ",") end();
    else if (depth === 1 && token === ":") {
      name = String(parseJson(part));
      part = "";
    } else part += token;
    if (token === "[" || token === "{") depth += 1;
  }
  return parts;
}

/** Whether a name stands twice in an object, of which JSON.parse keeps the last: the other would be lost. */
export function hasDuplicateNames(json: string): boolean {
  const open: Set<string>[] = [];
  let last = "";
  for (const token of tokens(json)) {
    if (token === "{" || token === "[") open.push(new Set());
    else if (token === "}" || token === "]") open.pop();
    else if (token === ":") {
      const name = String(parseJson(last));
      if (open.at(-1)?.has(name) === true) return true;
      open.at(-1)?.add(name);
    }
    last = token;
  }
  return false;
}

/** JSON.parse and JSONata, in Step Functions, round numbers silently. */
export const INEXACT = "has a number with more digits than a 64-bit float holds: send it as a string";

/** False when JSON.parse would change a number of the text, which is JSON. */
export function hasExactNumbers(text: string): boolean {
  // Strings are skipped.
  const numbers = text.match(/"(?:[^"\\]|\\.)*"|-?\d[\d.eE+-]*/g) ?? [];
  return numbers.every((literal) => literal.startsWith('"') || isExact(literal));
}

function isExact(literal: string): boolean {
  const value = Number(literal);
  return Number.isFinite(value) && normalized(literal) === normalized(String(value));
}

/** Significant digits and the power of ten: `-1.50e3` is `-15e2`. */
function normalized(literal: string): string {
  const [, sign = "", whole = "", fraction = "", exponent = "0"] =
    /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/.exec(literal) ?? [];
  const digits = `${whole}${fraction}`.replace(/^0+/, "");
  const significant = withoutTrailingZeros(digits);
  if (significant === "") return "0";
  return `${sign}${significant}e${Number(exponent) - fraction.length + digits.length - significant.length}`;
}

/** In linear time: the expression `/0+$/` begins again at each zero. */
export function withoutTrailingZeros(digits: string): string {
  let end = digits.length;
  while (digits[end - 1] === "0") end -= 1;
  return digits.slice(0, end);
}
