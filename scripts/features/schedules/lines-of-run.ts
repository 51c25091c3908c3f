/** Which lines of a function's log are a run's. Pure. */
import { correlationIds } from "../logs/log-events";

/**
 * Says for one line after the other, in their order, whether it is the run's: it names the run, or is of an invocation that does. A text
 * without ids, which a handler printed in the local environment, is of the invocation of the line before it.
 *
 * @param run the sort key of the run's row
 */
export function linesOfRun(run: string): (message: string) => boolean {
  const invocations = new Set<string>();
  let isOfRun = false;
  return (message) => {
    const ids = correlationIds(message);
    const namesRun = message.includes(run);
    if (namesRun) ids.forEach((id) => invocations.add(id));
    if (namesRun || ids.length > 0) isOfRun = namesRun || ids.some((id) => invocations.has(id));
    return isOfRun;
  };
}
