import { monitorSettingsSchema, targetSchema } from "../../../../functions/heartbeats/contract";
import { announcedWindows } from "../../../../functions/heartbeats/monitors/announced-maintenance";
import { occurrences } from "../../../../functions/heartbeats/monitors/maintenance";
import { HOUR_MS } from "../../../../functions/shared/time";
import { monitorsOf } from "../../../../functions/heartbeats/monitors/policy";

const window = (note: string) => ({ from: "2026-11-21T00:00:00Z", to: "2026-11-21T01:00:00Z", note });
const settings = monitorSettingsSchema.parse({
  maintenance: [window("all")],
  cronMonitors: [{ name: "job", everySeconds: 60, maintenance: [window("own")] }],
});
const target = (name: string) => targetSchema.parse({ name, url: "https://a.test/", maintenance: [window("own")] });
const configuration = {
  ...settings,
  brand: {},
  targets: [target("site"), target("api")],
  schedules: [{ name: "report" }],
};

it("targets, jobs and schedules are on the status page unless they say no", () => {
  const hidden = <Item extends object>(items: readonly Item[]) => items.map((item) => ({ ...item, public: false }));
  const { targets, cronMonitors, schedules } = configuration;
  const none = { targets: hidden(targets), cronMonitors: hidden(cronMonitors), schedules: hidden(schedules) };
  const shown = [configuration, { ...configuration, ...none }].map((each) =>
    monitorsOf(each, 5).map(({ isPublic }) => isPublic),
  );
  expect(shown).toEqual([Array(4).fill(true), Array(4).fill(false)]);
});

describe("maintenance", () => {
  it("of all monitors is that of each, beside its own", () => {
    const notes = monitorsOf(configuration, 5).map(({ name, policy }) => [
      name,
      ...policy.maintenance.map(({ note }) => note),
    ]);
    expect(notes).toEqual([
      ["site", "all", "own"],
      ["api", "all", "own"],
      ["job", "all", "own"],
      ["report", "all"],
    ]);
  });

  it("of several monitors is announced once, and names each", () => {
    const day = { from: Date.parse("2026-11-20T00:00:00Z"), to: Date.parse("2026-11-22T00:00:00Z") };
    expect(announcedWindows(configuration, day).map(({ note, monitors }) => [note, monitors])).toEqual([
      ["all", undefined],
      ["own", ["site", "api", "job"]],
    ]);
    // A target may be called as a job is.
    expect(announcedWindows({ ...configuration, targets: [target("job")] }, day)[1]?.monitors).toEqual(["job"]);
    const targets = [target("site"), { ...target("api"), maintenance: [window("other")] }];
    expect(announcedWindows({ ...configuration, cronMonitors: [], targets }, day).slice(1)).toMatchObject([
      { note: "own", monitors: ["site"] },
      { note: "other", monitors: ["api"] },
    ]);
  });

  it.each([
    ["Pacific/Kiritimati", "00:00", "2026-11-20T10:00:00.000Z"],
    ["Pacific/Pago_Pago", "00:00", "2026-11-21T11:00:00.000Z"],
    ["Pacific/Pago_Pago", "23:30", "2026-11-22T10:30:00.000Z"],
  ])("is at its weekday of a zone that is a day from UTC's: %s, %s", (zone, from, start) => {
    const weekly = { weekday: "saturday", from, minutes: 60, zone } as const;
    const [begin, end] = [Date.parse(start), Date.parse(start) + HOUR_MS];
    for (const at of [begin, end - 1])
      expect(occurrences(weekly, { from: at, to: at + 1 })).toEqual([{ from: begin, to: end }]);
    for (const at of [begin - 1, end]) expect(occurrences(weekly, { from: at, to: at + 1 })).toEqual([]);
  });
});
