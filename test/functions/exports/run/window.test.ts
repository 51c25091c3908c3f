import type { Window } from "../../../../functions/exports/contract";
import {
  ExportPeriodTooShortError,
  incrementalPeriod,
  isEmptyWindow,
  isUsable,
  nextWindow,
  scanFilter,
  watermarkAt,
  type WindowOfRun,
} from "../../../../functions/exports/run/window";
import { HOUR_MS } from "../../../../functions/shared/time";
import { holds, type Item } from "../../../support/dynamodb-expressions";
import fc from "../../../support/fast-check";

const START = Date.parse("2026-11-21T17:00:00.500Z");

const has = ({ from, to }: Window, value: string, numeric: boolean): boolean => {
  const before = (a: string, b: string) => (numeric ? Number(a) < Number(b) : a < b);
  return (from === undefined || !before(value, from)) && before(value, to);
};

describe("a window", () => {
  it("begins where the last finished run's ended, and ends where this one's does", () => {
    expect(nextWindow({ unit: "seconds", endsAt: START, cursor: "1795000000", initialLookbackHours: 24 })).toEqual({
      from: "1795000000",
      to: String(Math.floor(START / 1_000)),
    });
  });

  it("of a first run has no start, or the configured lookback", () => {
    expect(nextWindow({ unit: "iso8601", endsAt: START, cursor: undefined, initialLookbackHours: undefined })).toEqual({
      to: "2026-11-21T17:00:00.500Z",
    });
    expect(nextWindow({ unit: "iso8601", endsAt: START, cursor: undefined, initialLookbackHours: 24 }).from).toBe(
      "2026-11-20T17:00:00.500Z",
    );
  });

  it("is empty when the clock has gone back", () => {
    const window = nextWindow({ unit: "milliseconds", endsAt: 5, cursor: "9", initialLookbackHours: undefined });
    expect([window, isEmptyWindow(window)]).toEqual([{ from: "9", to: "9" }, true]);
  });

  it("is a scan filter with names and values, for any attribute name", () => {
    expect(scanFilter({ window: { from: "1", to: "2" }, startedAt: 0 }, "timestamp", "seconds")).toEqual({
      FilterExpression:
        "#watermark >= :from AND #watermark < :to OR attribute_not_exists(#watermark) OR NOT attribute_type(#watermark, :type) OR #watermark >= :latest OR #watermark < :earliest",
      ExpressionAttributeNames: { "#watermark": "timestamp" },
      ExpressionAttributeValues: {
        ":from": { N: "1" },
        ":earliest": { N: "100000000" },
        ":to": { N: "2" },
        ":type": { S: "N" },
        ":latest": { N: "86402" },
      },
    });
    expect(
      scanFilter({ window: { to: "2026-11-21T00:00:00.000Z" }, startedAt: 0 }, "at", "iso8601")
        .ExpressionAttributeValues,
    ).toMatchObject({
      ":to": { S: "2026-11-21T00:00:00.000" },
      ":type": { S: "S" },
      ":latest": { S: "2026-11-22T00:00:00.000Z" },
      ":c0": { S: "T" },
      ":c1": { S: "Z" },
    });
  });

  it("is a filter that DynamoDB accepts: 4 KB, 300 operators", () => {
    const { FilterExpression: filter } = scanFilter(
      { window: { from: "2026-11-21T00:00:00.000Z", to: "2026-11-22T00:00:00.000Z" }, startedAt: 0 },
      "at",
      "iso8601",
    );
    expect(filter.length).toBeLessThan(4_096);
    expect(filter.match(/ OR | AND |NOT |<|>|\(/g)?.length).toBeLessThan(300);
  });

  it("of DynamoDB's incremental export is undefined at first and after more than a day, and at least 15 minutes", () => {
    const day = 86_400_000;
    expect(incrementalPeriod({ to: "5" })).toBeUndefined();
    expect(incrementalPeriod({ from: "0", to: String(day) })).toEqual({ from: 0, to: day });
    expect(incrementalPeriod({ from: "0", to: String(day + 1) })).toBeUndefined();
    expect(incrementalPeriod({ from: "0", to: "900000" })).toEqual({ from: 0, to: 900_000 });
    expect(() => incrementalPeriod({ from: "0", to: "899999" })).toThrow(ExportPeriodTooShortError);
  });

  it.each([
    [
      "seconds",
      { from: "1795194000", to: "1795194900" },
      {
        exported: ["1795194000", "1795194899.9"],
        counted: ["1795281300", "1795194000000", "0", "-1", "20261121", "99999999"],
        others: ["100000000", "1795193999", "1795194900", "1795281299"],
      },
    ],
    ["seconds", { to: "200" }, { exported: ["-5", "0", "199.9"], counted: ["1e12"], others: ["200"] }],
    [
      "milliseconds",
      { from: "1795194000000", to: "1795194900000" },
      {
        exported: ["1795194000000", "1795194899999"],
        counted: ["1795194002", "99999999999", "1795281300000"],
        others: ["100000000000", "1795193999999", "1795194900000", "1795281299999"],
      },
    ],
    [
      "milliseconds",
      { to: "1795194900000" },
      { exported: ["1795194002", "0"], counted: [], others: ["1795194900000"] },
    ],
    [
      "iso8601",
      { from: "2026-11-21T17:00:00.000Z", to: "2026-11-21T18:00:00.000Z" },
      {
        exported: ["2026-11-21T17:00:00.000Z", "2026-11-21T17:59Z", "2026-11-21T17:59:59.999999Z"],
        counted: [
          "2026-11-21 17:30:00Z",
          "2026-11-21T17:30:00",
          "2026-11-21T17:30:00+01:00",
          "",
          "n/a",
          "2027-01-01T00:00:00Z",
          // As text before the window, among times that other runs have exported.
          "2026-11-21T12:30:00-05:00",
          "2026-11-21T12:30:00-05:00[Africa/Zulu]",
          "2026-11-21T05:30:00 PM Z",
          "2026-11-20t17:30:00z",
          "2026-11-20T17:30:00z",
          "2026-11-20T17:30:00 NZDT",
          "2026-11-20T17:30:00,5Z",
          "11/21/2026T17:30:00Z",
          "11-21-2026T17:30:00Z",
          "21 Nov 2026 T17:30Z",
          "20251121T173000Z",
          "2025-W47-6T17:30:00Z",
          "0001-01-01T00:00:00Z",
          "1970-01-01T00:00:00.000Z",
          "-000001-01-01T00:00:00Z",
          "1795194000",
        ],
        others: ["2026-11-21T16:59:59.999Z", "2026-11-21T18:00:00.000Z", "2026-11-22T17:59:59.999Z"],
      },
    ],
  ] as const)(
    "in %s selects its items, and those that no window can hold: %j",
    (unit, window, { exported, counted, others }) => {
      const of = { window, startedAt: 0 };
      const filter = scanFilter(of, "at", unit);
      const isSelected = (item: Item): boolean =>
        holds(filter.FilterExpression, item, {
          ExpressionAttributeNames: { ...filter.ExpressionAttributeNames },
          ExpressionAttributeValues: { ...filter.ExpressionAttributeValues },
        });
      const kindOf = (text: string): string => {
        const at = unit === "iso8601" ? { S: text } : { N: text };
        if (!isSelected({ at })) return "other";
        return isUsable(of, unit, text) ? "exported" : "counted";
      };
      const kinds = { exported, counted, other: others };
      for (const [kind, watermarks] of Object.entries(kinds))
        expect(watermarks.map((each) => [each, kindOf(each)])).toEqual(watermarks.map((each) => [each, kind]));
      const otherType = unit === "iso8601" ? { N: "150" } : { S: "150" };
      expect([isSelected({}), isSelected({ at: otherType })]).toEqual([true, true]);
    },
  );

  it("ends, as text, before all times of its end and later, of any precision", () => {
    const [before, after] = [
      { window: { from: "2026-11-21T17:00:00.000Z", to: "2026-11-21T17:00:00.123Z" }, startedAt: 0 },
      { window: { from: "2026-11-21T17:00:00.123Z", to: "2026-11-21T17:00:01.000Z" }, startedAt: 0 },
    ];
    const has = (of: WindowOfRun, watermark: string): boolean => {
      const filter = scanFilter(of, "at", "iso8601");
      return holds(
        filter.FilterExpression,
        { at: { S: watermark } },
        {
          ...filter,
          ExpressionAttributeNames: { ...filter.ExpressionAttributeNames },
          ExpressionAttributeValues: { ...filter.ExpressionAttributeValues },
        },
      );
    };
    for (const time of ["17:00:00.123Z", "17:00:00.1230Z", "17:00:00.123456Z", "17:00:00.123456789Z", "17:00:00.9Z"])
      expect([time, has(before, `2026-11-21T${time}`), has(after, `2026-11-21T${time}`)]).toEqual([time, false, true]);
    for (const time of ["17:00:00.000Z", "17:00:00.000001Z", "17:00:00.122999Z"])
      expect([time, has(before, `2026-11-21T${time}`), has(after, `2026-11-21T${time}`)]).toEqual([time, true, false]);
  });

  it("of the past does not count what later windows have: a missed run, a backfill", () => {
    const DAY = 86_400;
    const start = 1_795_194_000;
    const of = { window: { from: String(start), to: String(start + 100) }, startedAt: (start + 10 * DAY) * 1_000 };
    const filter = scanFilter(of, "at", "seconds");
    const latest = start + 11 * DAY;
    expect(filter.ExpressionAttributeValues[":latest"]).toEqual({ N: String(latest) });
    expect([isUsable(of, "seconds", String(latest - 1)), isUsable(of, "seconds", String(latest))]).toEqual([
      true,
      false,
    ]);
  });

  it("has every item exactly once, whatever runs are late, early, skipped, failed or repeated", () => {
    fc.assert(
      fc.property(
        fc.constantFrom("seconds", "milliseconds", "iso8601"),
        fc.array(fc.record({ gap: fc.integer({ min: -HOUR_MS, max: 50 * HOUR_MS }), fails: fc.boolean() }), {
          minLength: 1,
        }),
        fc.array(fc.nat(1_000), { maxLength: 30, size: "max" }),
        (unit, runs, offsets) => {
          const windows: Window[] = [];
          let cursor: string | undefined;
          let now = START;
          for (const { gap, fails } of runs) {
            now += gap;
            const window = nextWindow({ unit, endsAt: now, cursor, initialLookbackHours: undefined });
            if (fails) continue;
            windows.push(window);
            cursor = window.to;
          }
          const end = cursor;
          if (end === undefined) return;
          const items = offsets.map((offset) => watermarkAt(unit, START - HOUR_MS + offset * 100_000));
          for (const item of items) {
            const times = windows.filter((window) => has(window, item, unit !== "iso8601")).length;
            expect(times).toBe(has({ to: end }, item, unit !== "iso8601") ? 1 : 0);
          }
        },
      ),
    );
  });
});
