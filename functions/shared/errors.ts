/** Reads errors of any shape: code, name, message, without content. No I/O. */
import { inspect } from "node:util";

import * as z from "zod";
// `z.core` would bring all of it into each bundle, with the languages of its messages.
import { $ZodError } from "zod/v4/core";

import { describeIssues } from "./input";

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

/**
 * An error that may be logged or answered: those of JSON.parse and zod, which quote what was sent, are replaced, as a cause too. For code
 * that does not parse with input.ts: libraries, users' own callbacks.
 */
export function withoutContent(error: unknown): unknown {
  if (!isObject(error)) return error;
  const cause: unknown = "cause" in error ? error.cause : undefined;
  const safeCause = withoutContent(cause);
  const quotes = ["SyntaxError", "ZodError", "$ZodError"].includes(errorName(error));
  if (!quotes && safeCause === cause) return error;
  const message = error instanceof $ZodError ? describeIssues(error, z.unknown()) : WITHHELD;
  const copy = new Error(quotes ? message : errorMessage(error), { cause: safeCause });
  copy.name = errorName(error);
  const stack = "stack" in error && typeof error.stack === "string" ? error.stack : "";
  copy.stack = [`${copy.name}: ${copy.message}`, ...stack.split("\n").filter((line) => /^ +at /.test(line))].join("\n");
  return copy;
}

const WITHHELD = "a text is malformed; the parser's message is withheld, because it quotes the text";
