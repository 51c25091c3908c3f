import {
  checkBodySize,
  fittingItems,
  ResponseTooLargeError,
} from "../../../../functions/shared/handlers/response-size";
import fc from "../../../support/fast-check";

/** What a Lambda function returns for a list. */
const sent = (items: readonly unknown[]) =>
  Buffer.byteLength(
    JSON.stringify({ statusCode: 200, headers: {}, body: JSON.stringify({ items, next: "x".repeat(1_000) }) }),
  );

describe("items of a response", () => {
  it("fit into Lambda's 6 MB as sent, and no more than necessary is left", () => {
    const unit = fc.constantFrom("a", '"', "\\", "\u0000", "ü", "🙂", "\ud800");
    fc.assert(
      fc.property(fc.array(fc.tuple(unit, fc.integer({ min: 1, max: 200_000 })), { maxLength: 60 }), (texts) => {
        const items = texts.map(([character, count]) => character.repeat(count));
        const fitting = fittingItems(items);
        expect(sent(fitting)).toBeLessThanOrEqual(6_000_000);
        expect(fitting.length).toBeGreaterThanOrEqual(Math.min(1, items.length));
        if (fitting.length < items.length) expect(sent(items.slice(0, fitting.length + 1))).toBeGreaterThan(5_980_000);
        expect(() => {
          checkBodySize(JSON.stringify({ items: fitting }));
        }).not.toThrow();
      }),
      { numRuns: 30 },
    );
  });

  it("that do not fit are a fault of ours, not a 502 without a log", () => {
    expect(() => {
      checkBodySize('"'.repeat(3_000_000));
    }).toThrow(ResponseTooLargeError);
    expect(() => {
      checkBodySize("x".repeat(5_900_000));
    }).not.toThrow();
  });
});
