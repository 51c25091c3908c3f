/** Cron expressions as EventBridge writes them, in any time zone. Pure but for the time zones that Node knows. */
import { DAY_MS, HOUR_MS, MINUTE_MS } from "../../shared/time";
import { localTime, startOf } from "./time-zone";

/** An expression that is none. The message says which field is wrong, and why. */
export class CronError extends Error {
  override readonly name = "CronError";
}

/**
 * The first time after `after` (epoch milliseconds) that a cron expression of EventBridge's six fields (`0 17 * * ? *`) is due in
 * an IANA time zone, or undefined when there is none. Times that a clock skips in spring are due when it goes on; those that it shows
 * twice in autumn are due once, the first time.
 *
 * @throws {@link CronError}; RangeError for a time zone that there is not
 */
export function nextCronDue(expression: string, timeZone: string, after: number): number | undefined {
  const next = nextMatch(parsedCron(expression), localTime(after, timeZone) + 1);
  return next === undefined ? undefined : startOf(next, timeZone);
}

/**
 * Why an expression is none, or undefined. It is none either when its day never comes (`0 0 30 2 ? *`), but that its years are over
 * is not its fault.
 */
export function cronProblem(expression: string): string | undefined {
  try {
    const cron = parseCron(expression);
    return nextMatch({ ...cron, years: wholeRange(YEAR) }, 0) === undefined ? "has a day that never comes" : undefined;
  } catch (error) {
    if (error instanceof CronError) return error.message;
    throw error;
  }
}

/** Which minutes of the local calendar an expression means. */
interface Cron {
  readonly minutes: ReadonlySet<number>;
  readonly hours: ReadonlySet<number>;
  readonly days: DayRule;
  readonly months: ReadonlySet<number>;
  readonly years: ReadonlySet<number>;
}

interface Month {
  readonly days: number;
  /** Of its first day; 1 is Sunday. */
  readonly firstWeekday: number;
}

/** Whether a day (1 to 31) of a month is meant. */
type DayRule = (day: number, month: Month) => boolean;

interface Field {
  readonly name: string;
  readonly first: number;
  readonly last: number;
  /** Of the values, from the first on. */
  readonly names?: readonly string[];
  /** What it takes, for people. */
  readonly takes: string;
}

const MINUTE: Field = { name: "minutes", first: 0, last: 59, takes: "0 to 59" };
const HOUR: Field = { name: "hours", first: 0, last: 23, takes: "0 to 23" };
const DAY_OF_MONTH: Field = { name: "day of month", first: 1, last: 31, takes: "1 to 31, ?, L, LW or 15W" };
const MONTH: Field = {
  name: "month",
  first: 1,
  last: 12,
  names: ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"],
  takes: "1 to 12 or JAN to DEC",
};
const DAY_OF_WEEK: Field = {
  name: "day of week",
  first: 1,
  last: 7,
  names: ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"],
  takes: "1 to 7 or SUN to SAT (1 is Sunday), ?, L, 6L or 6#3",
};
const YEAR: Field = { name: "year", first: 1970, last: 2199, takes: "1970 to 2199" };
const FIELDS = [MINUTE, HOUR, DAY_OF_MONTH, MONTH, DAY_OF_WEEK, YEAR];

/** A dispatcher asks for the same few expressions again and again. */
const REMEMBERED_EXPRESSIONS = 1_000;
const remembered = new Map<string, Cron>();

function parsedCron(expression: string): Cron {
  let cron = remembered.get(expression);
  if (cron === undefined) {
    cron = parseCron(expression);
    if (remembered.size >= REMEMBERED_EXPRESSIONS) remembered.clear();
    remembered.set(expression, cron);
  }
  return cron;
}

/** @throws {@link CronError} */
function parseCron(expression: string): Cron {
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
      `has ${expression.trim() === "" ? 0 : fields.length} fields, not the six of ${FIELDS.map(({ name }) => name).join(", ")}`,
    );
  if ((dayOfMonth === "?") === (dayOfWeek === "?"))
    throw new CronError("must have ? in one of day of month and day of week, and in one only");
  return {
    minutes: valuesOf(minutes, MINUTE),
    hours: valuesOf(hours, HOUR),
    days: dayOfWeek === "?" ? dayOfMonthRule(dayOfMonth) : dayOfWeekRule(dayOfWeek),
    months: valuesOf(month, MONTH),
    years: valuesOf(year, YEAR),
  };
}

