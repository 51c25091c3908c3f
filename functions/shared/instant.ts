/** Times in stored items. No SDK, no I/O. */
import * as z from "zod";

/** The end of year 9999: later times have no ISO 8601 text of the usual form, and those after Date's last one have none at all. */
const MAX_INSTANT = Date.UTC(10_000, 0) - 1;

/**
 * Epoch milliseconds. An item with another number is unreadable: it affects its own monitor, where a RangeError would end the page or the
 * run of all.
 */
export const instantSchema = z.number().min(0).max(MAX_INSTANT);
