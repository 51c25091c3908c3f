/** What JSON texts may have that not every parser and store accepts: depth, names that stand twice, halves of surrogate pairs. */

import { toUSVString } from "node:util";

import { parseJson } from "../../shared/input";
import { MAX_DATA_DEPTH } from "../../shared/json-text";
import { truncate } from "../../shared/text";

const MAX_PATH_CHARACTERS = 200;

/** Strings, and what gives a text its structure. */
const TOKENS = /"[^"\\]*(?:\\.[^"\\]*)*"|[{}[\],]/gs;

interface Container {
  /** Of an object: the names so far. Undefined for an array. */
  readonly names: Set<string> | undefined;
  /** The current name or index. */
  segment: string | number;
  /** True where a string is a name. */
  expectsName: boolean;
}

export interface LimitFault {
  /** The JSON Pointer to its place. Its names are the sender's. */
  readonly pointer: string;
  /** `is nested more than 100 levels deep` */
  readonly reason: string;
}

/**
 * The first fault. Undefined when there is none. Without recursion.
 *
 * @param text must be JSON
 */
export function limitFault(text: string): LimitFault | undefined {
  const open: Container[] = [];
  for (const [token] of text.matchAll(TOKENS)) {
    const container = open.at(-1);
    switch (token) {
      case "{":
      case "[":
        if (open.length === MAX_DATA_DEPTH) return fault(open, `is nested more than ${MAX_DATA_DEPTH} levels deep`);
        open.push({ names: token === "{" ? new Set() : undefined, segment: token === "{" ? "" : 0, expectsName: true });
        break;
      case "}":
      case "]":
        open.pop();
        break;
      case ",":
        if (container === undefined) break;
        container.expectsName = true;
        if (typeof container.segment === "number") container.segment += 1;
        break;
      default: {
        const isName = container?.names !== undefined && container.expectsName;
        const reason = stringFault(token, isName ? container : undefined);
        if (reason !== undefined) return fault(open, reason);
      }
    }
  }
  return undefined;
}

/** @param container the object, when the string is a name of it */
function stringFault(token: string, container: Container | undefined): string | undefined {
  const text = token.includes("\\") ? String(parseJson(token)) : token.slice(1, -1);
  if (container !== undefined) {
    container.segment = text;
    container.expectsName = false;
    if (container.names?.has(text) === true) return "stands twice in its object";
    container.names?.add(text);
  }
  return /\p{Cs}/u.test(text) ? "is not well-formed UTF-16: it has half of a surrogate pair" : undefined;
}

function fault(open: readonly Container[], reason: string): LimitFault {
  const pointer = open.map(({ segment }) => `/${String(segment).replaceAll("~", "~0").replaceAll("/", "~1")}`).join("");
  return { pointer: truncate(toUSVString(pointer), MAX_PATH_CHARACTERS), reason };
}
