/** EventBridge's cron expressions, in any time zone. Pure, except for Node's time zone data. */
import { DAY_MS, HOUR_MS, MINUTE_MS } from "../time";
import { isTimeZone } from "./is-time-zone";
import { localTime, startOf } from "./time-zone";

/** The longest useful expressions list minutes and hours. */
export const MAX_CRON_CHARACTERS = 256;

/** The expression is invalid. The message names the field and the reason. */
export class CronError extends Error {
  override readonly name = "CronError";
}

/**
 * The first due time after `after`, epoch milliseconds; undefined when none remains. Local times that daylight saving time skips are due at
 * the end of the gap; those that occur twice are due once, the first time.
 *
 * @param expression EventBridge's six fields: `0 17 * * ? *`
 * @param timeZone an IANA time zone
 * @throws {@link CronError}; RangeError for an unknown time zone
 */
export function nextCronDue(expression: string, timeZone: string, after: number): number | undefined {
  const known = intervalsOf(expression, timeZone);
  const found = known.find((interval) => interval.after <= after && after < interval.next);
  if (found !== undefined) return found.next === Infinity ? undefined : found.next;
  const match = nextMatch(parsedCron(expression), localTime(after, timeZone) + 1);
  const next = match === undefined ? undefined : startOf(match, timeZone);
  known.unshift({ after, next: next ?? Infinity });
  if (known.length > MAX_INTERVALS) known.pop();
  return next;
}

/** Without a due time in (after, next). */
interface Interval {
  readonly after: number;
  readonly next: number;
}

/** Timers ask the same thousands of times: the fires of a window, and the first one after it. */
const MAX_INTERVALS = 4;
const intervals = new Map<string, Map<string, Interval[]>>();
let cachedIntervals = 0;

function intervalsOf(expression: string, timeZone: string): Interval[] {
  let byExpression = intervals.get(timeZone);
  let known = byExpression?.get(expression);
  if (known === undefined) {
    if (++cachedIntervals > MAX_CACHED) {
      intervals.clear();
      byExpression = undefined;
      cachedIntervals = 1;
    }
    known = [];
    if (byExpression === undefined) intervals.set(timeZone, (byExpression = new Map<string, Interval[]>()));
    byExpression.set(expression, known);
  }
  return known;
}

/** Timers: one is read in each period, but it need not fire each time, since reading costs a hundredth of writing. */
const LEAST_DENSITY = 0.1;

/**
 * The longest of these periods whose multiples have all due times of an expression while the offset from UTC stays the same; undefined
 * when the expression is irregular: has months, years or days of the month, or due times that few multiples have.
 *
 * @param periodsMs divisors of a week, ascending
 */
export function regularPeriod(expression: string, periodsMs: readonly number[]): number | undefined {
  const cron = parsedCron(expression);
  const { weekdays } = cron;
  if (weekdays === undefined || cron.months.size < 12 || cron.years.size < YEAR.last - YEAR.first + 1) return undefined;
  const days = [...weekdays].map((day) => day * DAY_MS);
  const times = days.flatMap((day) =>
    [...cron.hours].flatMap((hour) => [...cron.minutes].map((minute) => day + hour * HOUR_MS + minute * MINUTE_MS)),
  );
  const [first = 0] = times;
  const period = periodsMs.findLast((one) => times.every((time) => (time - first) % one === 0));
  return period !== undefined && (times.length * period) / (7 * DAY_MS) >= LEAST_DENSITY ? period : undefined;
}

/** The hours and minutes of an expression's days. */
export function cronTimes(expression: string): Pick<Cron, "hours" | "minutes"> {
  return parsedCron(expression);
}

/**
 * How often a cron is due in a month of `daysAMonth` days, on average over its years.
 *
 * @throws {@link CronError}
 */
export function cronRunsAMonth(expression: string, daysAMonth: number): number {
  const { minutes, hours, days, weekdays, months } = parsedCron(expression);
  const longest = { days: DAY_OF_MONTH.last, firstWeekday: DAY_OF_WEEK.first };
  const daysOfMonth =
    weekdays === undefined
      ? [...wholeRange(DAY_OF_MONTH)].filter((day) => days(day, longest)).length
      : (weekdays.size * daysAMonth) / DAY_OF_WEEK.last;
  return (minutes.size * hours.size * daysOfMonth * months.size) / MONTH.last;
}

/** Whether {@link nextCronDue} accepts them. */
export function isCron(expression: string, timeZone: string): boolean {
  try {
    parsedCron(expression);
    return isTimeZone(timeZone);
  } catch {
    return false;
  }
}

