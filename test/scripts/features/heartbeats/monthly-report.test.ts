import { monitorSettingsSchema, targetSchema } from "../../../../functions/heartbeats/contract";
import { monitorsOf } from "../../../../functions/heartbeats/monitors/policy";
import type { MonitorState, PeriodRollup } from "../../../../functions/heartbeats/monitors/state";
import { applyCheckResult } from "../../../../functions/heartbeats/monitors/state-transition";
import { sumOf } from "../../../../functions/heartbeats/monitors/roll-up";
import { groupBy } from "../../../../functions/shared/group-by";
import { DAY_MS, HOUR_MS, MINUTE_MS, startOfUtcDay } from "../../../../functions/shared/time";
import {
  describeMonth,
  monthAsCsv,
  monthBefore,
  monthlyUptime,
  monthOf,
  type MonthlyUptime,
} from "../../../../scripts/features/heartbeats/monthly-report";
import fc from "../../../support/fast-check";

const [first] = monitorsOf(
  {
    targets: [targetSchema.parse({ name: "site", url: "https://a.test/", title: "Shop" })],
    ...monitorSettingsSchema.parse({
      maintenance: [{ from: "2026-11-01T02:00:00Z", to: "2026-11-01T03:00:00Z" }],
    }),
    brand: {},
  },
  30,
);
if (first === undefined) throw new Error("no monitor");
const monitor = first;

const month = (text: string) => {
  const interval = monthOf(text);
  if (interval === undefined) throw new Error(`${text} is no month`);
  return interval;
};

/** What the state table has after checks every half an hour. */
function history(from: number, healths: readonly ("up" | "degraded" | "down" | "unknown" | "missing")[]) {
  let state: MonitorState | undefined;
  const hours: PeriodRollup[] = [];
  for (const [index, health] of healths.entries()) {
    if (health === "missing") continue;
    const tick = from + index * 30 * MINUTE_MS;
    const transition = applyCheckResult(
      state,
      { health, at: tick, latencyMs: 80 },
      { id: "run", tick },
      monitor.policy,
    );
    if (transition === undefined) continue;
    state = transition.state;
    hours.push(...transition.hours);
  }
  const days = [...groupBy(hours, ({ start }) => startOfUtcDay(start))].map(([start, all]) => ({
    start,
    rollup: sumOf(all.map(({ rollup }) => rollup)),
  }));
  return { state, days };
}

describe("the report of a month", () => {
  const FROM = Date.parse("2026-10-31T12:00:00Z");

  it("accounts for each millisecond of the month since the monitor was first known, whatever happened", () => {
    const health = fc.constantFrom("up", "up", "degraded", "down", "unknown", "missing");
    fc.assert(
      fc.property(
        fc.array(health, { minLength: 1, maxLength: 96, size: "max" }),
        fc.nat(3 * 24),
        (healths, afterHours) => {
          const { state, days } = history(FROM, ["up", ...healths]);
          const now = Math.max(state?.lastTick ?? 0, FROM + afterHours * HOUR_MS);
          for (const name of ["2026-10", "2026-11"]) {
            const interval = month(name);
            const row = monthlyUptime({ monitor, state, history: { days, incidents: [] } }, interval, now);
            const elapsed = Math.max(0, Math.min(now, interval.to) - Math.max(interval.from, FROM));
            expect(row.upMs + row.degradedMs + row.downMs + row.maintenanceMs + row.noDataMs).toBe(elapsed);
          }
        },
      ),
    );
  });

  it("has the uptime, in which degraded counts as up and maintenance as neither", () => {
    const { state, days } = history(
      FROM,
      Array.from({ length: 48 }, (_, index) =>
        index === 26 ? "down" : index === 28 ? "down" : index === 30 ? "degraded" : "up",
      ),
    );
    const row = monthlyUptime({ monitor, state, history: { days, incidents: [] } }, month("2026-11"), FROM + DAY_MS);
    // From midnight to noon; half an hour down at 01:00, and another within maintenance, which lasts from 02:00 to 03:00.
    expect(row).toMatchObject({
      monitor: "site",
      title: "Shop",
      downMs: 30 * MINUTE_MS,
      maintenanceMs: HOUR_MS,
      degradedMs: 30 * MINUTE_MS,
      noDataMs: 0,
      uptime: 10.5 / 11,
    });
  });

  it("counts incidents that overlap it, open ones too", () => {
    const { state, days } = history(FROM, ["up"]);
    const incident = (openedAt: string, closedAt: string) => {
      const times = { openedAt: Date.parse(openedAt), closedAt: Date.parse(closedAt) };
      return { ...times, severity: "down" as const, message: "", reason: "status", changes: [] };
    };
    const incidents = [
      incident("2026-10-30T00:00:00Z", "2026-10-30T01:00:00Z"),
      incident("2026-10-31T22:00:00Z", "2026-11-01T00:00:00Z"),
      incident("2026-10-31T23:00:00Z", "2026-11-01T01:00:00Z"),
      incident("2026-11-30T23:00:00Z", "2026-12-01T01:00:00Z"),
      incident("2026-12-01T00:00:00Z", "2026-12-01T01:00:00Z"),
    ];
    const { openedAt } = incident("2026-11-05T00:00:00Z", "2026-11-05T00:00:00Z");
    const open = { openedAt, severity: "down" as const, message: "", reason: "status", changes: [], notifiedAt: 0 };
    const record = { monitor, state: state && { ...state, incident: open }, history: { days, incidents } };
    const count = (name: string) => monthlyUptime(record, month(name), Date.parse("2026-12-24T00:00:00Z")).incidents;
    expect([count("2026-10"), count("2026-11"), count("2026-12")]).toEqual([3, 3, 3]);
  });

  it("says nothing of a month before the monitor was known", () => {
    const { state, days } = history(FROM, ["up", "up"]);
    const row = monthlyUptime({ monitor, state, history: { days, incidents: [] } }, month("2026-09"), FROM + HOUR_MS);
    expect(row).toMatchObject({ uptime: null, upMs: 0, noDataMs: 0, incidents: 0 });
  });
});

