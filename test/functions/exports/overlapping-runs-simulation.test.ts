/** Runs at the same time, and runs after a change of the configuration. */
import { watermarkAt } from "../../../functions/exports/run/window";
import { stateTable } from "../../../functions/exports/storage/state-table";
import { createDynamoDB } from "../../../functions/shared/aws/clients/dynamodb";
import { systemClock } from "../../../functions/shared/clock";
import type { Item } from "../../support/dynamodb-expressions";
import {
  aws,
  BUCKET,
  configure,
  exportedIds,
  expectPublished,
  FOLDER,
  keys,
  logged,
  manifest,
  run,
  setupExports,
  STATE,
  succeeded,
  timesInvoked,
} from "../../support/exports-system";
import { accessDenied } from "../../support/fake-aws";

setupExports();

describe("two runs", () => {
  const item = (id: string): Item => ({
    id: { S: id },
    access_timestamp: { N: String(Math.floor(Date.now() / 1_000) - 60) },
  });
  const documents = () => keys("usermetrics/").map((key) => exportedIds([key]));

  it("of one application on two tables in one second write two documents and two manifests", async () => {
    const now = Date.now();
    jest.spyOn(Date, "now").mockReturnValue(now);
    for (const table of ["logs-a", "logs-b", "logs-c"]) aws.tables.set(table, [[item(table)]]);
    const job = { application: "shop", region: "eu-central-1" };
    const ended = await Promise.all(
      ["logs-a", "logs-b", "logs-c"].map((table_name) => run({ export: "user-logs", job: { ...job, table_name } })),
    );
    for (const each of ended) expect(each).toEqual(succeeded("exported"));
    expect(documents().sort()).toEqual(["logs-a", "logs-b", "logs-c"].map((id) => [id]));
    expect(keys("usermetrics/")).toHaveLength(3);
    for (const key of keys("usermetrics/")) expect(key).toMatch(/shop_userlogs_[\d-]+ \d\d:\d\d:\d\dZ\.json$/);
    expect(
      keys("_exports/000000000000/eu-central-1/exports/user-logs/shop/000000000000/eu-central-1/").filter((key) =>
        key.endsWith("SUCCESS"),
      ),
    ).toHaveLength(3);
  });

  it("never replace an object that somebody else has written: the run fails, and the next one takes the next name", async () => {
    configure({ name: "orders", table: "orders", format: "json", layout: "flat", compression: "none" });
    aws.before = ({ action, resource }) => {
      if (action === "UploadPart") aws.objects.set(resource, Buffer.from("of somebody else"));
      return undefined;
    };
    expect(await run()).toMatchObject({ status: "FAILED", error: "ObjectExistsError" });
    const [theirs = ""] = keys("orders/");
    aws.before = () => undefined;
    const later = Date.now() + 1_000;
    jest.spyOn(Date, "now").mockReturnValue(later);
    expect(await run()).toEqual(succeeded("exported"));
    expect(keys("orders/")).toHaveLength(2);
    expect(aws.objects.get(theirs)?.toString()).toBe("of somebody else");
    expect(aws.uploads.size).toBe(0);
  });

  it("of one day, by hand and by schedule, are two runs; each repeated is none", async () => {
    expect(await run({ trigger: "manual" })).toEqual(succeeded("exported"));
    expect(await run({ trigger: "schedule" })).toEqual(succeeded("exported"));
    expectPublished();
    expect(await run({ trigger: "schedule" })).toMatchObject({ output: { outcome: "exists" } });
    expect(await run({ trigger: "manual" })).toMatchObject({ output: { outcome: "exists" } });
  });
});

