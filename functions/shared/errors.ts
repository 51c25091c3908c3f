import type * as z from "zod";

/** One line a person can act on: each wrong field by its path, with what is wrong there. Never the values themselves. */
export function describeIssues(error: z.ZodError): string {
  return error.issues
    .map(({ path, message }) => (path.length === 0 ? message : `${path.map(String).join(".")}: ${message}`))
    .join("; ");
}