describe("a month", () => {
  it.each([
    ["2026-10", "2026-10-01T00:00:00.000Z", "2026-11-01T00:00:00.000Z"],
    ["2026-12", "2026-12-01T00:00:00.000Z", "2027-01-01T00:00:00.000Z"],
    ["2028-02", "2028-02-01T00:00:00.000Z", "2028-03-01T00:00:00.000Z"], // a leap year
  ])("%s is from %s to %s", (text, from, to) => {
    const interval = month(text);
    expect([interval.from, interval.to].map((time) => new Date(time).toISOString())).toEqual([from, to]);
  });

  it.each(["2026-13", "2026-00", "0000-01", "2026-1", "October", "2026-10-01", ""])("is not %p", (text) => {
    expect(monthOf(text)).toBeUndefined();
  });

  it("that is over is the one before this one", () => {
    expect(monthBefore(Date.parse("2026-11-26T05:00:00Z"))).toBe("2026-10");
    expect(monthBefore(Date.parse("2026-01-31T23:00:00Z"))).toBe("2025-12");
  });
});

describe("the report as text", () => {
  const row: MonthlyUptime = {
    monitor: "shop",
    title: '=HYPERLINK("x"), shop',
    uptime: 0.99951,
    upMs: 2_676_600_000,
    degradedMs: 0,
    downMs: 1_320_000,
    maintenanceMs: 480_000,
    noDataMs: 0,
    incidents: 2,
    p50Ms: 84,
    p95Ms: 1_240,
  };

  it("is a table", () => {
    expect(describeMonth([{ ...row, title: "Shop" }], "2026-10")).toBe(
      [
        "2026-10, UTC",
        "",
        "monitor   uptime    down  degraded  maintenance  no data  incidents     p95",
        "Shop     99.95 %  22 min  -               8 min  -                2  1.24 s",
      ].join("\n"),
    );
  });

  it.each([
    "=1+1",
    "+1",
    "-1",
    "@SUM(A1)",
    " =1",
    "\t=1",
    "\r=1",
    "\n=1",
    "\u00a0=1",
    "＝1",
    "|calc",
    "%0A=1",
    "\u2028=1",
  ])("is CSV, in which %j is no formula, and no line", (title) => {
    const [, second = "", ...others] = monthAsCsv([{ ...row, title }]).split("\r\n");
    expect(others).toEqual([""]);
    expect(second).toMatch(/^shop,(?:'|⏎|")/);
    expect(second).not.toMatch(/[\n\r\t\u2028]/);
  });

  it("is CSV, in which nothing is hidden or runs in a terminal", () => {
    const csv = monthAsCsv([{ ...row, title: "a\u001b[2J\u202egpj" }]);
    expect(csv).not.toMatch(/(?![\r\n])\p{Cc}|\p{Bidi_Control}/u);
  });

  it("is CSV, in which a title is never a formula", () => {
    expect(monthAsCsv([row])).toBe(
      "monitor,title,uptime,upMs,degradedMs,downMs,maintenanceMs,noDataMs,incidents,p50Ms,p95Ms\r\n" +
        'shop,"\'=HYPERLINK(""x""), shop",0.99951,2676600000,0,1320000,480000,0,2,84,1240\r\n',
    );
  });
});
