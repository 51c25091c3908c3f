import { invalidCronReason, nextCronDue } from "../../../../functions/shared/calendar/cron";
import { isTimeZone } from "../../../../functions/shared/calendar/is-time-zone";
import { sized } from "../../../support/sized";
import fc from "../../../support/fast-check";

/** The first times that an expression is due after a moment. */
function dueAfter(expression: string, timeZone: string, after: string, count = 3): string[] {
  const times: string[] = [];
  for (let due = Date.parse(after); times.length < count;) {
    const next = nextCronDue(expression, timeZone, due);
    if (next === undefined) break;
    times.push(new Date(next).toISOString().replace(":00.000Z", "Z"));
    due = next;
  }
  return times;
}

describe("a cron expression is due", () => {
  const AFTER = "2026-11-21T06:55:30Z"; // a Saturday
  it.each<[string, string, string[]]>([
    ["every day at a time", "0 17 * * ? *", ["2026-11-21T17:00Z", "2026-11-22T17:00Z", "2026-11-23T17:00Z"]],
    ["every minute", "* * * * ? *", ["2026-11-21T06:56Z", "2026-11-21T06:57Z", "2026-11-21T06:58Z"]],
    ["in steps", "0/15 * * * ? *", ["2026-11-21T07:00Z", "2026-11-21T07:15Z", "2026-11-21T07:30Z"]],
    ["in steps from a value", "58/20 7 * * ? *", ["2026-11-21T07:58Z", "2026-11-22T07:58Z", "2026-11-23T07:58Z"]],
    ["in steps of a range", "10-30/10 9 * * ? *", ["2026-11-21T09:10Z", "2026-11-21T09:20Z", "2026-11-21T09:30Z"]],
    ["on weekdays", "0 8 ? * MON-FRI *", ["2026-11-23T08:00Z", "2026-11-24T08:00Z", "2026-11-25T08:00Z"]],
    [
      "on weekdays by number, Sunday first",
      "0 8 ? * 1,7 *",
      ["2026-11-21T08:00Z", "2026-11-22T08:00Z", "2026-11-28T08:00Z"],
    ],
    ["in months by name", "0 0 1 jan,JUL ? *", ["2027-01-01T00:00Z", "2027-07-01T00:00Z", "2028-01-01T00:00Z"]],
    ["on the last day of a month", "0 0 L * ? *", ["2026-11-30T00:00Z", "2026-12-31T00:00Z", "2027-01-31T00:00Z"]],
    ["on the last weekday of a month", "0 0 LW * ? *", ["2026-11-30T00:00Z", "2026-12-31T00:00Z", "2027-01-29T00:00Z"]],
    [
      "on the weekday nearest to a day",
      "0 0 15W * ? *",
      ["2026-12-15T00:00Z", "2027-01-15T00:00Z", "2027-02-15T00:00Z"],
    ],
    [
      "on it, but always in the same month",
      "0 0 1W 5,8 ? *",
      ["2027-05-03T00:00Z", "2027-08-02T00:00Z", "2028-05-01T00:00Z"],
    ],
    ["on the last Friday of a month", "0 12 ? * 6L *", ["2026-11-27T12:00Z", "2026-12-25T12:00Z", "2027-01-29T12:00Z"]],
    ["on the last Friday by name", "0 12 ? * FRIL *", ["2026-11-27T12:00Z", "2026-12-25T12:00Z", "2027-01-29T12:00Z"]],
    ["on the last day of a week", "0 12 ? * L *", ["2026-11-21T12:00Z", "2026-11-28T12:00Z", "2026-12-05T12:00Z"]],
    [
      "on the third Friday of a month",
      "0 12 ? * 6#3 *",
      ["2026-12-18T12:00Z", "2027-01-15T12:00Z", "2027-02-19T12:00Z"],
    ],
    [
      "on a fifth Monday, where there is one",
      "0 12 ? * MON#5 *",
      ["2026-11-30T12:00Z", "2027-03-29T12:00Z", "2027-05-31T12:00Z"],
    ],
    ["in leap years", "0 0 29 2 ? *", ["2028-02-29T00:00Z", "2032-02-29T00:00Z", "2036-02-29T00:00Z"]],
    ["only in the given years", "0 0 1 1 ? 2027-2028", ["2027-01-01T00:00Z", "2028-01-01T00:00Z"]],
    ["never, when its years are in the past", "0 0 1 1 ? 2020", []],
  ])("%s: %s %s", (_, expression, due) => {
    expect(dueAfter(expression, "UTC", AFTER)).toEqual(due);
  });

  it("strictly after the given time", () => {
    expect(dueAfter("0 17 * * ? *", "UTC", "2026-11-21T17:00:00Z", 1)).toEqual(["2026-11-22T17:00Z"]);
    expect(dueAfter("0 17 * * ? *", "UTC", "2026-11-21T16:59:59.999Z", 1)).toEqual(["2026-11-21T17:00Z"]);
  });

  it.each<[string, string, string, string, string[]]>([
    [
      "in local time",
      "0 9 * * ? *",
      "Asia/Kathmandu",
      "2026-11-21T00:00:00Z",
      ["2026-11-21T03:15Z", "2026-11-22T03:15Z"],
    ],
    [
      "at the end of a DST gap",
      "30 2 * * ? *",
      "Europe/Berlin",
      "2026-03-28T12:00:00Z",
      ["2026-03-29T01:00Z", "2026-03-30T00:30Z"],
    ],
    [
      "once, when all its times are skipped",
      "0/5 2 29 3 ? 2026",
      "Europe/Berlin",
      "2026-03-28T12:00:00Z",
      ["2026-03-29T01:00Z"],
    ],
    [
      "once, at a repeated local time",
      "30 2 * * ? *",
      "Europe/Berlin",
      "2026-10-24T12:00:00Z",
      ["2026-10-25T00:30Z", "2026-10-26T01:30Z"],
    ],
    [
      "once, after the first occurrence",
      "30 2 * * ? *",
      "Europe/Berlin",
      "2026-10-25T00:45:00Z",
      ["2026-10-26T01:30Z"],
    ],
    [
      "once, during the second occurrence",
      "30 2 * * ? *",
      "Europe/Berlin",
      "2026-10-25T01:10:00Z",
      ["2026-10-26T01:30Z"],
    ],
    [
      "at a skipped midnight",
      "0 0 * * ? *",
      "America/Santiago",
      "2026-09-05T12:00:00Z",
      ["2026-09-06T04:00Z", "2026-09-07T03:00Z"],
    ],
    [
      "at a transition of half an hour",
      "15 2 * * ? *",
      "Australia/Lord_Howe",
      "2026-10-03T12:00:00Z",
      ["2026-10-03T15:30Z", "2026-10-04T15:15Z"],
    ],
  ])("%s: %s %s", (_, expression, timeZone, after, due) => {
    expect(dueAfter(expression, timeZone, after, due.length)).toEqual(due);
  });
});

