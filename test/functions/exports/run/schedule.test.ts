import { granularityOf } from "../../../../functions/exports/contract";
import { dueOf, dueOfEvent, isLate, missedDues, nextDue, slotOf } from "../../../../functions/exports/run/schedule";
import { DAY_MS } from "../../../../functions/shared/time";
import { utcRule } from "../../../../modules/exports/utc-rule";
import fc from "../../../support/fast-check";

const utc = (expression: string) => ({ expression, timeZone: "UTC" });
const at = (time: string): number => Date.parse(time);
const HOURLY = utc("rate(1 hour)");

describe("a schedule", () => {
  it.each([
    ["rate(1 day)", "day"],
    ["rate(7 days)", "day"],
    ["rate(1 hour)", "hour"],
    ["rate(120 minutes)", "hour"],
    ["rate(15 minutes)", "minute"],
    ["rate(90 minutes)", "minute"],
    ["cron(0 17 * * ? *)", "day"],
    ["cron(0 8,17 * * ? *)", "hour"],
    ["cron(30 * * * ? *)", "hour"],
    ["cron(0/15 * * * ? *)", "minute"],
  ])("%s files runs by %s", (expression, granularity) => {
    expect(granularityOf(expression)).toBe(granularity);
  });

  it.each([
    ["rate(1 hour)", "UTC", "2026-11-21T17:03:27Z", { day: "2026-11-21", time: "17" }],
    ["rate(15 minutes)", "UTC", "2026-11-21T17:31:00Z", { day: "2026-11-21", time: "17:30" }],
    ["cron(0/15 * * * ? *)", "UTC", "2026-11-21T17:45:10Z", { day: "2026-11-21", time: "17:45" }],
    ["cron(0 17 * * ? *)", "UTC", "2026-11-21T17:00:00Z", { day: "2026-11-21" }],
    ["cron(30 0 * * ? *)", "Europe/Berlin", "2026-11-20T23:30:00Z", { day: "2026-11-21" }],
    ["cron(0 3 * * ? *)", "Asia/Tokyo", "2026-11-20T18:00:00Z", { day: "2026-11-21" }],
  ])("%s in %s has at %s the slot %j", (expression, timeZone, time, slot) => {
    expect(slotOf(at(time), { expression, timeZone })).toEqual(slot);
  });

  it("of days in any time zone has a day of its own for each run", () => {
    fc.assert(
      fc.property(
        fc.constantFrom("Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Tokyo", "UTC"),
        fc.integer({ min: 0, max: 23 }),
        fc.integer({ min: 0, max: 59 }),
        fc.integer({ min: at("2026-01-01T00:00:00Z"), max: at("2027-01-01T00:00:00Z") }),
        (timeZone, hour, minute, start) => {
          const schedule = { expression: `cron(${minute} ${hour} * * ? *)`, timeZone };
          const days: string[] = [];
          for (let due = start; days.length < 5;) {
            due = nextDue(schedule, due) ?? NaN;
            days.push(slotOf(due, schedule).day);
          }
          expect(new Set(days).size).toBe(5);
        },
      ),
      { numRuns: 200 },
    );
  });

  it.each([
    // Both days on which the clock changes.
    ["cron(30 2 * * ? *)", "Europe/Berlin", "2026-03-28T12:00:00Z"],
    ["cron(30 2 * * ? *)", "Europe/Berlin", "2026-10-24T12:00:00Z"],
    ["cron(15 2,17 * * ? *)", "America/New_York", "2026-03-07T12:00:00Z"],
    ["cron(0/20 2 * * ? *)", "Australia/Lord_Howe", "2026-10-03T00:00:00Z"],
    ["cron(0 0 ? * MON *)", "Asia/Kolkata", "2026-11-20T00:00:00Z"],
    ["cron(45 23 1 * ? *)", "Pacific/Chatham", "2026-09-20T00:00:00Z"],
  ])("%s in %s is started at each due time by an event of its rule", (expression, timeZone, from) => {
    const schedule = { expression, timeZone };
    const rule = { expression: utcRule(expression, timeZone), timeZone: "UTC" };
    const until = at(from) + 20 * DAY_MS;
    const timesOf = (of: typeof rule): readonly number[] => {
      const times: number[] = [];
      for (let due = nextDue(of, at(from)); due !== undefined && due <= until; due = nextDue(of, due)) times.push(due);
      return times;
    };
    const expected = timesOf(schedule);
    expect(expected.length).toBeGreaterThan(0);
    const started = new Set(timesOf(rule).map((event) => dueOfEvent(event, schedule)));
    for (const due of expected.slice(0, -1)) expect([...started]).toContain(due);
    started.delete(undefined);
    for (const due of started) expect(due === undefined || due < at(from) || expected.includes(due)).toBe(true);
  });

  it("has missed runs between the last one and the next, oldest first, and no more than can be caught up", () => {
    const missed = missedDues(HOURLY, at("2026-11-21T13:00:00Z"), at("2026-11-21T17:00:00Z"));
    expect(missed.map((due) => new Date(due).getUTCHours())).toEqual([14, 15, 16]);
    expect(missedDues(HOURLY, at("2026-11-21T16:00:00Z"), at("2026-11-21T17:00:00Z"))).toEqual([]);
    expect(missedDues(utc("rate(15 minutes)"), at("2026-01-01T00:00:00Z"), at("2026-11-21T17:00:00Z"))).toHaveLength(
      96,
    );
    expect(missedDues(utc("rate(1 day)"), at("2026-11-01T09:00:00Z"), at("2026-11-21T09:01:00Z"))).toEqual([]);
  });

  it("of a rate is due at multiples of it, however late its events are", () => {
    expect(dueOf(at("2026-11-21T17:59:59Z"), HOURLY)).toBe(at("2026-11-21T17:00:00Z"));
    expect(dueOf(at("2026-11-21T09:01:27Z"), utc("rate(1 day)"))).toBe(at("2026-11-21T09:01:00Z"));
  });

  it("is late after half the time to the next run, at least a quarter of an hour", () => {
    const every = utc("rate(10 minutes)");
    expect(isLate(every, at("2026-11-21T17:00:00Z"), at("2026-11-21T17:24:59Z"))).toBe(false);
    expect(isLate(every, at("2026-11-21T17:00:00Z"), at("2026-11-21T17:25:00Z"))).toBe(true);
    const hours = utc("rate(4 hours)");
    expect(isLate(hours, at("2026-11-21T12:00:00Z"), at("2026-11-21T17:59:59Z"))).toBe(false);
    expect(isLate(hours, at("2026-11-21T12:00:00Z"), at("2026-11-21T18:00:00Z"))).toBe(true);
  });
});

