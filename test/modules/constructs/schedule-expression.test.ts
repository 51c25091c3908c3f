import { scheduleProblem } from "../../../modules/constructs/schedule-expression";

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
    expect(scheduleProblem(expression)).toBeUndefined();
  });

  it.each([
    ["5 minutes", "is neither"],
    ["rate(0 minutes)", "is not"],
    ["rate(5 minute)", '"5 minutes"'],
    ["rate(1 hours)", '"1 hour"'],
    ["rate(1.5 hours)", "is not"],
    ["rate(90 seconds)", "is not"],
    ["cron(0 17 * * *)", "has 5 fields"],
    ["cron(0 17 * * * *)", '"?" for exactly one'],
    ["cron(0 17 ? * ? *)", '"?" for exactly one'],
    ["cron(60 17 * * ? *)", 'has the invalid minutes "60"'],
    ["cron(0 24 * * ? *)", 'has the invalid hours "24"'],
    ["cron(0 17 0 * ? *)", 'has the invalid day of month "0"'],
    ["cron(0 17 * 13 ? *)", 'has the invalid month "13"'],
    ["cron(0 17 ? * 8 *)", 'has the invalid day of week "8"'],
    ["cron(0 17 ? * MON#6 *)", 'has the invalid day of week "MON#6"'],
    ["cron(0 17 * * ? 1969)", 'has the invalid year "1969"'],
    ["cron(0/0 17 * * ? *)", 'has the invalid minutes "0/0"'],
    ["cron(30-10 17 * * ? *)", 'has the invalid minutes "30-10"'],
  ])("cannot be %s", (expression, problem) => {
    expect(scheduleProblem(expression)).toContain(problem);
  });
});
