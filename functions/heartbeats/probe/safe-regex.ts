/** Regular expression search in a page, with a time limit. */
import { evaluateWithin } from "../../shared/bounded-evaluation";

/** Of processor time. A search blocks the event loop, and with it all other checks. */
export const SEARCH_LIMIT_MS = 250;

/** `too slow`: also when the page is too long for the expression, which then needs more stack than there is. */
export type Search = "found" | "not found" | "too slow";

/** Against catastrophic backtracking on untrusted text. */
export function searchWithin(milliseconds: number, pattern: string, text: string): Search {
  const search = evaluateWithin(milliseconds, () => new RegExp(pattern, "u").test(text));
  if (search.kind !== "done") return "too slow";
  return search.result ? "found" : "not found";
}
