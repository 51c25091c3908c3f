import fc from "fast-check";

import type { Window } from "../../../../functions/exports/contract";
import {
  ExportPeriodTooShortError,
  incrementalPeriod,
  isEmptyWindow,
  nextWindow,
  scanFilter,
  watermarkAt,
} from "../../../../functions/exports/run/window";
import { HOUR_MS } from "../../../../functions/shared/time";

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
    expect(scanFilter({ from: "1", to: "2" }, "timestamp", "seconds")).toEqual({
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
    expect(scanFilter({ to: "2026-11-21T00:00:00.000Z" }, "at", "iso8601").ExpressionAttributeValues).toEqual({
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

  it("has every item exactly once, whatever runs are late, early, skipped, failed or repeated", () => {
    fc.assert(
      fc.property(
        fc.constantFrom("seconds", "milliseconds", "iso8601"),
        fc.array(fc.record({ gap: fc.integer({ min: -HOUR_MS, max: 50 * HOUR_MS }), fails: fc.boolean() }), {
          minLength: 1,
        }),
        fc.array(fc.nat(1_000), { maxLength: 30 }),
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
