/** JSON without loss: numbers keep their digits, and a name that stands twice in one object is an error. */
import { isLosslessNumber, parse, type LosslessNumber } from "lossless-json";

import { errorMessage } from "../../shared/errors";

/** A text that is not JSON, or that programs understand in different ways. */
export class NotJsonError extends Error {
  override readonly name = "NotJsonError";
}

/** Numbers are objects that hold their text: `isNumber` tells them from the others. */
export type Json = null | boolean | string | LosslessNumber | readonly Json[] | { readonly [name: string]: Json };

/** @throws {@link NotJsonError} */
export function parseJson(text: string): Json {
  try {
    return parse(text) as Json; // what lossless-json makes without a reviver
  } catch (cause) {
    // A text nested too deeply exhausts the stack: no message is like that.
    throw new NotJsonError(`is not JSON: ${errorMessage(cause)}`, { cause });
  }
}

export const isNumber = (value: Json | undefined): value is LosslessNumber => isLosslessNumber(value);

/** Whether it is an object with names, neither array nor number. */
export function isRecord(value: Json | undefined): value is Readonly<Record<string, Json>> {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !isLosslessNumber(value);
}

/**
 * The same JSON on one line, as SQS takes it: line breaks stand between tokens only, where a space says the same, and the two
 * characters that XML has no place for stand in strings only, where JSON can spell them out.
 */
export function onOneLine(text: string): string {
  return text
    .replace(/[\r\n]+/g, " ")
    .replace(/[\ufffe\uffff]/g, (character) => `\\u${character.charCodeAt(0).toString(16)}`)
    .trim();
}

/** A value as one reads it: text as it is, a number with its digits, the rest as JSON. */
export function textOf(value: Json): string {
  if (typeof value === "string") return value;
  if (isNumber(value)) return value.value;
  if (typeof value !== "object" || value === null) return String(value);
  if (isRecord(value))
    return `{${Object.entries(value)
      .map(([name, item]) => `${JSON.stringify(name)}:${quoted(item)}`)
      .join(",")}}`;
  return `[${value.map(quoted).join(",")}]`;
}

const quoted = (value: Json): string => (typeof value === "string" ? JSON.stringify(value) : textOf(value));