describe("an invalid cron expression is rejected with the reason", () => {
  it.each([
    ["0 17 * * *", "has 5 fields instead of six: minutes, hours, day of month, month, day of week, year"],
    ["", "has 0 fields instead of six: minutes, hours, day of month, month, day of week, year"],
    ["60 17 * * ? *", "has invalid minutes: must be 0 to 59"],
    ["0 24 * * ? *", "has invalid hours: must be 0 to 23"],
    ["0 17 * * * *", "must have ? in exactly one of day of month and day of week"],
    ["0 17 ? * ? *", "must have ? in exactly one of day of month and day of week"],
    ["0 17 32 * ? *", "has invalid day of month: must be 1 to 31, ?, L, LW or 15W"],
    ["0 17 0W * ? *", "has invalid day of month: must be 1 to 31, ?, L, LW or 15W"],
    ["0 17 * FEBR ? *", "has invalid month: must be 1 to 12 or JAN to DEC"],
    ["0 17 ? * 0 *", "has invalid day of week: must be 1 to 7 or SUN to SAT (1 is Sunday), ?, L, 6L or 6#3"],
    ["0 17 ? * FRI-MON *", "has invalid day of week: the range ends before it starts: use two ranges"],
    ["0 17 ? * MON#6 *", "has invalid day of week: must be #1 to #5"],
    ["0 17 * * ? 1969", "has invalid year: must be 1970 to 2199"],
    ["*/0 17 * * ? *", "has invalid minutes: the step must be at least 1"],
    ["1-2-3 17 * * ? *", "has invalid minutes: must be 0 to 59"],
    ["? 17 * * ? *", "has invalid minutes: must be 0 to 59"],
    [", 17 * * ? *", "has invalid minutes: must be 0 to 59"],
    ["0 0 30 2 ? *", "has a day that never occurs"],
  ])("%s", (expression, problem) => {
    expect(invalidCronReason(expression)).toBe(problem);
  });

  it("but years in the past are valid", () => {
    expect(invalidCronReason("0 0 1 1 ? 2020")).toBeUndefined();
  });

  it("and never causes any other error", () => {
    const pieces = fc.constantFrom("*", "?", "L", "W", "#", "/", "-", ",", " ", "1", "31", "MON", "x", "2199", "\n");
    fc.assert(
      fc.property(fc.array(pieces, { maxLength: 20 }), (parts) => {
        const expression = parts.join("");
        if (invalidCronReason(expression) === undefined) expect(nextCronDue(expression, "UTC", 0)).not.toBeUndefined();
        else expect(typeof invalidCronReason(expression)).toBe("string");
      }),
    );
  });
});