describe("the rule of a schedule", () => {
  it.each([
    ["rate(1 minute)", "UTC", "cron(* * * * ? *)"],
    ["rate(15 minutes)", "UTC", "cron(0/15 * * * ? *)"],
    ["rate(1 hour)", "UTC", "cron(0 * * * ? *)"],
    ["rate(6 hours)", "UTC", "cron(0 0/6 * * ? *)"],
    ["rate(7 minutes)", "UTC", "rate(7 minutes)"],
    ["rate(1 day)", "UTC", "rate(1 day)"],
    ["cron(0 17 ? * MON *)", "UTC", "cron(0 17 ? * MON *)"],
    ["cron(0 17 ? * MON *)", "Europe/Berlin", "cron(0 15,16 * * ? *)"],
    ["cron(30 0 1 * ? *)", "Asia/Kolkata", "cron(0 19 * * ? *)"],
    ["cron(0 2 * * ? *)", "Australia/Lord_Howe", "cron(0,30 15 * * ? *)"],
  ])("%s in %s is %s", (expression, timeZone, rule) => {
    expect(utcRule(expression, timeZone)).toBe(rule);
  });

  it("fires whenever an expression is due in its time zone", () => {
    fc.assert(
      fc.property(
        fc.constantFrom(
          "Europe/Berlin",
          "America/St_Johns",
          "Australia/Lord_Howe",
          "Pacific/Chatham",
          "America/New_York",
        ),
        fc.constantFrom("0 17 * * ? *", "0/20 8-10 ? * MON-FRI *", "15,45 2 * * ? *", "* 23 L * ? *", "5 0/6 1W * ? *"),
        fc.integer({ min: at("2026-01-01T00:00:00Z"), max: at("2027-06-01T00:00:00Z") }),
        (timeZone, cron, start) => {
          const due = nextDue({ expression: `cron(${cron})`, timeZone }, start) ?? NaN;
          const rule = { expression: utcRule(`cron(${cron})`, timeZone), timeZone: "UTC" };
          // A time that the clock skips is due at the end of the gap, which may be at another minute.
          if (!cron.includes(" 2 ")) expect(nextDue(rule, due - 1)).toBe(due);
        },
      ),
      { numRuns: 300 },
    );
  });
});
