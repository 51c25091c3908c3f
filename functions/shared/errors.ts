import { inspect } from "node:util";

import type * as z from "zod";

/**
 * The code of an error from Node or the operating system ("ECONNREFUSED"), or undefined. By shape, not by class: errors reach us
 * from other realms too (node:vm, test environments), where `instanceof Error` is false.
 */
export function errorCode(error: unknown): string | undefined {
  return isObject(error) && "code" in error && typeof error.code === "string" ? error.code : undefined;
}

/** The class of an error by its name, which AWS's clients use as a code ("ConditionalCheckFailedException"); "" for anything else. */
export function errorName(error: unknown): string {
  return isObject(error) && "name" in error && typeof error.name === "string" ? error.name : "";
}

/** What an error says of itself. Anything may have been thrown, even what cannot be made a string. */
export function errorMessage(error: unknown): string {
  const message = isObject(error) && "message" in error ? error.message : error;
  return typeof message === "string" ? message : inspect(message, { customInspect: false, depth: 1 });
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
