/** Regular expression search with a time limit. */
import { createContext, Script, type Context } from "node:vm";

import { errorCode } from "../../shared/errors";

/** A search blocks the event loop, and with it all other checks. */
export const SEARCH_LIMIT_MS = 250;

export type Search = "found" | "not found" | "too slow";

const search = new Script('new RegExp(pattern, "u").test(text)');
let context: Context | undefined;

/**
 * Against catastrophic backtracking on untrusted text. V8 can interrupt a search only in a context that runs with a timeout.
 */
export function searchWithin(milliseconds: number, pattern: string, text: string): Search {
  context ??= createContext(Object.create(null) as Context);
  Object.assign(context, { pattern, text });
  try {
    return search.runInContext(context, { timeout: milliseconds }) === true ? "found" : "not found";
  } catch (error) {
    if (errorCode(error) === "ERR_SCRIPT_EXECUTION_TIMEOUT") return "too slow";
    throw error;
  } finally {
    Object.assign(context, { text: "" });
  }
}
