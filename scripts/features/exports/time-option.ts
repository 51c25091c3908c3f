/** Times that people pass as options. */
import { UsageError } from "../../shared/terminal/command-line";
import { parseTime } from "../../shared/terminal/time";

/**
 * Epoch milliseconds; undefined without the option.
 *
 * @param name of the option, without its hyphens
 * @throws UsageError
 */
export function timeOption(name: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const time = parseTime(text);
  if (time === undefined) throw new UsageError(`--${name}: "${text}" is not a time such as 2026-11-01T00:00Z`);
  return time;
}
