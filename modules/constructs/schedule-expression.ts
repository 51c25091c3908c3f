/**
 * Validates EventBridge schedule expressions at synth. EventBridge would refuse an invalid one during `terraform apply`.
 * https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-scheduled-rule-pattern.html
 */
import { z } from "zod";

const MONTHS = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];
const WEEKDAYS = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];

interface Field {
  readonly name: string;
  readonly min: number;
  readonly max: number;
  /** Names of the values, starting with `min`. */
  readonly names?: readonly string[];
  /** Special characters in place of a number. */
  readonly special?: RegExp;
}

const FIELDS: readonly Field[] = [
  { name: "minutes", min: 0, max: 59 },
  { name: "hours", min: 0, max: 23 },
  { name: "day of month", min: 1, max: 31, special: /^(\?|L|LW|([1-9]|[12]\d|3[01])W)$/ },
  { name: "month", min: 1, max: 12, names: MONTHS },
  {
    name: "day of week",
    min: 1,
    max: 7,
    names: WEEKDAYS,
    special: /^(\?|L|[1-7]L|([1-7]|SUN|MON|TUE|WED|THU|FRI|SAT)#[1-5])$/,
  },
  { name: "year", min: 1970, max: 2199 },
];

/** The problem with a schedule expression; undefined when it is valid. */
export function scheduleProblem(expression: string): string | undefined {
  const [, kind, argument] = /^(rate|cron)\((.*)\)$/.exec(expression) ?? [];
  if (argument === undefined) return 'is neither "rate(...)" nor "cron(...)"';
  return kind === "rate" ? rateProblem(argument) : cronProblem(argument);
}

/** A schedule expression in a configuration. */
export const scheduleSchema = z.string().superRefine((expression, context) => {
  const problem = scheduleProblem(expression);
  if (problem !== undefined) context.addIssue({ code: "custom", message: problem, input: expression });
});

/** The interval of a valid `rate(...)`; undefined for a `cron(...)`, whose intervals differ. */
export function minutesOf(expression: string): number | undefined {
  const [, value, unit] = /^rate\((\d+) (minute|hour|day)/.exec(expression) ?? [];
  const minutes = { minute: 1, hour: 60, day: 1440 }[unit ?? ""];
  return minutes === undefined ? undefined : Number(value) * minutes;
}

function rateProblem(argument: string): string | undefined {
  const [, value, unit, plural] = /^([1-9]\d*) (minute|hour|day)(s?)$/.exec(argument) ?? [];
  if (value === undefined) return 'is not "rate(<number> minutes)", "rate(<number> hours)" or "rate(<number> days)"';
  if ((value === "1") === (plural === "s"))
    return `needs "${value} ${unit ?? ""}${value === "1" ? "" : "s"}", as EventBridge requires`;
  return undefined;
}

function cronProblem(argument: string): string | undefined {
  const parts = argument.split(/ +/);
  if (parts.length !== FIELDS.length) {
    return `has ${parts.length} fields, but cron takes six: ${FIELDS.map(({ name }) => name).join(", ")}`;
  }
  for (const [index, field] of FIELDS.entries()) {
    const part = parts[index] ?? "";
    if (!part.split(",").every((item) => isItem(item, field)))
      return `has the invalid ${field.name} ${JSON.stringify(part)}`;
  }
  if ((parts[2] === "?") === (parts[4] === "?")) return 'needs "?" for exactly one of day of month and day of week';
  return undefined;
}

/** An item of a field's list: `*`, `5`, `MON-FRI`, `0/15`, `10-20/2` or special characters. */
function isItem(item: string, field: Field): boolean {
  if (field.special?.test(item) === true) return true;
  const [, from, to, step] = /^(\*|\w+)(?:-(\w+))?(?:\/(\d+))?$/.exec(item) ?? [];
  if (from === undefined || (from === "*" && to !== undefined) || step === "0") return false;
  const first = from === "*" ? field.min : valueOf(from, field);
  const last = to === undefined ? first : valueOf(to, field);
  return first !== undefined && last !== undefined && first <= last;
}

function valueOf(text: string, { min, max, names }: Field): number | undefined {
  const named = names?.indexOf(text.toUpperCase()) ?? -1;
  const value = named >= 0 ? named + min : /^\d+$/.test(text) ? Number(text) : NaN;
  return value >= min && value <= max ? value : undefined;
}
