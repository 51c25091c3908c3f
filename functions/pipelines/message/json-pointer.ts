/** JSON Pointers (RFC 6901) into messages. */
import { ownValue } from "../../shared/own-value";
import { isNumber, isRecord, type Json } from "./json";

/** `/customer/na~1me` -> customer, na/me */
function referenceTokens(pointer: string): readonly string[] {
  return pointer
    .split("/")
    .slice(1)
    .map((token) => token.replaceAll("~1", "/").replaceAll("~0", "~"));
}

/** The value at the pointer, or undefined. */
export function resolvePointer(document: Json, pointer: string): Json | undefined {
  let value: Json | undefined = document;
  for (const token of referenceTokens(pointer)) value = child(value, token);
  return value;
}

function child(value: Json | undefined, token: string): Json | undefined {
  if (Array.isArray(value)) return /^(0|[1-9]\d*)$/.test(token) ? (value as readonly Json[])[Number(token)] : undefined;
  return isRecord(value) ? ownValue(value, token) : undefined;
}

/** True when the pointer is `other` or points into its value. */
export function isWithin(pointer: string, other: string): boolean {
  return pointer === other || pointer.startsWith(`${other}/`);
}

/** A copy of the document with `mark` in place of the value at each pointer. Pointers without a value are ignored. */
export function redact(document: Json, pointers: readonly string[], mark: string, path = ""): Json {
  if (pointers.includes(path)) return mark;
  if (!pointers.some((pointer) => pointer.startsWith(`${path}/`))) return document;
  const inside = (token: string, value: Json): Json =>
    redact(value, pointers, mark, `${path}/${token.replaceAll("~", "~0").replaceAll("/", "~1")}`);
  if (Array.isArray(document)) return (document as readonly Json[]).map((value, index) => inside(String(index), value));
  if (typeof document !== "object" || document === null || isNumber(document) || !isRecord(document)) return document;
  return Object.fromEntries(Object.entries(document).map(([name, value]) => [name, inside(name, value)]));
}
