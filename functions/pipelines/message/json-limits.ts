/** What JSON texts may have that not every parser and store accepts: depth, names that stand twice, halves of surrogate pairs. */

import { parseJson } from "../../shared/input";
import { MAX_DATA_DEPTH } from "../../shared/json-text";

/** Strings, and what gives a text its structure. */
const TOKENS = /"[^"\\]*(?:\\.[^"\\]*)*"|[{}[\],]/gs;

interface Container {
  /** Of an object: the names so far. Undefined for an array. */
  readonly names: Set<string> | undefined;
  /** True where a string is a name. */
  expectsName: boolean;
}

/**
 * The first fault: `is nested more than 100 levels deep (position 512)`. Undefined when there is none. A position and no path, whose names
 * are the sender's. Without recursion.
 *
 * @param text must be JSON
 */
export function limitFault(text: string): string | undefined {
  const open: Container[] = [];
  for (const { 0: token, index } of text.matchAll(TOKENS)) {
    const container = open.at(-1);
    const fault = (reason: string) => `${reason} (position ${index})`;
    switch (token) {
      case "{":
      case "[":
        if (open.length === MAX_DATA_DEPTH) return fault(`is nested more than ${MAX_DATA_DEPTH} levels deep`);
        open.push({ names: token === "{" ? new Set() : undefined, expectsName: true });
        break;
      case "}":
      case "]":
        open.pop();
        break;
      case ",":
        if (container !== undefined) container.expectsName = true;
        break;
      default: {
        const isName = container?.names !== undefined && container.expectsName;
        const reason = stringFault(token, isName ? container : undefined);
        if (reason !== undefined) return fault(reason);
      }
    }
  }
  return undefined;
}

/** @param container the object, when the string is a name of it */
function stringFault(token: string, container: Container | undefined): string | undefined {
  const text = token.includes("\\") ? String(parseJson(token)) : token.slice(1, -1);
  if (container !== undefined) {
    container.expectsName = false;
    if (container.names?.has(text) === true) return "stands twice in its object";
    container.names?.add(text);
  }
  return /\p{Cs}/u.test(text) ? "is not well-formed UTF-16: it has half of a surrogate pair" : undefined;
}
