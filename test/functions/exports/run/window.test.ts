import type { Window } from "../../../../functions/exports/contract";
import {
  ExportPeriodTooShortError,
  incrementalPeriod,
  isEmptyWindow,
  isUsable,
  nextWindow,
  scanFilter,
  watermarkAt,
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
        "#watermark >= :from AND #watermark < :to OR attribute_not_exists(#watermark) OR NOT attribute_type(#watermark, :type) OR #watermark >= :latest",
      ExpressionAttributeNames: { "#watermark": "timestamp" },
      ExpressionAttributeValues: {
        ":from": { N: "1" },
        ":to": { N: "2" },
        ":type": { S: "N" },
        ":latest": { N: "86402" },
      },
    });
    expect(
      scanFilter({ window: { to: "2026-11-21T00:00:00.000Z" }, startedAt: 0 }, "at", "iso8601")
        .ExpressionAttributeValues,
    ).toEqual({
      ":to": { S: "2026-11-21T00:00:00.000Z" },
      ":type": { S: "S" },
      ":latest": { S: "2026-11-22T00:00:00.000Z" },
      ":t": { S: "T" },
      ":z": { S: "Z" },
    });
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
      { from: "100", to: "200" },
      { exported: ["100", "199"], counted: ["86600"], others: ["99", "200", "86599"] },
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

  it("of the past does not count what later windows have: a missed run, a backfill", () => {
    const DAY = 86_400;
    const of = { window: { from: "100", to: "200" }, startedAt: 10 * DAY * 1_000 };
    const filter = scanFilter(of, "at", "seconds");
    expect(filter.ExpressionAttributeValues[":latest"]).toEqual({ N: String(11 * DAY) });
    expect([isUsable(of, "seconds", String(11 * DAY - 1)), isUsable(of, "seconds", String(11 * DAY))]).toEqual([
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
