import * as format from "../../../../functions/heartbeats/status-page/status-format";
import { monitorStatus } from "../../../support/status-documents";
import fc from "../../../support/fast-check";

describe("a percentage", () => {
  it.each([
    [1, "100.00 %"],
    [0.99999, "99.99 %"],
    [0.9998, "99.98 %"],
    [0.57, "57.00 %"],
    [0, "0.00 %"],
    [null, "no data"],
  ])("of %p is %p", (fraction, said) => {
    expect(format.percent(fraction)).toBe(said);
  });

  it("is never 100 where anything is missing", () => {
    fc.assert(
      fc.property(fc.double({ min: 0, max: 1 - 1e-9, noNaN: true }), (fraction) => {
        expect(format.percent(fraction)).not.toBe("100.00 %");
      }),
    );
  });
});

describe("the text format", () => {
  it.each([
    [83.6, "84 ms"],
    [999.6, "1.00 s"],
    [1_240, "1.24 s"],
    [12_400, "12 s"],
    [null, "no data"],
  ])("of a latency of %p ms is %p", (milliseconds, said) => {
    expect(format.latency(milliseconds)).toBe(said);
  });

  it.each([
    [0, "less than a minute"],
    [60_000, "1 min"],
    [4_320_000, "1 h 12 min"],
    [3_600_000, "1 h"],
    [86_400_000 * 3 + 4 * 3_600_000 + 60_000, "3 d 4 h"],
    [86_400_000 + 300_000, "1 d"],
    [3_599_999, "1 h"],
  ])("of a duration of %p ms is %p", (milliseconds, said) => {
    expect(format.duration(milliseconds)).toBe(said);
  });

  it("of times is in UTC", () => {
    expect(format.dayAndTime("2026-11-21T06:55:04Z")).toBe("21 Nov 2026, 06:55 UTC");
    expect(format.day("2026-11-01")).toBe("1 Nov 2026");
  });

  it('of intervals follows "every"', () => {
    expect([60, 300, 90].map(format.interval)).toEqual(["minute", "5 minutes", "90 seconds"]);
  });
});

describe("the overall state", () => {
  const of = (...states: readonly format.State[]) =>
    states.map((state, index) => monitorStatus(`t-${index}`, { state }));

  it.each([
    [of("up", "up"), "up", "All 2 monitors are up"],
    [of("up"), "up", "The monitor is up"],
    [of("up", "down", "unknown"), "down", "1 of 3 is down"],
    [of("down", "down", "up"), "down", "2 of 3 are down"],
    [of("down", "down"), "down", "All 2 monitors are down"],
    [of("up", "unknown", "maintenance"), "unknown", "No data for 1 of 3 monitors"],
    [of("unknown", "unknown"), "unknown", "No data"],
    [of("up", "maintenance"), "maintenance", "1 of 2 is in maintenance"],
    [[], "unknown", "No monitors configured"],
  ] as const)("is the worst state: %#", (monitors, state, said) => {
    expect(format.overallState(monitors)).toBe(state);
    expect(format.headline(monitors)).toBe(said);
  });
});
