/** Times that people pass as options. */
import * as z from "zod";
import { UsageError } from "../../shared/terminal/command-line";

/** With its offset, with or without seconds, of a day that exists: `Date` takes 31 November for 1 December. */
const timeSchema = z
  .union([z.iso.datetime({ offset: true }), z.iso.datetime({ offset: true, precision: -1 })])
  .transform(Date.parse);

/**
 * Epoch milliseconds; undefined without the option.
 *
 * @param name of the option, without its hyphens
 * @throws UsageError
 */
export function timeOption(name: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const { data: time } = timeSchema.safeParse(text);
  if (time === undefined) throw new UsageError(`--${name}: "${text}" is not a time such as 2026-11-01T00:00Z`);
  return time;
}
