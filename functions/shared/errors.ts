import { inspect } from "node:util";

import type * as z from "zod";

/**
 * The code of an error from Node or the operating system ("ECONNREFUSED"), or undefined. Checks the shape, because `instanceof Error`
 * is false for errors of other realms (node:vm, test environments).
 */
export function errorCode(error: unknown): string | undefined {
  return isObject(error) && "code" in error && typeof error.code === "string" ? error.code : undefined;
}

/** The error's name, AWS's error code ("ConditionalCheckFailedException"), or "". */
export function errorName(error: unknown): string {
  return isObject(error) && "name" in error && typeof error.name === "string" ? error.name : "";
}

/** The error's message. Accepts any thrown value, also one that has no string representation. */
export function errorMessage(error: unknown): string {
  const message = isObject(error) && "message" in error ? error.message : error;
  return typeof message === "string" ? message : inspect(message, { customInspect: false, depth: 1 });
}

export function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}

/** One line with each fault and its path. Never contains values. */
export function describeIssues(error: z.ZodError): string {
  return error.issues
    .map(({ path, message }) => (path.length === 0 ? message : `${path.map(String).join(".")}: ${message}`))
    .join("; ");
}
