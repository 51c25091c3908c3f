import { summariesOf, type Part } from "../../../scripts/console/readers/overview";

describe("a feature on the overview", () => {
  const features = { timers: {}, pipelines: {}, exports: {} };
  const healths = (parts: readonly Part[], unread: ReadonlySet<string>) =>
    Object.fromEntries(summariesOf(features, parts, unread).map(({ name, health }) => [name, health]));

  it("without failures is up", () => {
    expect(healths([], new Set())).toEqual({ timers: "up", pipelines: "up", exports: "up" });
  });

  it("that could not be read is not up", () => {
    expect(healths([], new Set(["timers"]))).toEqual({ timers: "unknown", pipelines: "up", exports: "up" });
  });

  it("has a failure that was read, also when its dead letters were not", () => {
    const failed = [
      { feature: "exports", severity: "down", title: "1 run failed", detail: "", href: "/exports" },
    ] as const;
    expect(healths([{ failed }], new Set(["dead letters"]))).toEqual({
      timers: "unknown",
      pipelines: "unknown",
      exports: "down",
    });
  });
});
