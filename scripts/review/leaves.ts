/** The scalars of a resource's values by their paths, and the marks that a plan has for them. */
import { ownValue } from "../../functions/shared/own-value";
import { fieldsOf, parseJson } from "../shared/fields";

/** Every scalar of a value by its path, JSON in strings included. Absent, null and empty are the same. */
export function leavesOf(value: unknown, path = "", found = new Map<string, unknown>()): Map<string, unknown> {
  const json = typeof value === "string" && /^\s*[[{]/.test(value) ? parseJson(value) : undefined;
  const part = json ?? value;
  if (typeof part === "object" && part !== null)
    for (const [key, item] of Object.entries(part)) leavesOf(item, path === "" ? key : `${path}.${key}`, found);
  else if (part !== null && part !== undefined && path !== "") found.set(path, part);
  return found;
}

/** Whether a mark, such as that of sensitive values, is on a path or on what it is in. */
export function isMarked(marks: unknown, path: string): boolean {
  let part = marks;
  for (const key of path.split(".")) {
    if (part === true) return true;
    part = Array.isArray(part) ? (part as readonly unknown[])[Number(key)] : ownValue(fieldsOf(part), key);
  }
  return part === true;
}
