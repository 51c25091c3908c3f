import {
  nextDue,
  TIMING_WHEEL_PERIODS_MS,
  wheelPeriod,
  type Schedule,
} from "../../../../functions/timers/schedule/schedule";
import fc from "../../../support/fast-check";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const cron = (expression: string, timeZone = "UTC"): Schedule => ({ kind: "cron", expression, timeZone });

describe("a cron schedule on the timing wheel", () => {
  it.each<[string, number | undefined]>([
    ["* * * * ? *", MINUTE],
    ["0/5 * * * ? *", 5 * MINUTE],
    ["3/20 * * * ? *", 20 * MINUTE],
    ["17 * * * ? *", HOUR],
    ["17 0/6 * * ? *", 6 * HOUR],
    ["0 9,17 * * ? *", 8 * HOUR],
    ["0 9 * * ? *", DAY],
    ["0 9 ? * * *", DAY],
    ["0 9 ? * MON-FRI *", DAY],
    ["0 9 ? * MON *", 7 * DAY],
    ["*/7 * * * ? *", MINUTE],
    ["5,6,40 * * * ? *", undefined],
    ["0 9 1 * ? *", undefined],
    ["0 9 L * ? *", undefined],
    ["0 9 ? * 6#3 *", undefined],
    ["0 9 ? * 6L *", undefined],
    ["0 9 * JAN ? *", undefined],
    ["0 9 * * ? 2027", undefined],
  ])("turns with its period: %s", (expression, period) => {
    expect(wheelPeriod(cron(expression))).toBe(period);
  });

  it("has all its due times at one phase, in any zone, while the offset does not change", () => {
    const field = (last: number) =>
      fc.oneof(
        fc.constant("*"),
        fc.integer({ min: 0, max: last }).map(String),
        fc.integer({ min: 1, max: last }).map((step) => `*/${step}`),
        fc.array(fc.integer({ min: 0, max: last }), { minLength: 1, maxLength: 4 }).map(String),
      );
    const weekday = fc.constantFrom("*", "MON-FRI", "MON", "SAT,SUN", "2,4,6");
    fc.assert(
      fc.property(
        field(59),
        field(23),
        weekday,
        fc.constantFrom("UTC", "Europe/Berlin", "Asia/Kathmandu"),
        // Without a change of an offset.
        fc.integer({ min: Date.UTC(2026, 4, 1), max: Date.UTC(2026, 7, 1) }),
        (minutes, hours, weekdays, timeZone, from) => {
          const schedule = cron(`${minutes} ${hours} ? * ${weekdays} *`, timeZone);
          const period = wheelPeriod(schedule);
          if (period === undefined) return;
          expect(TIMING_WHEEL_PERIODS_MS).toContain(period);
          const phases = new Set<number>();
          for (
            let at = nextDue(schedule, from), count = 0;
            at !== undefined && at < Date.UTC(2026, 9, 1) && count < 40;
            count++
          ) {
            phases.add(at % period);
            at = nextDue(schedule, at);
          }
          expect(phases.size).toBe(1);
        },
      ),
    );
  });

  it("is found again at every instant: what is remembered is what is computed", () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 0, max: 4 * DAY }), { minLength: 2, maxLength: 30, size: "max" }),
        (instants) => {
          const begin = Date.UTC(2026, 9, 23);
          // Each expression computes anew: a leading zero makes it another text.
          for (const [index, instant] of instants.entries())
            expect(nextDue(cron("*/20 1-3 ? * * *", "Europe/Berlin"), begin + instant)).toBe(
              nextDue(cron(`*/20 ${"0".repeat(index % 3)}1-3 ? * * *`, "Europe/Berlin"), begin + instant),
            );
        },
      ),
    );
  });
});
