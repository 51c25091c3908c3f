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
    ["cron(60 17 * * ? *)", 'has "60" for its minutes'],
    ["cron(0 24 * * ? *)", 'has "24" for its hours'],
    ["cron(0 17 0 * ? *)", 'has "0" for its day of month'],
    ["cron(0 17 * 13 ? *)", 'has "13" for its month'],
    ["cron(0 17 ? * 8 *)", 'has "8" for its day of week'],
    ["cron(0 17 ? * MON#6 *)", 'has "MON#6" for its day of week'],
    ["cron(0 17 * * ? 1969)", 'has "1969" for its year'],
    ["cron(0/0 17 * * ? *)", 'has "0/0" for its minutes'],
    ["cron(30-10 17 * * ? *)", 'has "30-10" for its minutes'],
  ])("cannot be %s", (expression, problem) => {
    expect(scheduleProblem(expression)).toContain(problem);
  });
});
