import type * as z from "zod";

/**
 * The code of an error from Node or the operating system ("ECONNREFUSED"), or undefined. By shape, not by class: errors reach us
 * from other realms too (node:vm, test environments), where `instanceof Error` is false.
 */
export function errorCode(error: unknown): string | undefined {
  return isObject(error) && "code" in error && typeof error.code === "string" ? error.code : undefined;
}

export function errorMessage(error: unknown): string {
  return isObject(error) && "message" in error ? String(error.message) : String(error);
}

export function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}

/** One line a person can act on: each wrong field by its path, with what is wrong there. Never the values themselves. */
export function describeIssues(error: z.ZodError): string {
  return error.issues
    .map(({ path, message }) => (path.length === 0 ? message : `${path.map(String).join(".")}: ${message}`))
    .join("; ");
}
