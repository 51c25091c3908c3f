import { runsAMonth } from "../../../scripts/cost/schedule";

it.each([
  ["rate(1 minute)", 43_200],
  ["rate(5 minutes)", 8_640],
  ["rate(8 hours)", 90],
  ["rate(1 day)", 30],
  ["cron(0 17 * * ? *)", 30],
  ["cron(* * * * ? *)", 43_200],
  ["cron(0/15 * * * ? *)", 2_880],
  ["cron(*/15 * * * ? *)", 2_880],
  ["cron(0,30 8-17 ? * MON-FRI *)", (2 * 10 * 5 * 30) / 7],
  ["cron(0 3 1 * ? *)", 1],
  ["at(2026-12-01T00:00:00)", 1],
])("%s runs %d times a month", (expression, runs) => {
  expect(runsAMonth(expression)).toBeCloseTo(runs, 6);
});

it.each(["", "rate(x minutes)", "cron(a b c)", "every day", "${var.schedule}"])("%j is no schedule", (expression) => {
  expect(runsAMonth(expression)).toBeUndefined();
});
