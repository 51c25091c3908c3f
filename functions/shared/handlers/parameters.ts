/** Schemas of query strings. */
import * as z from "zod";

/** `a, b and c` */
const ENUMERATION = new Intl.ListFormat("en-GB");

/**
 * The parameters of a route, all of them: one that is misspelt, or is of another route, is a fault of the request. Ignored, it would give
 * the answer to another question.
 */
export function parameters<Shape extends z.core.$ZodLooseShape>(shape: Shape) {
  const names = Object.keys(shape);
  const message = names.length === 0 ? "has no parameters" : `has only ${ENUMERATION.format(names)}`;
  return z.strictObject(shape, {
    error: ({ code }) => (code === "unrecognized_keys" ? message : undefined),
  });
}