/** Why an expression is invalid, or undefined. A day that never occurs (`0 0 30 2 ? *`) is invalid; years in the past are valid. */
export function invalidCronReason(expression: string): string | undefined {
  try {
    const cron = parseCron(expression);
    return nextMatch({ ...cron, years: wholeRange(YEAR) }, 0) === undefined ? "has a day that never occurs" : undefined;
  } catch (error) {
    if (error instanceof CronError) return error.message;
    throw error;
  }
}

/** A parsed expression. */
interface Cron {
  readonly minutes: ReadonlySet<number>;
  readonly hours: ReadonlySet<number>;
  readonly days: DayMatcher;
  /** The days of each week; undefined for days that depend on the month. */
  readonly weekdays?: ReadonlySet<number>;
  readonly months: ReadonlySet<number>;
  readonly years: ReadonlySet<number>;
}

interface Month {
  readonly days: number;
  /** 1 is Sunday. */
  readonly firstWeekday: number;
}

/** @param day 1 to 31 */
type DayMatcher = (day: number, month: Month) => boolean;

interface Field {
  readonly name: string;
  readonly first: number;
  readonly last: number;
  /** Names of the values, from `first` on. */
  readonly names?: readonly string[];
  /** For error messages. */
  readonly accepts: string;
}

const MINUTE: Field = { name: "minutes", first: 0, last: 59, accepts: "0 to 59" };
const HOUR: Field = { name: "hours", first: 0, last: 23, accepts: "0 to 23" };
const DAY_OF_MONTH: Field = { name: "day of month", first: 1, last: 31, accepts: "1 to 31, ?, L, LW or 15W" };
const MONTH: Field = {
  name: "month",
  first: 1,
  last: 12,
  names: ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"],
  accepts: "1 to 12 or JAN to DEC",
};
const DAY_OF_WEEK: Field = {
  name: "day of week",
  first: 1,
  last: 7,
  names: ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"],
  accepts: "1 to 7 or SUN to SAT (1 is Sunday), ?, L, 6L or 6#3",
};
const YEAR: Field = { name: "year", first: 1970, last: 2199, accepts: "1970 to 2199" };
const FIELDS = [MINUTE, HOUR, DAY_OF_MONTH, MONTH, DAY_OF_WEEK, YEAR];

/** The same few expressions are evaluated repeatedly. */
const MAX_CACHED = 1_000;
const cache = new Map<string, Cron>();

function parsedCron(expression: string): Cron {
  let cron = cache.get(expression);
  if (cron === undefined) {
    cron = parseCron(expression);
    if (cache.size >= MAX_CACHED) cache.clear();
    cache.set(expression, cron);
  }
  return cron;
}

/** @throws {@link CronError} */
function parseCron(expression: string): Cron {
  if (expression.length > MAX_CRON_CHARACTERS) throw new CronError(`is longer than ${MAX_CRON_CHARACTERS} characters`);
  const fields = expression.trim().split(/\s+/);
  const [minutes, hours, dayOfMonth, month, dayOfWeek, year] = fields;
  if (
    minutes === undefined ||
    hours === undefined ||
    dayOfMonth === undefined ||
    month === undefined ||
    dayOfWeek === undefined ||
    year === undefined ||
    fields.length > FIELDS.length
  )
    throw new CronError(
      `has ${expression.trim() === "" ? 0 : fields.length} fields instead of six: ${FIELDS.map(({ name }) => name).join(", ")}`,
    );
  if ((dayOfMonth === "?") === (dayOfWeek === "?"))
    throw new CronError("must have ? in exactly one of day of month and day of week");
  return {
    minutes: valuesOf(minutes, MINUTE),
    hours: valuesOf(hours, HOUR),
    ...(dayOfWeek === "?" ? dayOfMonthMatcher(dayOfMonth) : dayOfWeekMatcher(dayOfWeek)),
    months: valuesOf(month, MONTH),
    years: valuesOf(year, YEAR),
  };
}

function dayOfMonthMatcher(text: string): Pick<Cron, "days" | "weekdays"> {
  const symbol = text.toUpperCase();
  if (symbol === "L") return { days: (day, { days }) => day === days };
  if (symbol === "LW") return { days: (day, month) => day === nearestWeekday(month.days, month) };
  const near = /^(\d+)W$/.exec(symbol)?.[1];
  if (near !== undefined) {
    const wanted = valueOf(near, DAY_OF_MONTH);
    return { days: (day, month) => wanted <= month.days && day === nearestWeekday(wanted, month) };
  }
  const values = valuesOf(text, DAY_OF_MONTH);
  const isDaily = values.size === DAY_OF_MONTH.last;
  return { days: (day) => values.has(day), ...(isDaily && { weekdays: wholeRange(DAY_OF_WEEK) }) };
}

