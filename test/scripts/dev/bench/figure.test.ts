import { figure, figureAtMost, median } from "../../../../scripts/dev/bench/figure";

describe("a figure", () => {
  it("meets its goal up to the limit, by what was measured and not by what is shown", () => {
    expect(figureAtMost("heap_mb", 128, "MB", 128)).toMatchObject({ value: 128, goal: "<= 128", met: true });
    expect(figureAtMost("heap_mb", 128.4, "MB", 128)).toMatchObject({ value: 128.4, met: false });
    expect(figure("checks_per_s", 1071.4, "1/s")).toEqual({
      name: "checks_per_s",
      value: 1071.4,
      unit: "1/s",
      goal: null,
      met: null,
    });
  });

  it("is shown with no more digits than mean something", () => {
    expect(figure("a", 0.123_456, "s").value).toBe(0.123);
    expect(figure("a", 1234.567, "s").value).toBe(1234.6);
    expect(figure("a", 10.512, "USD").value).toBe(10.51);
  });
});

describe("the median", () => {
  it("is the middle one, the lower of two", () => {
    expect(median([3, 1, 2])).toBe(2);
    expect(median([4, 1, 3, 2])).toBe(2);
    expect(() => median([])).toThrow(RangeError);
  });
});
