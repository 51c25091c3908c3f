import { isoTime } from "../../../functions/shared/time";
import fc from "../../support/fast-check";

describe("an ISO time", () => {
  it("is the one of Date, in any order of times", () => {
    const time = fc.oneof(fc.integer(), fc.double({ min: -8.64e15, max: 8.64e15, noNaN: true }).map(Math.trunc));
    fc.assert(
      fc.property(fc.array(time), (times) => {
        for (const at of times.flatMap((one) => [one, one + 1, one + 60_000]).filter((one) => one <= 8.64e15))
          expect(isoTime(at)).toBe(new Date(at).toISOString());
      }),
    );
  });

  it.each([NaN, Infinity, 8.64e15 + 60_000])("is refused for what no Date has: %d", (at) => {
    expect(() => isoTime(at)).toThrow(RangeError);
  });
});