function dayOfWeekMatcher(text: string): Pick<Cron, "days" | "weekdays"> {
  const [, last, weekday, nth] = /^(?:(\w+)L|(\w+)#(\d+))$/i.exec(text) ?? [];
  if (last !== undefined) {
    const wanted = valueOf(last, DAY_OF_WEEK);
    return { days: (day, month) => weekdayOf(day, month) === wanted && day + 7 > month.days };
  }
  if (weekday !== undefined) {
    const wanted = valueOf(weekday, DAY_OF_WEEK);
    const count = Number(nth);
    if (count < 1 || count > 5) throw fieldError(DAY_OF_WEEK, "must be #1 to #5");
    return { days: (day, month) => weekdayOf(day, month) === wanted && Math.ceil(day / 7) === count };
  }
  // L alone is Saturday.
  const values = text.toUpperCase() === "L" ? new Set([DAY_OF_WEEK.last]) : valuesOf(text, DAY_OF_WEEK);
  return { days: (day, month) => values.has(weekdayOf(day, month)), weekdays: values };
}

/** 1 is Sunday. */
function weekdayOf(day: number, { firstWeekday }: Month): number {
  return ((firstWeekday - 1 + day - 1) % 7) + 1;
}

/** Monday to Friday, in the same month. */
function nearestWeekday(day: number, month: Month): number {
  const weekday = weekdayOf(day, month);
  if (weekday === 7) return day === 1 ? 3 : day - 1;
  if (weekday === 1) return day === month.days ? day - 2 : day + 1;
  return day;
}

/** Accepts `*`, `5`, `MON`, `5-9`, `0/15`, `5-30/5` and lists of them. */
function valuesOf(text: string, field: Field): ReadonlySet<number> {
  return new Set(text.split(",").flatMap((part) => [...rangeOf(part, field)]));
}

function rangeOf(part: string, field: Field): ReadonlySet<number> {
  const [, from, to, step] = /^(\*|\w+)(?:-(\w+))?(?:\/(\d+))?$/.exec(part) ?? [];
  if (from === undefined || (from === "*" && to !== undefined)) throw fieldError(field);
  const by = step === undefined ? 1 : Number(step);
  if (by < 1) throw fieldError(field, "the step must be at least 1");
  const first = from === "*" ? field.first : valueOf(from, field);
  const last = to !== undefined ? valueOf(to, field) : from === "*" || step !== undefined ? field.last : first;
  if (last < first) throw fieldError(field, "the range ends before it starts: use two ranges");
  return wholeRange({ first, last }, by);
}

function wholeRange({ first, last }: Pick<Field, "first" | "last">, step = 1): ReadonlySet<number> {
  return new Set(Array.from({ length: Math.floor((last - first) / step) + 1 }, (_, index) => first + index * step));
}

function valueOf(text: string, field: Field): number {
  const named = field.names?.indexOf(text.toUpperCase()) ?? -1;
  const value = named >= 0 ? named + field.first : /^\d+$/.test(text) ? Number(text) : NaN;
  if (!(value >= field.first && value <= field.last)) throw fieldError(field);
  return value;
}

function fieldError({ name, accepts }: Field, reason = `must be ${accepts}`): CronError {
  return new CronError(`has invalid ${name}: ${reason}`);
}

/** The first matching minute that starts at `from` or later. Both are local times as in time-zone.ts. */
function nextMatch(cron: Cron, from: number): number | undefined {
  const start = new Date(Math.ceil(from / MINUTE_MS) * MINUTE_MS);
  for (let year = Math.max(start.getUTCFullYear(), YEAR.first); year <= YEAR.last; year++) {
    if (!cron.years.has(year)) continue;
    for (let month = 1; month <= 12; month++) {
      const begins = Date.UTC(year, month - 1, 1);
      const ends = Date.UTC(year, month, 1);
      if (ends <= start.getTime() || !cron.months.has(month)) continue;
      const shape = { days: (ends - begins) / DAY_MS, firstWeekday: new Date(begins).getUTCDay() + 1 };
      for (let day = 1; day <= shape.days; day++) {
        const midnight = begins + (day - 1) * DAY_MS;
        if (midnight + DAY_MS <= start.getTime() || !cron.days(day, shape)) continue;
        const match = nextInDay(cron, midnight, start.getTime());
        if (match !== undefined) return match;
      }
    }
  }
  return undefined;
}

function nextInDay({ hours, minutes }: Cron, midnight: number, from: number): number | undefined {
  for (let hour = 0; hour <= HOUR.last; hour++) {
    const begins = midnight + hour * HOUR_MS;
    if (begins + HOUR_MS <= from || !hours.has(hour)) continue;
    for (let minute = 0; minute <= MINUTE.last; minute++) {
      const at = begins + minute * MINUTE_MS;
      if (at >= from && minutes.has(minute)) return at;
    }
  }
  return undefined;
}
