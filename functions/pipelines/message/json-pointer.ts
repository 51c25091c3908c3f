/** JSON Pointers (RFC 6901) into messages. */
import { isNumber, isRecord, type Json } from "./json";

/** `/customer/na~1me` -> customer, na/me */
function stepsOf(pointer: string): readonly string[] {
  return pointer
    .split("/")
    .slice(1)
    .map((step) => step.replaceAll("~1", "/").replaceAll("~0", "~"));
}

/** What the pointer leads to; undefined where there is nothing. */
export function at(document: Json, pointer: string): Json | undefined {
  let value: Json | undefined = document;
  for (const step of stepsOf(pointer)) value = child(value, step);
  return value;
}

function child(value: Json | undefined, step: string): Json | undefined {
  if (Array.isArray(value)) return /^(0|[1-9]\d*)$/.test(step) ? (value as readonly Json[])[Number(step)] : undefined;
  return isRecord(value) && Object.hasOwn(value, step) ? value[step] : undefined;
}

/** Whether the pointer leads to what the other one leads to, or into it. */
export function isWithin(pointer: string, other: string): boolean {
  return pointer === other || pointer.startsWith(`${other}/`);
}

/** The document with something else in place of what each pointer leads to; what leads nowhere changes nothing. */
export function redacted(document: Json, pointers: readonly string[], mark: string, here = ""): Json {
  if (pointers.includes(here)) return mark;
  if (!pointers.some((pointer) => pointer.startsWith(`${here}/`))) return document;
  const inside = (step: string, value: Json): Json =>
    redacted(value, pointers, mark, `${here}/${step.replaceAll("~", "~0").replaceAll("/", "~1")}`);
  if (Array.isArray(document)) return (document as readonly Json[]).map((value, index) => inside(String(index), value));
  if (typeof document !== "object" || document === null || isNumber(document) || !isRecord(document)) return document;
  return Object.fromEntries(Object.entries(document).map(([name, value]) => [name, inside(name, value)]));
}