describe("incremental runs", () => {
  const incremental = {
    name: "orders",
    table: "orders",
    segments: 2,
    compression: "none",
    mode: "incremental",
    watermark: { attribute: "at", settleSeconds: 300 },
  } as const;
  let now = Date.parse("2026-11-21T10:00:00Z");
  const at = (minutes: number): string => String(Math.floor(now / 1_000) + minutes * 60);
  const item = (id: string, watermark: Item[string] | undefined): Item => ({
    id: { S: id },
    ...(watermark && { at: watermark }),
  });
  beforeEach(() => {
    now = Date.parse("2026-11-21T10:00:00Z");
    jest.spyOn(Date, "now").mockImplementation(() => now);
    configure(incremental);
  });

  it("of one day, by hand and by schedule, keep each other's items; a repeated one replaces its own", async () => {
    aws.tables.set("orders", [[item("early", { N: at(-60) })]]);
    expect(await run({ trigger: "manual" })).toEqual(succeeded("exported"));
    const { window: first } = manifest(FOLDER);
    now += 7 * 3_600_000;
    aws.tables.set("orders", [[item("early", { N: at(-480) }), item("late", { N: at(-10) })]]);
    expect(await run({ trigger: "schedule" })).toEqual(succeeded("exported"));
    expectPublished(["early", "late"]);
    expect(manifest(FOLDER).window).toMatchObject({ to: String(Math.floor(now / 1_000) - 300) });
    expect(first?.from).toBeUndefined();
    const { window: both } = manifest(FOLDER);
    for (const trigger of ["schedule", "manual"] as const) {
      now += 1_000;
      expect(await run({ trigger, force: true })).toEqual(succeeded("exported"));
      expectPublished(["early", "late"]);
      expect(manifest(FOLDER).window).toEqual(both);
    }
  });

  it("of one day have files of two forms after a change between them, and the manifest has each file's", async () => {
    aws.tables.set("orders", [[item("early", { N: at(-60) })]]);
    await run({ trigger: "manual" });
    now += 3_600_000;
    configure({ ...incremental, compression: "gzip" });
    aws.tables.set("orders", [[item("early", { N: at(-120) }), item("late", { N: at(-10) })]]);
    expect(await run({ trigger: "schedule" })).toEqual(succeeded("exported"));
    const { compression, files } = manifest(FOLDER);
    expect([compression, files.map((file) => [file.compression, file.format])]).toEqual([
      "gzip",
      [
        ["none", "ndjson"],
        [undefined, undefined],
      ],
    ]);
  });

  it("read consistently, because a window is read once, and whole tables do not", async () => {
    const areConsistent = () =>
      aws.requests
        .filter(({ action }) => action === "Scan")
        .map(({ body }) => JSON.stringify(body).includes('"ConsistentRead":true'));
    aws.tables.set("orders", [[item("first", { N: at(-10) })]]);
    await run();
    expect(new Set(areConsistent())).toEqual(new Set([true]));
    aws.requests = [];
    configure({ name: "orders", table: "orders" });
    await run({ force: true });
    expect(new Set(areConsistent())).toEqual(new Set([false]));
  });

  it("export items that arrive late, or by a clock that is behind, once", async () => {
    aws.tables.set("orders", [[item("first", { N: at(-10) })]]);
    await run();
    now += 2_000;
    // Stamped before the first run started, written after it.
    aws.tables.set("orders", [
      [item("first", { N: at(-10) }), item("behind", { N: String(Math.floor(now / 1_000) - 32) })],
    ]);
    now += 86_400_000;
    await run({ day: "2026-11-22" });
    expect(exportedIds(manifest("orders/dt=2026-11-22/").files.map(({ key }) => `${BUCKET}/${key}`))).toEqual([
      "behind",
    ]);
  });

  it("count items that no window can hold, in the manifest and once in the metric", async () => {
    const table = [
      [item("good", { N: at(-10) }), item("missing", undefined), item("text", { S: at(-10) })],
      [item("milliseconds", { N: String(now) }), item("soon", { N: at(60) })],
    ];
    aws.tables.set("orders", table);
    await run();
    expect([manifest(FOLDER).items, manifest(FOLDER).unusableItems]).toEqual([1, 3]);
    const counted = () => logged().flatMap((line) => line["unusableItems"] ?? []);
    expect(counted()).toEqual([3]);
    // Each run finds them again: only more of them are news.
    now += 86_400_000;
    await run({ day: "2026-11-22" });
    expect(manifest("orders/dt=2026-11-22/").unusableItems).toBe(3);
    expect(counted()).toEqual([3]);
    aws.tables.set("orders", [...table, [item("another", undefined)]]);
    now += 86_400_000;
    await run({ day: "2026-11-23" });
    expect(counted()).toEqual([3, 1]);
  });

  it("count seconds under the unit milliseconds, which no later window would have", async () => {
    configure({ ...incremental, watermark: { ...incremental.watermark, unit: "milliseconds" } });
    aws.tables.set("orders", [[item("first", { N: at(-10) })]]);
    await run();
    now += 86_400_000;
    aws.tables.set("orders", [[item("first", { N: at(-1450) }), item("second", { N: at(-10) })]]);
    await run({ day: "2026-11-22" });
    expect(manifest("orders/dt=2026-11-22/")).toMatchObject({ items: 0, unusableItems: 2 });
    configure(incremental);
    now += 86_400_000;
    expect(await run({ day: "2026-11-23" })).toMatchObject({ error: "CursorMismatchError" });
  });

  it("count times that are not UTC with T and Z: as text, they may be before a window that has passed", async () => {
    configure({ ...incremental, watermark: { ...incremental.watermark, unit: "iso8601" } });
    const time = (minutes: number) => new Date(now + minutes * 60_000).toISOString();
    aws.tables.set("orders", [[item("first", { S: time(-10) })]]);
    await run();
    now += 3_600_000;
    aws.tables.set("orders", [
      [item("first", { S: time(-70) }), item("second", { S: time(-10) }), item("day", { S: time(-10).slice(0, 10) })],
      [item("space", { S: time(-10).replace("T", " ") }), item("zone", { S: time(-120).replace("Z", "+00:00") })],
      [item("local", { S: time(-600).slice(0, 19) }), item("seconds", { S: `${time(-20).slice(0, 19)}Z` })],
    ]);
    await run({ day: "2026-11-22" });
    const { files, unusableItems } = manifest("orders/dt=2026-11-22/");
    expect(exportedIds(files.map(({ key }) => `${BUCKET}/${key}`))).toEqual(["second", "seconds"]);
    expect(unusableItems).toBe(4);
  });

  it("continue after the unit was corrected", async () => {
    configure({ ...incremental, watermark: { ...incremental.watermark, unit: "milliseconds" } });
    aws.tables.set("orders", [[item("first", { N: at(-10) })]]);
    await run();
    configure(incremental);
    now += 86_400_000;
    aws.tables.set("orders", [[item("first", { N: at(-1450) }), item("second", { N: at(-10) })]]);
    expect(await run({ day: "2026-11-22" })).toEqual(succeeded("exported"));
    expect(exportedIds(manifest("orders/dt=2026-11-22/").files.map(({ key }) => `${BUCKET}/${key}`))).toEqual([
      "second",
    ]);
  });

  it.each([
    ["attribute", { watermark: { ...incremental.watermark, attribute: "created" } }, /attribute "at".*"created"/],
    ["table", { table: "others" }, /table "000000000000\/eu-central-1\/orders".*others"/],
    ["engine", { engine: "dynamodb-export" as const, watermark: undefined }, /engine "scan".*"dynamodb-export"/],
  ])("are refused after the %s has changed, and say what to do", async (_, change, reason) => {
    aws.tables.set("orders", [[item("first", { N: at(-10) })]]).set("others", [[]]);
    await run();
    configure({ ...incremental, ...change });
    now += 86_400_000;
    expect(await run({ day: "2026-11-22" })).toMatchObject({
      status: "FAILED",
      error: "CursorMismatchError",
      cause: expect.stringMatching(reason) as unknown,
    });
    expect(timesInvoked("claimRun")).toBe(2);
  });

  it.each(["seconds", "milliseconds", "iso8601"] as const)(
    "continue at a time that was set by hand, whatever unit the watermark has: %s",
    async (unit) => {
      configure({ ...incremental, watermark: { ...incremental.watermark, unit } });
      const stamp = (minutes: number) => watermarkAt(unit, now + minutes * 60_000);
      const dated = (id: string, minutes: number) =>
        item(id, unit === "iso8601" ? { S: stamp(minutes) } : { N: stamp(minutes) });
      await stateTable(createDynamoDB(), STATE, systemClock).setCursor("orders", now - 3_600_000, undefined);
      aws.tables.set("orders", [[dated("before", -61), dated("at", -60), dated("after", -10)]]);
      expect(await run()).toEqual(succeeded("exported"));
      expect(exportedIds()).toEqual(["at", "after"]);
    },
  );

  it("are refused after the unit has changed if items were left out", async () => {
    aws.tables.set("orders", [[item("milliseconds", { N: String(now - 600_000) })]]);
    await run();
    configure({ ...incremental, watermark: { ...incremental.watermark, unit: "milliseconds" } });
    now += 86_400_000;
    expect(await run({ day: "2026-11-22" })).toMatchObject({
      error: "CursorMismatchError",
      cause: expect.stringContaining("almanac exports cursor") as unknown,
    });
  });
});

describe("files of an earlier configuration", () => {
  it("are deleted once the new ones are published, not before", async () => {
    configure({ name: "orders", table: "orders", format: "json", compression: "none" });
    expect(await run()).toEqual(succeeded("exported"));
    const before = keys();
    configure({ name: "orders", table: "orders", compression: "none", segments: 2 });
    aws.before = ({ action }) => (action === "Scan" ? accessDenied("dynamodb:Scan") : undefined);
    await run({ force: true });
    expect(keys()).toEqual(before);
    aws.before = () => undefined;
    expect(await run({ force: true })).toEqual(succeeded("exported"));
    expectPublished();
  });

  it("leave objects of others in the folder alone", async () => {
    aws.objects.set(`${BUCKET}/${FOLDER}README.txt`, Buffer.from("notes"));
    expect(await run()).toEqual(succeeded("exported"));
    expect(keys(`${FOLDER}README.txt`)).toHaveLength(1);
  });
});
