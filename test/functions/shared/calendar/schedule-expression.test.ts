import { scheduleFault } from "../../../../functions/shared/calendar/schedule-expression";

describe("a schedule expression", () => {
  it.each([
    "rate(1 minute)",
    "rate(5 minutes)",
    "rate(1 hour)",
    "rate(7 days)",
    "cron(0 17 * * ? *)",
    "cron(0/15 8-18 ? * MON-FRI *)",
    "cron(15 10 L * ? 2026-2030)",
    "cron(0 9 15W JAN,jul ? *)",
    "cron(30 6 ? * 6L *)",
    "cron(30 6 ? * FRI#3 *)",
    "cron(10-50/10 0 1,15 * ? *)",
  ])("can be %s", (expression) => {
    expect(scheduleFault(expression)).toBeUndefined();
  });

  it.each([
    ["5 minutes", "is neither"],
    ["rate(0 minutes)", "is not"],
    ["rate(5 minute)", '"5 minutes"'],
    ["rate(1 hours)", '"1 hour"'],
    ["rate(1.5 hours)", "is not"],
    ["rate(90 seconds)", "is not"],
    ["cron(0 17 * * *)", "has 5 fields"],
    ["cron(0 17 * * * *)", "? in exactly one"],
    ["cron(0 17 ? * ? *)", "? in exactly one"],
    ["cron(60 17 * * ? *)", "has invalid minutes"],
    ["cron(0 24 * * ? *)", "has invalid hours"],
    ["cron(0 17 0 * ? *)", "has invalid day of month"],
    ["cron(0 17 * 13 ? *)", "has invalid month"],
    ["cron(0 17 ? * 8 *)", "has invalid day of week"],
    ["cron(0 17 ? * MON#6 *)", "has invalid day of week"],
    ["cron(0 17 * * ? 1969)", "has invalid year"],
    ["cron(0/0 17 * * ? *)", "has invalid minutes"],
    ["cron(30-10 17 * * ? *)", "has invalid minutes"],
    ["cron(0 17 1,L * ? *)", "has invalid day of month"],
    ["cron(0 17 30 2 ? *)", "never occurs"],
    ["cron( 0 17 * * ? *)", "has spaces"],
    ["cron(0 17 * * ?\t*)", "has spaces"],
    ["rate(367 days)", "longer than 366 days"],
  ])("cannot be %s", (expression, problem) => {
    expect(scheduleFault(expression)).toContain(problem);
  });
});
