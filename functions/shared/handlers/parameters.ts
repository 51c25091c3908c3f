/** Schemas of query strings. */
import * as z from "zod";

/**
 * The parameters of a route, all of them: one that is misspelt, or is of another route, is a fault of the request. Ignored, it would give
 * the answer to another question.
 */
export function parameters<Shape extends z.core.$ZodLooseShape>(shape: Shape) {
  const names = Object.keys(shape);
  const message = names.length === 0 ? "has no parameters" : `has only ${enumeration(names)}`;
  return z.strictObject(shape, {
    error: ({ code }) => (code === "unrecognized_keys" ? message : undefined),
  });
}

/** `a, b and c` */
function enumeration(names: readonly string[]): string {
  return [names.slice(0, -1).join(", "), names.at(-1)].filter(Boolean).join(" and ");
}