function dayOfMonthRule(text: string): DayRule {
  const symbol = text.toUpperCase();
  if (symbol === "L") return (day, { days }) => day === days;
  if (symbol === "LW") return (day, month) => day === nearestWeekday(month.days, month);
  const near = /^(\d+)W$/.exec(symbol)?.[1];
  if (near !== undefined) {
    const wanted = valueOf(near, DAY_OF_MONTH);
    return (day, month) => wanted <= month.days && day === nearestWeekday(wanted, month);
  }
  const values = valuesOf(text, DAY_OF_MONTH);
  return (day) => values.has(day);
}

function dayOfWeekRule(text: string): DayRule {
  const [, last, weekday, nth] = /^(?:(\w+)L|(\w+)#(\d+))$/i.exec(text) ?? [];
  if (last !== undefined) {
    const wanted = valueOf(last, DAY_OF_WEEK);
    return (day, month) => weekdayOf(day, month) === wanted && day + 7 > month.days;
  }
  if (weekday !== undefined) {
    const wanted = valueOf(weekday, DAY_OF_WEEK);
    const count = Number(nth);
    if (count < 1 || count > 5) throw fieldError(DAY_OF_WEEK, text, "a month has no more than five weeks: #1 to #5");
    return (day, month) => weekdayOf(day, month) === wanted && Math.ceil(day / 7) === count;
  }
  // By itself L is the last day of the week.
  const values = text.toUpperCase() === "L" ? new Set([DAY_OF_WEEK.last]) : valuesOf(text, DAY_OF_WEEK);
  return (day, month) => values.has(weekdayOf(day, month));
}

/** 1 is Sunday. */
function weekdayOf(day: number, { firstWeekday }: Month): number {
  return ((firstWeekday - 1 + day - 1) % 7) + 1;
}

/** Monday to Friday, never in another month. */
function nearestWeekday(day: number, month: Month): number {
  const weekday = weekdayOf(day, month);
  if (weekday === 7) return day === 1 ? 3 : day - 1;
  if (weekday === 1) return day === month.days ? day - 2 : day + 1;
  return day;
}

/** Of `*`, `5`, `MON`, `5-9`, `0/15`, `5-30/5` and lists of them. */
function valuesOf(text: string, field: Field): ReadonlySet<number> {
  return new Set(text.split(",").flatMap((part) => [...rangeOf(part, field)]));
}

function rangeOf(part: string, field: Field): ReadonlySet<number> {
  const [, from, to, step] = /^(\*|\w+)(?:-(\w+))?(?:\/(\d+))?$/.exec(part) ?? [];
  if (from === undefined || (from === "*" && to !== undefined)) throw fieldError(field, part);
  const by = step === undefined ? 1 : Number(step);
  if (by < 1) throw fieldError(field, part, "a step is 1 or more");
  const first = from === "*" ? field.first : valueOf(from, field);
  const last = to !== undefined ? valueOf(to, field) : from === "*" || step !== undefined ? field.last : first;
  if (last < first) throw fieldError(field, part, "it ends before it begins: write two ranges");
  return wholeRange({ first, last }, by);
}

function wholeRange({ first, last }: Pick<Field, "first" | "last">, step = 1): ReadonlySet<number> {
  return new Set(Array.from({ length: Math.floor((last - first) / step) + 1 }, (_, index) => first + index * step));
}

function valueOf(text: string, field: Field): number {
  const named = field.names?.indexOf(text.toUpperCase()) ?? -1;
  const value = named >= 0 ? named + field.first : /^\d+$/.test(text) ? Number(text) : NaN;
  if (!(value >= field.first && value <= field.last)) throw fieldError(field, text);
  return value;
}

function fieldError({ name, takes }: Field, text: string, reason = `it takes ${takes}`): CronError {
  return new CronError(`has "${text.slice(0, 20)}" in its ${name}: ${reason}`);
}

/** The first minute that matches, of those that begin at `from` or later. Both are local times, written as if they were UTC's. */
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
