/** Looks into JSON whose shape is whatever it is: a resource's values are of hundreds of shapes. */

export type Fields = Readonly<Record<string, unknown>>;

/** An object, and no list. */
export function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Its fields; none of what is no object. */
export function fieldsOf(value: unknown): Fields {
  return isFields(value) ? value : {};
}

/** The value of a JSON text; undefined: it is none. */
export function parseJson(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}
