import { createContext, Script, type Context } from "node:vm";

import { errorCode } from "../../shared/errors";

/** Longest search, in milliseconds: nothing else happens meanwhile, so one target must not take more of the others' time. */
export const SEARCH_LIMIT_MS = 250;

export type Search = "found" | "not found" | "too slow";

const search = new Script('new RegExp(pattern, "u").test(text)');
let context: Context | undefined;

/**
 * Searches a text for a regular expression. Some expressions take ages on some texts (catastrophic backtracking), and the text
 * is a stranger's: V8 can interrupt a search only inside a context run with a time limit.
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
