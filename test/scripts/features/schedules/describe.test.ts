import { createColors } from "picocolors";
import type { Run } from "../../../../functions/schedules/contract";
import {
  describeRun,
  describeRuns,
  describeSchedules,
  jsonOfRun,
} from "../../../../scripts/features/schedules/describe";
import { logUrlOf } from "../../../../scripts/features/schedules/log-url";

const colours = createColors(false);
const LOG = {
  group: "/aws/lambda/almanac-staging-schedules-run-report",
  stream: "2026/11/21/[$LATEST]1a2b",
  requestId: "r-1",
};
const RUN: Run = {
  schedule: "report",
  run: "2026-11-21T17:00:00.000Z",
  outcome: "failed",
  scheduledAt: Date.parse("2026-11-21T17:00:00Z"),
  dueAt: Date.parse("2026-11-21T17:00:20Z"),
  startedAt: Date.parse("2026-11-21T17:00:31Z"),
  endedAt: Date.parse("2026-11-21T17:00:32Z"),
  durationMs: 812,
  manual: false,
  attempt: 2,
  invocations: 1,
  owner: "o",
  deadline: 1,
  invokedAt: 1,
  // A handler's error may have what a terminal obeys.
  reason: "no \u001b[31mluck\nat all",
  log: LOG,
};

describe("a run", () => {
  it("is shown with its times, reason and log, and without what a terminal would obey", () => {
    const shown = describeRun(RUN, "https://log.example.org/", colours);
    expect(shown.split("\n")[0]).toBe("report/2026-11-21T17:00:00.000Z  failed");
    expect(shown).toMatch(/due +2026-11-21T17:00:20.000Z/);
    expect(shown).toMatch(/duration +812 ms/);
    expect(shown).toMatch(/log +https:\/\/log.example.org\//);
    expect(describeRuns([RUN], colours)).toMatch(
      /2026-11-21T17:00:00.000Z +failed +2026-11-21T17:00:31Z +812 ms +2 +no /,
    );
    for (const text of [shown, describeRuns([RUN], colours)]) expect(text).not.toContain("\u001b");
  });

  it("is JSON with times as ISO 8601, and without what only the keeper needs", () => {
    expect(jsonOfRun(RUN)).toEqual({
      schedule: "report",
      run: RUN.run,
      outcome: "failed",
      manual: false,
      attempt: 2,
      scheduledAt: "2026-11-21T17:00:00.000Z",
      dueAt: "2026-11-21T17:00:20.000Z",
      startedAt: "2026-11-21T17:00:31.000Z",
      endedAt: "2026-11-21T17:00:32.000Z",
      durationMs: 812,
      reason: RUN.reason,
      log: LOG,
    });
  });

  it("links to the lines of its last attempt in the CloudWatch console of its partition", () => {
    const place =
      "cloudwatch/home?region=eu-central-1#logsV2:log-groups/log-group/$252Faws$252Flambda$252Falmanac-staging-schedules-run-report/log-events/2026$252F11$252F21$252F$255B$2524LATEST$255D1a2b$3FfilterPattern$3D$2522r-1$2522";
    expect(logUrlOf(RUN, { region: "eu-central-1" })).toBe(`https://eu-central-1.console.aws.amazon.com/${place}`);
    expect(logUrlOf(RUN, { region: "cn-north-1" })).toMatch(/^https:\/\/console.amazonaws.cn\//);
    expect(logUrlOf(RUN, { region: "us-gov-west-1" })).toMatch(/^https:\/\/console.amazonaws-us-gov.com\//);
    expect(logUrlOf(RUN, { region: "eu-central-1", endpoint: "http://127.0.0.1:4566" })).toBeUndefined();
    expect(logUrlOf({}, { region: "eu-central-1" })).toBeUndefined();
  });
});

it("the list shows when a schedule runs next, or why it does not, and its last outcome", () => {
  const at = {
    of: "main.ts",
    schedule: "cron(0 6 * * ? *)",
    lastAt: "2026-11-21T05:00:00Z",
    lastOutcome: "missed",
  } as const;
  const list = describeSchedules(
    [
      { ...at, name: "report", timeZone: "Europe/Berlin", state: "enabled", nextAt: "2026-11-22T05:00:00Z" },
      { ...at, name: "cleanUp", timeZone: "UTC", state: "paused" },
    ],
    colours,
  );
  expect(list).toMatch(
    /report +cron\(0 6 \* \* \? \*\) Europe\/Berlin +2026-11-22T05:00:00Z +2026-11-21T05:00:00Z +missed/,
  );
  expect(list).toMatch(/cleanUp +cron\(0 6 \* \* \? \*\) +paused +2026-11-21T05:00:00Z +missed/);
});
