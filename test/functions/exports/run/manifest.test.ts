import { runSchema, type Run } from "../../../../functions/exports/contract";
import { buildManifest } from "../../../../functions/exports/run/manifest";

const STARTED_AT = Date.parse("2026-11-21T17:00:00.000Z");

const runOf = (index: number, window: Run["window"]): Run =>
  runSchema.parse({
    deployment: "123456789012/eu-central-1/shop-live-exports-run",
    exportId: "orders",
    id: new Date(STARTED_AT + index).toISOString(),
    day: "2026-11-21",
    trigger: "manual",
    startedAt: STARTED_AT + index,
    keyTime: STARTED_AT + index,
    config: { name: "orders", table: "orders", mode: "incremental", watermark: { attribute: "at" } },
    application: "",
    account: "123456789012",
    region: "eu-central-1",
    bucket: "files",
    window,
    keepsCursor: false,
    segments: 1,
    attempt: 1,
  });

describe("the manifest of a day with two windows", () => {
  it.each([
    [
      { from: "100", to: "200" },
      { from: "200", to: "300" },
      { from: "100", to: "300" },
    ],
    [
      { from: "200", to: "300" },
      { from: "100", to: "200" },
      { from: "100", to: "300" },
    ],
    [{ to: "200" }, { from: "200", to: "300" }, { to: "300" }],
    // As numbers, not as text.
    [
      { from: "90", to: "99" },
      { from: "99", to: "1000" },
      { from: "90", to: "1000" },
    ],
  ])("has the files and the window of both, in whatever order: %j, %j", (first, second, both) => {
    const file = (index: number) => ({ key: `part-${index}`, items: 1, bytes: 1, sha256: "" });
    const published = { now: STARTED_AT, unusable: 0 };
    const before = buildManifest(runOf(0, first), [file(0)], { ...published, before: undefined });
    const manifest = buildManifest(runOf(1, second), [file(1)], { ...published, before });
    expect(manifest.files.map(({ key }) => key)).toEqual(["part-0", "part-1"]);
    expect(manifest.window).toEqual({ ...both, attribute: "at", unit: "seconds" });
  });
});