describe("a time zone", () => {
  it.each(["UTC", "Europe/Berlin", "America/Argentina/Ushuaia", "Etc/GMT+5"])("is known: %s", (name) => {
    expect(isTimeZone(name)).toBe(true);
  });
  it.each(["", "Europe/Atlantis", "+01:00", "Berlin", "Europe/Berlin; DROP"])("is rejected: %s", (name) => {
    expect(isTimeZone(name)).toBe(false);
  });
  it("is looked up once", () => {
    const format = jest.spyOn(Intl, "DateTimeFormat");
    const lookUp = () => [isTimeZone("Asia/Kathmandu"), isTimeZone("Asia/Atlantis"), isTimeZone("Asia/Kathmandu")];
    expect(lookUp()).toEqual([true, false, true]);
    expect(format).toHaveBeenCalledTimes(2);
    format.mockRestore();
  });
});

/** A field of an expression and an independent matcher of its values. */
interface FieldCase {
  readonly text: string;
  readonly means: (value: number, date: Date) => boolean;
}

const anything: FieldCase = { text: "*", means: () => true };

function numbers(first: number, last: number): fc.Arbitrary<FieldCase> {
  const value = fc.integer({ min: first, max: last });
  const one = fc.oneof(
    value.map((n): FieldCase => ({ text: `${n}`, means: (v) => v === n })),
    fc.tuple(value, value).map(([a, b]): FieldCase => {
      const [low, high] = [Math.min(a, b), Math.max(a, b)];
      return { text: `${low}-${high}`, means: (v) => v >= low && v <= high };
    }),
    fc
      .tuple(value, fc.integer({ min: 1, max: 30 }))
      .map(([n, step]): FieldCase => ({ text: `${n}/${step}`, means: (v) => v >= n && (v - n) % step === 0 })),
  );
  const list = fc.array(one, { minLength: 1, maxLength: 3 }).map((parts): FieldCase => ({
    text: parts.map(({ text }) => text).join(","),
    means: (v, date) => parts.some(({ means }) => means(v, date)),
  }));
  return fc.oneof({ weight: 1, arbitrary: fc.constant(anything) }, { weight: 2, arbitrary: list });
}

const dayAfter = (date: Date, days: number) => new Date(date.getTime() + days * 86_400_000);
const isWeekday = (date: Date) => date.getUTCDay() !== 0 && date.getUTCDay() !== 6;
const sameMonth = (a: Date, b: Date) => a.getUTCMonth() === b.getUTCMonth();

/** As in EventBridge's documentation: the weekday of the month nearest to the day. */
function isNearest(day: number, date: Date): boolean {
  const first = Date.UTC(date.getUTCFullYear(), date.getUTCMonth(), 1);
  const wanted = dayAfter(new Date(first), day - 1);
  if (!sameMonth(wanted, date)) return false;
  const candidates = [-2, -1, 0, 1, 2]
    .map((days) => dayAfter(wanted, days))
    .filter((d) => isWeekday(d) && sameMonth(d, date));
  const nearest = candidates.sort((a, b) => Math.abs(+a - +wanted) - Math.abs(+b - +wanted))[0];
  return nearest?.getUTCDate() === date.getUTCDate();
}

