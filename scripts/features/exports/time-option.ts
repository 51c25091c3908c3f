/** Times that people pass as options. */
import { timeOf } from "../../../functions/exports/run/window";
import { UsageError } from "../../shared/terminal/command-line";

/**
 * Epoch milliseconds; undefined without the option.
 *
 * @param name of the option, without its hyphens
 * @throws UsageError for anything but a time in UTC of a day that exists: `Date` takes 31 November for 1 December
 */
export function timeOption(name: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const time = timeOf("iso8601", text);
  const midnight = Date.parse(`${text.slice(0, 10)}T00:00Z`);
  if (Number.isNaN(time) || new Date(midnight).getUTCDate() !== Number(text.slice(8, 10)))
    throw new UsageError(`--${name}: "${text}" is not a time such as 2026-11-01T00:00Z`);
  return time;
}
