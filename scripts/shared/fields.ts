/** Reads JSON of unknown shape, such as the values of any Terraform resource. */
import { parse } from "lossless-json";

export type Fields = Readonly<Record<string, unknown>>;

/** An object that is not an array. */
export function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The value's fields, or {} when it is not an object. */
export function fieldsOf(value: unknown): Fields {
  return isFields(value) ? value : {};
}

/**
 * As {@link parseJson}. A number that JavaScript would round or write in another way is a text; a name twice in an object is no JSON: readers
 * differ in which of the two they take.
 */
export function parseExactJson(json: string): unknown {
  try {
    return parse(json, undefined, (digits) => (String(Number(digits)) === digits ? Number(digits) : digits));
  } catch {
    return undefined;
  }
}

/** The value of a JSON text; undefined when it is not JSON. */
export function parseJson(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}
