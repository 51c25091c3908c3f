import { backoffMs, jitteredBackoffMs } from "../../../../functions/shared/resilience/backoff";

const BACKOFF = { firstMs: 50, longestMs: 300 };

describe("an exponential backoff", () => {
  it("doubles with each failure, up to a limit", () => {
    expect([1, 2, 3, 4, 5, 2_000].map((failures) => backoffMs(failures, BACKOFF))).toEqual([
      50, 100, 200, 300, 300, 300,
    ]);
  });

  it("is anything from zero to that with full jitter", () => {
    expect([0, 0.5, 0.99].map((uniform) => jitteredBackoffMs(2, BACKOFF, () => uniform))).toEqual([0, 50, 99]);
  });
});
