import { monitorSettingsSchema, type MaintenanceWindow } from "../../../../functions/heartbeats/contract";
import { inMaintenance, splitByMaintenance } from "../../../../functions/heartbeats/monitors/maintenance";
import { nextCronDue } from "../../../../functions/shared/calendar/cron";
import { DAY_MS } from "../../../../functions/shared/time";
import { sized } from "../../../support/sized";
import fc from "../../../support/fast-check";

const at = (time: string) => Date.parse(`2026-11-${time}Z`);
const parts = (from: string, to: string, ...windows: MaintenanceWindow[]) =>
  splitByMaintenance({ from: at(from), to: at(to) }, windows).map(({ from, to, maintenance }) =>
    [new Date(from).toISOString().slice(8, 16), new Date(to).toISOString().slice(8, 16), maintenance].join(" "),
  );

describe("maintenance", () => {
  it("happens once, from one time to another, in any time zone", () => {
    expect(parts("21T06:00", "21T09:00", { from: "2026-11-21T08:00:00+01:00", to: "2026-11-21T08:00:00Z" })).toEqual([
      "21T06:00 21T07:00 false",
      "21T07:00 21T08:00 true",
      "21T08:00 21T09:00 false",
    ]);
  });

  it("counts once where windows overlap", () => {
    const windows = ["08:00 09:30", "09:00 10:00", "09:10 09:20", "10:00 11:00"].map((times) => {
      const [from = "", to = ""] = times.split(" ");
      return { from: `2026-11-21T${from}:00Z`, to: `2026-11-21T${to}:00Z` };
    });
    expect(parts("21T07:00", "21T12:00", ...windows)).toEqual([
      "21T07:00 21T08:00 false",
      "21T08:00 21T09:30 true",
      "21T09:30 21T10:00 true",
      "21T10:00 21T11:00 true",
      "21T11:00 21T12:00 false",
    ]);
  });

  it("happens every week, over midnight and the week's end too", () => {
    const window = { weekday: "saturday", from: "23:30", minutes: 60 } as const; // the 21st is a Saturday
    expect(parts("21T23:00", "22T01:00", window)).toEqual([
      "21T23:00 21T23:30 false",
      "21T23:30 22T00:30 true",
      "22T00:30 22T01:00 false",
    ]);
    expect(parts("22T00:10", "22T00:20", window)).toEqual(["22T00:10 22T00:20 true"]);
    expect(parts("28T23:00", "28T23:30", window)).toEqual(["28T23:00 28T23:30 false"]);
  });

  it("is one where windows overlap or touch in time", () => {
    const windows = [
      { from: "2026-11-21T07:00:00Z", to: "2026-11-21T08:00:00Z" },
      { from: "2026-11-21T07:30:00Z", to: "2026-11-21T07:40:00Z" },
    ];
    expect(parts("21T06:00", "21T09:00", ...windows).filter((part) => part.endsWith("true"))).toEqual([
      "21T07:00 21T08:00 true",
    ]);
  });

  it("cuts any time into parts that join, and agrees with itself on every minute", () => {
    const minute = fc.integer({ min: 0, max: 20_000 }).map((minutes) => at("10T00:00") + minutes * 60_000);
    const once = fc.tuple(minute, minute).map(([a, b]) => ({
      from: new Date(Math.min(a, b)).toISOString(),
      to: new Date(Math.max(a, b) + 60_000).toISOString(),
    }));
    const weekly = fc.record({
      weekday: fc.constantFrom("monday", "wednesday", "sunday"),
      from: fc.constantFrom("00:00", "12:15", "23:59"),
      minutes: fc.integer({ min: 1, max: 10_080 }),
    });
    fc.assert(
      fc.property(minute, fc.integer({ min: 1, max: 600 }), fc.array(fc.oneof(once, weekly)), (from, length, input) => {
        const windows = monitorSettingsSchema.shape.maintenance.parse(input);
        const span = { from, to: from + length * 60_000 };
        const all = splitByMaintenance(span, windows);
        expect([all[0]?.from, all.at(-1)?.to]).toEqual([span.from, span.to]);
        all.forEach((part, index) => {
          expect(part.to).toBe(all[index + 1]?.from ?? span.to);
          for (let time = part.from; time < part.to; time += 60_000)
            expect(inMaintenance(time, windows)).toBe(part.maintenance);
        });
      }),
      { numRuns: sized(30, 500) },
    );
  });

  it.each([
    [{ from: "2026-11-21T08:00:00Z", to: "2026-11-21T07:00:00Z" }],
    [{ weekday: "someday", from: "02:00", minutes: 5 }],
    [{ weekday: "monday", from: "2:00", minutes: 5 }],
    [{ from: "2026-11-21", to: "2026-11-22" }],
  ])("is not %j", (window) => {
    expect(monitorSettingsSchema.shape.maintenance.safeParse([window]).success).toBe(false);
  });
});

describe("a weekly window in a time zone", () => {
  const window = { weekday: "sunday", from: "02:30", minutes: 60, zone: "Europe/Berlin" } as const;
  const times = (from: string, to: string, windows: readonly MaintenanceWindow[] = [window]) =>
    splitByMaintenance({ from: Date.parse(from), to: Date.parse(to) }, windows)
      .filter(({ maintenance }) => maintenance)
      .map((part) => new Date(part.from).toISOString());

  it("follows summer time", () => {
    expect(times("2026-10-17T00:00:00Z", "2026-11-02T00:00:00Z")).toEqual([
      "2026-10-18T00:30:00.000Z",
      "2026-10-25T00:30:00.000Z", // clocks go back at 03:00 summer time: the first of two
      "2026-11-01T01:30:00.000Z",
    ]);
    expect(times("2026-03-21T00:00:00Z", "2026-04-06T00:00:00Z")).toEqual([
      "2026-03-22T01:30:00.000Z",
      "2026-03-29T01:30:00.000Z", // clocks go from 02:00 to 03:00
      "2026-04-05T00:30:00.000Z",
    ]);
  });

  it("follows the clocks from the moment on at which they change", () => {
    const noon = [{ ...window, from: "12:00" }];
    expect(times("2026-03-21T00:00:00Z", "2026-04-06T00:00:00Z", noon).map((time) => time.slice(5, 16))).toEqual([
      "03-22T11:00",
      "03-29T10:00",
      "04-05T10:00",
    ]);
    expect(times("2026-10-24T00:00:00Z", "2026-10-26T00:00:00Z", noon)).toEqual(["2026-10-25T11:00:00.000Z"]);
  });

  it.each([
    ["Europe/Berlin", "02:30", "sunday", "2026-10-25"],
    ["America/New_York", "01:15", "sunday", "2026-11-01"],
    ["Australia/Lord_Howe", "01:45", "sunday", "2027-04-04"], // by half an hour
    ["America/Santiago", "23:30", "saturday", "2027-04-03"], // at midnight
    ["Asia/Kolkata", "02:30", "sunday", "2026-10-25"], // never
  ] as const)("of %s begins when a cron runs, also where clocks show %s twice", (zone, from, weekday, date) => {
    const start = Date.parse(date) - DAY_MS;
    const [hour, minute] = from.split(":").map(Number);
    const run = nextCronDue(`${minute} ${hour} ? * ${weekday.slice(0, 3).toUpperCase()} *`, zone, start) ?? NaN;
    const [begin] = times(new Date(start).toISOString(), new Date(run + DAY_MS).toISOString(), [
      { weekday, from, minutes: 60, zone },
    ]);
    expect(begin).toBe(new Date(run).toISOString());
  });
});