/** Both fields of the day, one of them "?". */
const days: fc.Arbitrary<readonly [dayOfMonth: string, dayOfWeek: string, means: (date: Date) => boolean]> = fc.oneof(
  numbers(1, 31).map(({ text, means }) => [text, "?", (d: Date) => means(d.getUTCDate(), d)] as const),
  numbers(1, 7).map(({ text, means }) => ["?", text, (d: Date) => means(d.getUTCDay() + 1, d)] as const),
  fc.constant(["L", "?", (d: Date) => !sameMonth(d, dayAfter(d, 1))] as const),
  fc.integer({ min: 1, max: 31 }).map((n) => [`${n}W`, "?", (d: Date) => isNearest(n, d)] as const),
  fc
    .integer({ min: 1, max: 7 })
    .map((n) => ["?", `${n}L`, (d: Date) => d.getUTCDay() + 1 === n && !sameMonth(d, dayAfter(d, 7))] as const),
  fc
    .tuple(fc.integer({ min: 1, max: 7 }), fc.integer({ min: 1, max: 5 }))
    .map(
      ([n, k]) =>
        [
          "?",
          `${n}#${k}`,
          (d: Date) =>
            d.getUTCDay() + 1 === n &&
            (k === 1 || sameMonth(d, dayAfter(d, -7 * (k - 1)))) &&
            !sameMonth(d, dayAfter(d, -7 * k)),
        ] as const,
    ),
);

const crons = fc
  .tuple(numbers(0, 59), numbers(0, 23), days, numbers(1, 12))
  .map(([minute, hour, [dom, dow, day], month]) => ({
    expression: `${minute.text} ${hour.text} ${dom} ${month.text} ${dow} *`,
    /** @param local as in time-zone.ts */
    matches: (local: number) => {
      const date = new Date(local);
      return (
        minute.means(date.getUTCMinutes(), date) &&
        hour.means(date.getUTCHours(), date) &&
        month.means(date.getUTCMonth() + 1, date) &&
        day(date)
      );
    },
  }));

/** Days with and without DST transitions. */
const PLACES = [
  ["UTC", "2026-11-20T00:00Z"],
  ["Europe/Berlin", "2026-03-28T12:00Z"],
  ["Europe/Berlin", "2026-10-24T12:00Z"],
  ["America/New_York", "2027-03-13T18:00Z"],
  ["America/New_York", "2026-10-31T18:00Z"],
  ["America/Santiago", "2026-09-05T18:00Z"],
  ["America/Santiago", "2026-04-04T18:00Z"],
  ["Australia/Lord_Howe", "2026-10-03T06:00Z"],
  ["Australia/Lord_Howe", "2027-04-03T06:00Z"],
  ["Africa/Casablanca", "2027-02-06T18:00Z"],
  ["Asia/Kolkata", "2026-12-30T18:00Z"],
] as const;

describe("due times, compared with every minute of two days", () => {
  /** Each minute with the latest local time up to its start, computed with another date format. */
  function walk(timeZone: string, from: number): readonly (readonly [at: number, shown: number])[] {
    const clock = new Intl.DateTimeFormat("sv-SE", { timeZone, dateStyle: "short", timeStyle: "medium" });
    let latest = -Infinity;
    return Array.from({ length: 2 * 1440 }, (_, minute) => {
      const at = from + minute * 60_000;
      latest = Math.max(latest, Date.parse(`${clock.format(at).replace(" ", "T")}Z`));
      return [at, latest] as const;
    });
  }

  it.each(PLACES)("in %s from %s on", (timeZone, start) => {
    const from = Date.parse(start);
    const minutes = walk(timeZone, from);
    fc.assert(
      fc.property(crons, ({ expression, matches }) => {
        const expected: number[] = [];
        for (let index = 1; index < minutes.length; index++) {
          const [, before = 0] = minutes[index - 1] ?? [];
          const [at = 0, shown = 0] = minutes[index] ?? [];
          for (let local = before + 60_000; local <= shown; local += 60_000)
            if (matches(local)) {
              expected.push(at);
              break;
            }
        }
        const due: number[] = [];
        for (let at: number | undefined = from; ;) {
          at = nextCronDue(expression, timeZone, at);
          if (at === undefined || at >= from + 2 * 86_400_000) break;
          due.push(at);
        }
        expect(due).toEqual(expected);
        // From any moment, not only from a due time: a timer is put, or its window begins, in an hour that repeats.
        let next = expected.length - 1;
        for (let at = from + 2 * 86_400_000 - 1; at >= from; at -= 7 * 60_000) {
          while ((expected[next - 1] ?? -Infinity) > at) next -= 1;
          const following = expected[next];
          if (following !== undefined && following > at) expect(nextCronDue(expression, timeZone, at)).toBe(following);
        }
      }),
      { numRuns: sized(6, 60) },
    );
  });
});
