/** Instants that people pass to commands. */
import * as z from "zod";

const timeSchema = z
  .union([z.iso.datetime({ offset: true }), z.iso.datetime({ offset: true, precision: -1 })])
  .transform(Date.parse);

/**
 * Epoch milliseconds of a time with its offset, with or without seconds, of a day that exists: `Date` takes 31 November for 1 December, `15` for a
 * month, and what has no offset for a time of this machine. Undefined for any other text.
 */
export function parseTime(text: string): number | undefined {
  return timeSchema.safeParse(text).data;
}
