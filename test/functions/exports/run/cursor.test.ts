import { exportSchema } from "../../../../functions/exports/contract";
import {
  cursorAt,
  CursorMismatchError,
  cursorSource,
  timeOfCursor,
  type Cursor,
} from "../../../../functions/exports/run/cursor";
import { missedDues } from "../../../../functions/exports/run/schedule";
import { HOUR_MS } from "../../../../functions/shared/time";

const config = exportSchema.parse({ name: "logs", table: "logs", mode: "incremental", watermark: { attribute: "at" } });
const source = cursorSource({ config, account: "123456789012", region: "eu-central-1", tableId: "one" });
const cursor: Cursor = { value: "1795194002", source, unusableItems: 0 };

describe("a stored cursor", () => {
  it.each([
    ["table", { table: "123456789012/eu-central-1/other" }],
    ["engine", { engine: "dynamodb-export" }],
    ["attribute", { attribute: "created" }],
    ["table", { tableId: "two" }],
  ] as const)("of another %s is refused, saying how to go on: %j", (field, other) => {
    const convert = () => cursorAt(cursor, { ...source, ...other });
    expect(convert).toThrow(CursorMismatchError);
    expect(convert).toThrow(new RegExp(`${field}.*--set <time>\`, or \`--reset\``));
  });

  it("in another unit is converted, unless one item was left out", () => {
    expect(cursorAt(cursor, { ...source, unit: "milliseconds" })).toBe("1795194002000");
    expect(cursorAt(cursor, { ...source, unit: "iso8601" })).toBe("2026-11-20T17:00:02.000Z");
    expect(() => cursorAt({ ...cursor, unusableItems: 1 }, { ...source, unit: "iso8601" })).toThrow(
      CursorMismatchError,
    );
    expect(cursorAt({ ...cursor, unusableItems: 1 }, source)).toBe(cursor.value);
  });

  it.each(["", "yesterday", "1e400", "NaN"])("that is no time is refused, saying how to go on: %j", (value) => {
    for (const origin of [source, { ...source, unit: "iso8601" as const }, undefined]) {
      expect(timeOfCursor({ value, source: origin })).toBeUndefined();
      expect(() => cursorAt({ value, source: origin, unusableItems: 0 }, source)).toThrow(CursorMismatchError);
    }
  });

  it("that was set by hand applies to any source, rounded down", () => {
    const set: Cursor = { value: "1795194002999", source: undefined, unusableItems: 0 };
    expect(cursorAt(set, { ...source, table: "another" })).toBe("1795194002");
  });
});

describe("runs that were missed", () => {
  it("are the latest when there are too many: the oldest of them has the items of all before", () => {
    const hourly = { expression: "rate(1 hour)", timeZone: "UTC" };
    const missed = missedDues(hourly, 0, 200 * HOUR_MS);
    expect([missed.length, missed[0], missed.at(-1)]).toEqual([96, 104 * HOUR_MS, 199 * HOUR_MS]);
  });
});
