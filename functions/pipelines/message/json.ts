/** Lossless JSON: numbers keep all their digits. What not every parser and store accepts is an error: see json-limits.ts. */
import { isLosslessNumber, parse, type LosslessNumber } from "lossless-json";

import { JsonSyntaxError, parseJson as parseNative } from "../../shared/input";
import { escapeForSqs } from "../../shared/json-text";
import { limitFault } from "./json-limits";

/** The text is not JSON, or has a fault of json-limits.ts. */
export class NotJsonError extends Error {
  override readonly name = "NotJsonError";
}

/** Numbers are objects with the original text; see {@link isNumber}. */
export type Json = null | boolean | string | LosslessNumber | readonly Json[] | { readonly [name: string]: Json };

/** @throws {@link NotJsonError} */
export function parseJson(text: string): Json {
  try {
    parseNative(text);
  } catch (error) {
    if (error instanceof JsonSyntaxError) throw new NotJsonError(error.message);
    throw error;
  }
  const fault = limitFault(text);
  if (fault !== undefined) throw new NotJsonError(fault);
  return parse(text) as Json; // lossless-json's result without a reviver
}

export const isNumber = (value: Json | undefined): value is LosslessNumber => isLosslessNumber(value);

/** True for an object, false for arrays and numbers. */
export function isRecord(value: Json | undefined): value is Readonly<Record<string, Json>> {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !isLosslessNumber(value);
}

/**
 * The same JSON on a single line, without the two characters that SQS rejects (U+FFFE, U+FFFF). Line breaks occur only between
 * tokens, where a space is equivalent; the two characters occur only in strings, where an escape is.
 */
export function toSingleLine(text: string): string {
  return escapeForSqs(text.replace(/[\r\n]+/g, " ")).trim();
}

/** Strings without quotes, numbers with their original digits, everything else as JSON. */
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
