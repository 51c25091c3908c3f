/** The EventBridge rule of an export's schedule. Rules know UTC only. */
const MINUTES_A_DAY = 1_440;

/**
 * When the rule fires. Rates that divide an hour or a day fire at its multiples, so that each run has the window that has just ended. In a time
 * zone, the rule fires at all the times in UTC at which an expression can be due there, every day; the function starts exports only when they
 * are. So the zone's own changes of the clock need no change of the rule, and no service but EventBridge's rules.
 */
export function utcRule(expression: string, timeZone: string): string {
  const [, count, unit] = /^rate\((\d+) (minute|hour)s?\)$/.exec(expression) ?? [];
  if (unit === "minute" && 60 % Number(count) === 0) return `cron(${count === "1" ? "*" : `0/${count}`} * * * ? *)`;
  if (unit === "hour" && 24 % Number(count) === 0) return `cron(0 ${count === "1" ? "*" : `0/${count}`} * * ? *)`;
  const [minutes, hours] = expression.replace(/^cron\(/, "").split(/ +/);
  if (timeZone === "UTC" || minutes === undefined || hours === undefined || expression.startsWith("rate"))
    return expression;
  const times = valuesOf(hours, 24).flatMap((hour) => valuesOf(minutes, 60).map((minute) => hour * 60 + minute));
  const inUtc = offsetsOf(timeZone).flatMap((offset) =>
    times.map((time) => (time - offset + 2 * MINUTES_A_DAY) % MINUTES_A_DAY),
  );
  const list = (values: readonly number[]): string => [...new Set(values)].sort((a, b) => a - b).join(",");
  return `cron(${list(inUtc.map((time) => time % 60))} ${list(inUtc.map((time) => Math.floor(time / 60)))} * * ? *)`;
}

/** Of a field that is valid: `*`, `5`, `5-9`, `0/15`, `5-30/5` and lists of them. */
function valuesOf(field: string, end: number): readonly number[] {
  return field.split(",").flatMap((part) => {
    const [, from = "*", to, step] = /^(\*|\d+)(?:-(\d+))?(?:\/(\d+))?$/.exec(part) ?? [];
    const first = from === "*" ? 0 : Number(from);
    const last = to !== undefined ? Number(to) : from === "*" || step !== undefined ? end - 1 : first;
    const by = Number(step ?? 1);
    return Array.from({ length: Math.floor((last - first) / by) + 1 }, (_, index) => first + index * by);
  });
}

/** The zone's offsets from UTC in these years, in minutes: of each week, so that none is missed. */
function offsetsOf(timeZone: string): readonly number[] {
  const format = new Intl.DateTimeFormat("en", { timeZone, timeZoneName: "longOffset" });
  const week = 7 * MINUTES_A_DAY * 60_000;
  const now = Date.UTC(2026, 0, 1);
  const offsets = Array.from({ length: 2 * 53 }, (_, index) => {
    const name = format.formatToParts(now + index * week).find(({ type }) => type === "timeZoneName")?.value ?? "";
    const [, sign, hours = "0", minutes = "0"] = /GMT(?:([+-])(\d+):(\d+))?/.exec(name) ?? [];
    return (sign === "-" ? -1 : 1) * (Number(hours) * 60 + Number(minutes));
  });
  return [...new Set(offsets)];
}
