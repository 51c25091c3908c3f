/** JSON that arrives as it was sent. Pure. */
import { MAX_DATA_DEPTH } from "../../shared/json-text";

export type Json = string | number | boolean | null | readonly Json[] | { readonly [name: string]: Json };

/**
 * Why a parsed value would not arrive unchanged; completes the sentence "the input ...". Iterates, because recursion ends where the stack
 * does.
 */
export function jsonFaultOf(value: unknown, maxBytes: number): string | undefined {
  const pending: (readonly [value: unknown, depth: number])[] = [[value, 1]];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const [item, depth] = next;
    if (depth > MAX_DATA_DEPTH) return `is nested deeper than ${MAX_DATA_DEPTH} levels`;
    if (typeof item === "string" && !isWellFormed(item)) return "has half of a surrogate pair";
    if (typeof item === "number" && (!Number.isFinite(item) || (Number.isInteger(item) && !Number.isSafeInteger(item))))
      return INEXACT;
    if (typeof item !== "object" || item === null) continue;
    for (const [name, child] of Object.entries(item)) {
      if (!isWellFormed(name)) return "has half of a surrogate pair";
      pending.push([child, depth + 1]);
    }
  }
  return Buffer.byteLength(JSON.stringify(value)) > maxBytes ? `is longer than ${maxBytes} bytes` : undefined;
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
  const significant = digits.replace(/0+$/, "");
  if (significant === "") return "0";
  return `${sign}${significant}e${Number(exponent) - fraction.length + digits.length - significant.length}`;
}

const isWellFormed = (text: string) => !/\p{Surrogate}/u.test(text);
