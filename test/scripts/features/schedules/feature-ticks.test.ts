import { nextTick } from "../../../../scripts/features/schedules/feature-ticks";

const at = Date.parse;
const next = (schedule: string, last: string | undefined, timeZone = "UTC") => {
  const due = nextTick({ schedule, timeZone }, last === undefined ? undefined : at(last), at("2026-11-21T17:04:00Z"));
  return due === undefined ? undefined : new Date(due).toISOString().slice(0, 16);
};

describe("the next tick of a rule", () => {
  it("is a whole number of intervals after the last one, for a rate", () => {
    expect(next("rate(5 minutes)", "2026-11-21T17:02:00Z")).toBe("2026-11-21T17:07");
    expect(next("rate(5 minutes)", "2026-11-21T16:32:00Z")).toBe("2026-11-21T17:07");
  });

  it("is not known for a rate without a run", () => {
    expect(next("rate(5 minutes)", undefined)).toBeUndefined();
  });

  it("is that of the cron in its time zone", () => {
    expect(next("cron(0 17 * * ? *)", undefined)).toBe("2026-11-22T17:00");
    expect(next("cron(0 19 * * ? *)", undefined, "Europe/Berlin")).toBe("2026-11-21T18:00");
  });

  it.each(["at(2026-12-01T00:00:00)", "cron(0 17 1,L * ? *)", ""])("is not known for %j", (expression) => {
    expect(next(expression, "2026-11-21T17:02:00Z")).toBeUndefined();
  });
});
