/** JSON that arrives as it was sent. Pure. */
import { INEXACT, MAX_DATA_DEPTH } from "../../shared/json-text";

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
    if (typeof item === "string" && !item.isWellFormed()) return "has half of a surrogate pair";
    if (typeof item === "number" && (!Number.isFinite(item) || (Number.isInteger(item) && !Number.isSafeInteger(item))))
      return INEXACT;
    if (typeof item !== "object" || item === null) continue;
    for (const [name, child] of Object.entries(item)) {
      if (!name.isWellFormed()) return "has half of a surrogate pair";
      pending.push([child, depth + 1]);
    }
  }
  return Buffer.byteLength(JSON.stringify(value)) > maxBytes ? `is longer than ${maxBytes} bytes` : undefined;
}
