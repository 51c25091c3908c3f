import { describeSchedule, describeTimer, describeTimers } from "../../../../scripts/features/timers/describe";
import { putInputOf } from "../../../../scripts/features/timers/put-options";
import { UsageError } from "../../../../scripts/shared/terminal/command-line";

const timer = {
  id: "tea",
  shardId: "shard0",
  timerCallbackData: { order: 7 },
  schedule: { every: "15 minutes" },
  enabled: true,
  version: "v1",
  putAt: "2026-11-21T06:55:30.250Z",
  state: "scheduled",
  nextFireAt: "2026-11-21T07:10:30.000Z",
  callback: "default",
  recorded: true,
  lastFiredAt: null,
  lastOutcome: null,
  attempts: null,
  latenessMs: null,
} as const;

describe("a timer on the command line", () => {
  it("is hourly, unless it is said otherwise", () => {
    expect(putInputOf({})).toEqual({ kind: "periodic", timer: {} });
    expect(putInputOf({ minute: "05", second: "30", data: "[1]", disabled: true, new: true })).toEqual({
      kind: "periodic",
      timer: { minuteOfHour: "05", secondOfMinute: 30, timerCallbackData: [1], enabled: false, ifVersion: null },
    });
  });

  it.each([
    ["90", 90],
    ["90s", 90],
    ["15m", 900],
    ["2h", 7_200],
    ["7d", 604_800],
  ])("fires once, in %s", (delay, delaySeconds) => {
    expect(putInputOf({ in: delay })).toEqual({ kind: "oneshot", timer: { delaySeconds } });
  });

  it.each([
    ["15m", "900 seconds"],
    ["7d", "604800 seconds"],
    ["15 minutes", "15 minutes"],
    ["soon", "soon"],
  ])("has a period in the form of --in, or of the API, which validates it: %s", (every, sent) => {
    expect(putInputOf({ every })).toEqual({ kind: "periodic", timer: { every: sent } });
  });

  it.each([
    [{ in: "soon" }, '--in: "soon" is not a time such as 90s, 15m, 2h or 7d'],
    [{ at: "2027-01-01T00:00:00Z", in: "5m" }, "--at and --in: one of the two"],
    [{ in: "5m", maxFires: "2" }, "--max-fires: is not for a timer that fires once (--at, --in)"],
    [{ second: "x" }, '--second: "x" is not a whole number'],
    [{ data: "tea" }, /^--data: is not JSON/],
    [{ data: '{"order": 12345678901234567890}' }, /^--data: has a number with more digits/],
    [{ cron: "0 9 * * ? *", every: "1 hour" }, "--every: cannot be combined with --cron"],
    [{ every: "1 hour", minute: "5" }, "--minute: cannot be combined with --every"],
    [{ every: "1 hour", timeZone: "Europe/Berlin" }, "--time-zone: requires --cron"],
  ])("is refused when it is called wrongly: %j", (options, message) => {
    expect(() => putInputOf(options)).toThrow(UsageError);
    expect(() => putInputOf(options)).toThrow(message);
  });
});

describe("timers for people", () => {
  it.each([
    [{ minuteOfHour: 5, secondOfMinute: 0 }, "each hour at :05"],
    [{ minuteOfHour: 5, secondOfMinute: 7 }, "each hour at :05:07"],
    [{ every: "2 hours" }, "every 2 hours"],
    [{ cron: "0 9 * * ? *", timeZone: "UTC" }, "cron 0 9 * * ? * (UTC)"],
    [{ at: "2027-01-01T00:00:00.000Z" }, "once at 2027-01-01T00:00:00.000Z"],
  ])("fire as %j says", (schedule, text) => {
    expect(describeSchedule(schedule)).toBe(text);
  });

  it("are a table, or all there is to know of one", () => {
    expect(describeTimers([timer, { ...timer, id: "egg", state: "paused", enabled: false, nextFireAt: null }]))
      .toMatchInlineSnapshot(`
     "id   schedule          next fire                 last fire  shard
     tea  every 15 minutes  2026-11-21T07:10:30.000Z  none       shard0
     egg  every 15 minutes  paused                    none       shard0"
    `);
    expect(describeTimer(timer)).toMatchInlineSnapshot(`
     "schedule     every 15 minutes
     id           tea
     shardId      shard0
     enabled      true
     version      v1
     putAt        2026-11-21T06:55:30.250Z
     state        scheduled
     nextFireAt   2026-11-21T07:10:30.000Z
     callback     default
     recorded     true
     lastFiredAt  none
     lastOutcome  none
     attempts     none
     latenessMs   none
     data         {"order":7}"
    `);
  });
});
