/** Counts the runs of a schedule. */

export const DAYS_A_MONTH = 30;
const MINUTES_A_MONTH = DAYS_A_MONTH * 24 * 60;
const UNIT_MINUTES: Readonly<Record<string, number>> = { minute: 1, hour: 60, day: 24 * 60 };

/** Runs a month of `rate(5 minutes)`, `cron(0 17 * * ? *)` or `at(...)`, which runs once. Undefined: not a schedule. */
export function runsAMonth(expression: string): number | undefined {
  const [, kind, inside = ""] = /^(rate|cron|at)\((.*)\)$/.exec(expression.trim()) ?? [];
  if (kind === "at") return 1;
  if (kind === "rate") {
    const [, count, unit = ""] = /^(\d+) (minute|hour|day)s?$/.exec(inside) ?? [];
    const minutes = Number(count) * (UNIT_MINUTES[unit] ?? Number.NaN);
    return minutes > 0 ? MINUTES_A_MONTH / minutes : undefined;
  }
  if (kind !== "cron") return undefined;
  const [minute = "", hour = "", dayOfMonth = "", month = "", dayOfWeek = ""] = inside.split(/\s+/);
  const days = isAny(dayOfMonth)
    ? isAny(dayOfWeek)
      ? DAYS_A_MONTH
      : (countOf(dayOfWeek, 7) * DAYS_A_MONTH) / 7
    : countOf(dayOfMonth, 31);
  const runs = (countOf(minute, 60) * countOf(hour, 24) * days * countOf(month, 12)) / 12;
  return Number.isFinite(runs) ? runs : undefined;
}

/** One element of a field: numbers, names of days and months, L, W and #. */
const PART = /^(\*|(\d+|[A-Z]{3})(-(\d+|[A-Z]{3}))?|\d*[LW]{1,2}|(\d|[A-Z]{3})#\d)(\/\d+)?$/i;

const isAny = (field: string) => field === "*" || field === "?";

/** How many of `size` values a cron field matches: `*`, `5`, `1-5`, `MON-FRI`, `0/15`, or a list of these. */
function countOf(field: string, size: number): number {
  if (isAny(field)) return size;
  return field.split(",").reduce((count, part) => {
    if (!PART.test(part)) return Number.NaN;
    const [range = "", step = "1"] = part.split("/");
    const [from = "", to] = range.split("-").map(ordinal);
    if (to !== undefined) return count + Math.floor((Number(to) - Number(from)) / Number(step)) + 1;
    if (!part.includes("/")) return count + 1;
    return count + Math.ceil((size - (range === "*" ? 0 : Number(from))) / Number(step));
  }, 0);
}

const NAMES = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];

function ordinal(name: string): string {
  const day = NAMES.indexOf(name.toUpperCase());
  return day === -1 ? name : String(day + 1);
}
