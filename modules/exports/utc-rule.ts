/** The EventBridge rule of an export's schedule. Rules know UTC only. */
import { offsetAt, rateMs, timesOf } from "../../functions/shared/calendar/schedule-expression";
import { DAY_MS, MINUTE_MS } from "../../functions/shared/time";

const MINUTES_A_DAY = DAY_MS / MINUTE_MS;

/**
 * When the rule fires. Rates that divide an hour or a day fire at its multiples, so that each run has the window that has just ended. In a time
 * zone, the rule fires at all the times in UTC at which an expression can be due there, every day; the function starts exports only when they
 * are. So the zone's own changes of the clock need no change of the rule, and no service but EventBridge's rules.
 */
export function utcRule(expression: string, timeZone: string): string {
  const interval = rateMs(expression);
  if (interval !== undefined) return ruleOfRate(interval / MINUTE_MS) ?? expression;
  if (timeZone === "UTC") return expression;
  const { hours, minutes } = timesOf(expression) ?? { hours: [], minutes: [] };
  const times = [...hours].flatMap((hour) => [...minutes].map((minute) => hour * 60 + minute));
  const inUtc = offsetsOf(timeZone).flatMap((offset) =>
    times.map((time) => (time - offset + 2 * MINUTES_A_DAY) % MINUTES_A_DAY),
  );
  const list = (values: readonly number[]): string => [...new Set(values)].sort((a, b) => a - b).join(",");
  return `cron(${list(inUtc.map((time) => time % 60))} ${list(inUtc.map((time) => Math.floor(time / 60)))} * * ? *)`;
}

function ruleOfRate(minutes: number): string | undefined {
  if (minutes < 60) return 60 % minutes === 0 ? `cron(${minutes === 1 ? "*" : `0/${minutes}`} * * * ? *)` : undefined;
  const hours = minutes / 60;
  if (!Number.isInteger(hours) || 24 % hours !== 0 || hours === 24) return undefined;
  return `cron(0 ${hours === 1 ? "*" : `0/${hours}`} * * ? *)`;
}

/** The zone's offsets from UTC in these years, in minutes: of each week, so that none is missed. */
function offsetsOf(timeZone: string): readonly number[] {
  const weeks = Array.from({ length: 2 * 53 }, (_, week) => Date.UTC(2026, 0, 1) + week * 7 * DAY_MS);
  return [...new Set(weeks.map((week) => offsetAt(week, timeZone) / MINUTE_MS))];
}
