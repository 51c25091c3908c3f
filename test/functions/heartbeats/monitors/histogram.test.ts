import {
  decodeHistogram,
  encodeHistogram,
  histogramOf,
  percentiles,
} from "../../../../functions/heartbeats/monitors/histogram";
import fc from "../../../support/fast-check";

const latencies = fc.array(fc.integer({ min: 0, max: 600_000 }), { minLength: 1, maxLength: 300, size: "max" });
const FRACTIONS = [0.5, 0.95, 0.99] as const;

/** By nearest rank, from every single latency. */
function exact(all: readonly number[], fraction: number): number {
  return all.toSorted((a, b) => a - b)[Math.ceil(fraction * all.length) - 1] ?? NaN;
}

describe("a histogram", () => {
  it("gives each percentile within two percent of the exact one, however it was merged", () => {
    fc.assert(
      fc.property(fc.array(latencies, { minLength: 1, maxLength: 8 }), (hours) => {
        const merged = percentiles(histogramOf(hours.map((hour) => histogramOf([], hour))), FRACTIONS);
        FRACTIONS.forEach((fraction, index) => {
          const expected = Math.max(1, exact(hours.flat(), fraction));
          expect(Math.abs((merged[index] ?? NaN) / expected - 1)).toBeLessThanOrEqual(0.02);
        });
      }),
    );
  });

  it("is the same after it was stored", () => {
    fc.assert(
      fc.property(latencies, (hour) => {
        const histogram = histogramOf([], hour);
        expect(decodeHistogram(encodeHistogram(histogram))).toEqual(new Map([...histogram].sort(([a], [b]) => a - b)));
      }),
    );
  });

  it("is small: a day of 288 latencies within an order of magnitude takes less than a kilobyte", () => {
    const day = Array.from({ length: 288 }, (_, index) => 50 * 10 ** (index / 288));
    expect(encodeHistogram(histogramOf([], day)).length).toBeLessThan(1_000);
  });

  it("knows no percentile of nothing", () => {
    expect(percentiles(decodeHistogram(""), FRACTIONS)).toEqual([null, null, null]);
  });
});
