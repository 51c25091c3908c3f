/** Counts the runs of a schedule. */
import { cronRunsAMonth } from "../../functions/shared/calendar/cron";
import { cronOf, rateMs, scheduleFault } from "../../functions/shared/calendar/schedule-expression";
import { DAY_MS } from "../../functions/shared/time";

export const DAYS_A_MONTH = 30;

/** Runs a month of `rate(5 minutes)`, `cron(0 17 * * ? *)` or `at(...)`, which runs once. Undefined: not a schedule. */
export function runsAMonth(expression: string): number | undefined {
  if (/^at\(.*\)$/.test(expression)) return 1;
  if (scheduleFault(expression) !== undefined) return undefined;
  const period = rateMs(expression);
  return period === undefined
    ? cronRunsAMonth(cronOf(expression) ?? "", DAYS_A_MONTH)
    : (DAYS_A_MONTH * DAY_MS) / period;
}
