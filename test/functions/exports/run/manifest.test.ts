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

describe("the manifest of a day on which the cursor was reset", () => {
  const published = { now: STARTED_AT, unusable: 0 };
  const file = (index: number) => ({ key: `part-${index}`, items: 1, bytes: 1, sha256: "" });
  const day = (...runs: readonly Run[]) =>
    runs.reduce<ReturnType<typeof buildManifest> | undefined>(
      (before, run, index) => buildManifest(run, [file(index)], { ...published, before }),
      undefined,
    );
  const keysOf = (manifest: ReturnType<typeof day>) => manifest?.files.map(({ key }) => key);
  const after = (whole: string, run: Run): Run => ({ ...run, follows: whole });
  const backfill = (index: number): Run => ({
    ...runOf(index, { from: "0", to: "50" }),
    range: { since: 0, until: 1 },
  });

  const [first, second] = [
    after("a", runOf(0, { from: "100", to: "150" })),
    after("a", runOf(1, { from: "150", to: "200" })),
  ];

  it("has each item once: the files of the runs since", () => {
    const manifest = day(
      first,
      second,
      after("b", runOf(2, { to: "300" })),
      after("b", runOf(3, { from: "300", to: "400" })),
    );
    expect(keysOf(manifest)).toEqual(["part-2", "part-3"]);
    expect(manifest?.window).toEqual({ to: "400", attribute: "at", unit: "seconds" });
    expect(manifest?.backfills).toBeUndefined();
  });

  it("has them too when the run that exported all items has another day", () => {
    expect(keysOf(day(first, second, after("b", runOf(2, { from: "120", to: "300" }))))).toEqual(["part-2"]);
  });

  it("has files of before as long as nothing but a backfill is added", () => {
    const added = day(first, after("b", backfill(1)));
    expect(keysOf(added)).toEqual(["part-0", "part-1"]);
    const manifest = day(first, after("b", backfill(1)), after("b", runOf(2, { to: "300" })));
    expect(keysOf(manifest)).toEqual(["part-2"]);
    expect(manifest?.backfills).toBeUndefined();
  });

  it("has one backfill of a range: the one that repeats it replaces it", () => {
    const repeated = backfill(2);
    const manifest = day(first, after("a", backfill(1)), after("a", { ...repeated, replaces: backfill(1).id }));
    expect(keysOf(manifest)).toEqual(["part-0", "part-2"]);
    expect(manifest?.backfills).toEqual([{ from: "0", to: "50", run: repeated.id }]);
  });

  it("names the files that are to be deleted, where the folder does not tell", () => {
    const flat = (run: Run): Run => ({ ...run, config: { ...run.config, layout: "flat" } });
    const again = after("b", runOf(2, { to: "300" }));
    expect(day(flat(first), flat(again))?.replaced).toEqual(["part-0"]);
    expect(day(first, again)?.replaced).toBeUndefined();
    expect(day(flat(first), flat({ ...first, id: second.id, replaces: first.id }))?.replaced).toEqual(["part-0"]);
    const full = (run: Run): Run => flat({ ...run, window: undefined, config: { ...run.config, mode: "full" } });
    // A scheduled run beside one by hand: other systems know both files.
    expect(day(full(first), full(second))?.replaced).toBeUndefined();
  });
});
