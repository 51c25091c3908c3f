import fc from "fast-check";

import {
  changesOf,
  filterOf,
  isEmpty,
  TooSoonError,
  watermarkAt,
  windowOf,
  type Window,
} from "../../../../functions/exports/run/window";
import { HOUR_MS } from "../../../../functions/shared/time";

const START = Date.parse("2026-11-21T17:00:00.500Z");

const has = ({ from, to }: Window, value: string, numeric: boolean): boolean => {
  const before = (a: string, b: string) => (numeric ? Number(a) < Number(b) : a < b);
  return (from === undefined || !before(value, from)) && before(value, to);
};

describe("a window", () => {
  it("begins where the last finished run's ended, and ends at this one's start", () => {
    expect(windowOf({ unit: "seconds", startedAt: START, lastEnd: "1795000000", firstHours: 24 })).toEqual({
      from: "1795000000",
      to: String(Math.floor(START / 1_000)),
    });
  });

  it("of a first run begins with the items, or as far back as it is told", () => {
    expect(windowOf({ unit: "iso8601", startedAt: START, lastEnd: undefined, firstHours: undefined })).toEqual({
      to: "2026-11-21T17:00:00.500Z",
    });
    expect(windowOf({ unit: "iso8601", startedAt: START, lastEnd: undefined, firstHours: 24 }).from).toBe(
      "2026-11-20T17:00:00.500Z",
    );
  });

  it("is empty when the clock has gone back", () => {
    const window = windowOf({ unit: "milliseconds", startedAt: 5, lastEnd: "9", firstHours: undefined });
    expect([window, isEmpty(window)]).toEqual([{ from: "9", to: "9" }, true]);
  });

  it("is asked of Scan by names and values, whatever the attribute is called", () => {
    expect(filterOf({ from: "1", to: "2" }, "timestamp", "seconds")).toEqual({
      FilterExpression: "#watermark >= :from AND #watermark < :to",
      ExpressionAttributeNames: { "#watermark": "timestamp" },
      ExpressionAttributeValues: { ":from": { N: "1" }, ":to": { N: "2" } },
    });
    expect(filterOf({ to: "2026" }, "at", "iso8601").ExpressionAttributeValues).toEqual({ ":to": { S: "2026" } });
  });

  it("of changes is what DynamoDB takes: all of the table at first and after more than a day, and not less than 15 minutes", () => {
    const day = 86_400_000;
    expect(changesOf({ to: "5" })).toBeUndefined();
    expect(changesOf({ from: "0", to: String(day) })).toEqual({ from: 0, to: day });
    expect(changesOf({ from: "0", to: String(day + 1) })).toBeUndefined();
    expect(changesOf({ from: "0", to: "900000" })).toEqual({ from: 0, to: 900_000 });
    expect(() => changesOf({ from: "0", to: "899999" })).toThrow(TooSoonError);
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
          let lastEnd: string | undefined;
          let now = START;
          for (const { gap, fails } of runs) {
            now += gap;
            const window = windowOf({ unit, startedAt: now, lastEnd, firstHours: undefined });
            if (fails) continue;
            windows.push(window);
            lastEnd = window.to;
          }
          const end = lastEnd;
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
