/** Reads errors of any shape: code, name, message, without content. No I/O. */
import { inspect, types } from "node:util";

import * as z from "zod";
// `z.core` would bring all of it into each bundle, with the languages of its messages.
import { $ZodError } from "zod/v4/core";

import { describeIssues } from "./input";

/**
 * The code of an error from Node or the operating system ("ECONNREFUSED"), or undefined. Checks the shape, because `instanceof Error`
 * is false for errors of other realms (node:vm, test environments).
 */
export function errorCode(error: unknown): string | undefined {
  const code = fieldOf(error, "code");
  return typeof code === "string" ? code : undefined;
}

/** The error's name, AWS's error code ("ConditionalCheckFailedException"), or "". */
export function errorName(error: unknown): string {
  const name = fieldOf(error, "name");
  return typeof name === "string" ? name : "";
}

/** The error's message. Accepts any thrown value, also one that has no string representation. */
export function errorMessage(error: unknown): string {
  const message = fieldOf(error, "message") ?? error;
  if (typeof message === "string") return message;
  try {
    return inspect(message, { customInspect: false, depth: 1 });
  } catch {
    return "a value without text";
  }
}

/** A field of an error; undefined also where reading it throws: what a handler throws may be a proxy, or have getters. */
export function fieldOf(value: unknown, name: string): unknown {
  if (!isObject(value)) return undefined;
  try {
    return Reflect.get(value, name);
  } catch {
    return undefined;
  }
}

export function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}

/** A chain of causes may have no end. */
const MAX_CAUSES = 8;

/**
 * An error that may be logged or answered: those of JSON.parse and zod, which quote what was sent, are replaced, as a cause too, and so is a
 * thrown object that is no error, or whose fields cannot be read. For code that does not parse with input.ts: libraries, users' own handlers.
 */
export function withoutContent(error: unknown, causes = MAX_CAUSES): unknown {
  if (!isObject(error)) return error;
  const cause = fieldOf(error, "cause");
  const safeCause = causes === 0 ? undefined : withoutContent(cause, causes - 1);
  const name = errorName(error);
  const stack = fieldOf(error, "stack");
  const quotes = ["SyntaxError", "ZodError", "$ZodError"].includes(name);
  const isReadable =
    types.isNativeError(error) && name !== "" && typeof stack === "string" && fieldOf(error, "toJSON") === undefined;
  if (isReadable && !quotes && safeCause === cause) return error;
  const message = quotes ? quotedFault(error) : errorMessage(error);
  const copy = new Error(message, { cause: safeCause });
  copy.name = name === "" ? "Error" : name;
  const lines = typeof stack === "string" ? stack.split("\n").filter((line) => /^ +at /.test(line)) : [];
  copy.stack = [`${copy.name}: ${copy.message}`, ...lines].join("\n");
  return copy;
}

const quotedFault = (error: object): string =>
  error instanceof $ZodError ? describeIssues(error, z.unknown()) : WITHHELD;

const WITHHELD = "a text is malformed; the parser's message is withheld, because it quotes the text";
