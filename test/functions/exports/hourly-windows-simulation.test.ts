/** Exports that run more often than daily: a window each, and missed ones are caught up. */
import type { Item } from "../../support/dynamodb-expressions";
import {
  aws,
  BUCKET,
  configure,
  DEPLOYMENT,
  events,
  exportedIds,
  idsOf,
  keys,
  manifest,
  pages,
  reconciled,
  run,
  setupExports,
  succeeded,
} from "../../support/exports-system";
import { accessDenied } from "../../support/fake-aws";

setupExports();

const HOURLY = { expression: "rate(1 hour)", timeZone: "UTC" };
const incremental = {
  name: "orders",
  table: "orders",
  segments: 2,
  compression: "none",
  mode: "incremental",
  watermark: { attribute: "at", settleSeconds: 300 },
} as const;

const time = (hour: number, minute = 0): number => Date.parse("2026-11-21T00:00:00Z") + (hour * 60 + minute) * 60_000;
const item = (hour: number, minute: number): Item => ({
  id: { S: `${hour}:${minute}` },
  at: { N: String(time(hour, minute) / 1_000) },
});
const folder = (hour: number) => `orders/dt=2026-11-21/hour=${hour}/`;
const scheduled = (hour: number) =>
  run({ trigger: "schedule", day: "2026-11-21", time: String(hour), due: time(hour) });
const idsAt = (hour: number) => exportedIds(manifest(folder(hour)).files.map(({ key }) => `${BUCKET}/${key}`));

let now = time(13, 1);
beforeEach(() => {
  now = time(13, 1);
  jest.spyOn(Date, "now").mockImplementation(() => now);
});

describe("an hourly export", () => {
  it("has a folder, a claim and a manifest each hour", async () => {
    configure({ name: "orders", table: "orders", segments: 2, compression: "none" }, HOURLY);
    expect(await scheduled(13)).toEqual(succeeded("exported"));
    expect(await scheduled(13)).toEqual(succeeded("exists"));
    now = time(14, 1);
    expect(await scheduled(14)).toEqual(succeeded("exported"));
    for (const hour of [13, 14]) {
      expect(manifest(folder(hour))).toMatchObject({ day: "2026-11-21", time: String(hour), items: 30 });
      expect([...idsAt(hour)].sort()).toEqual([...idsOf(pages(6))].sort());
      expect(keys(`${folder(hour)}_SUCCESS`)).toHaveLength(1);
      const listed = aws.objects
        .get(`${BUCKET}/_exports/${DEPLOYMENT}/orders/athena/dt=2026-11-21/hour=${hour}/files.txt`)
        ?.toString();
      expect(listed?.trimEnd().split("\n")).toHaveLength(manifest(folder(hour)).files.length);
    }
  });

  it("catches up the hours that it has missed, oldest first, each with its own items", async () => {
    configure(incremental, HOURLY);
    aws.tables.set("orders", [
      [item(12, 30), item(13, 20), item(13, 54), item(13, 56)],
      [item(14, 50), item(15, 10), item(15, 59), item(16, 40), item(16, 58)],
    ]);
    expect(await scheduled(13)).toEqual(succeeded("exported"));
    // The events of 14:00 and 15:00 were lost, and that of 16:00 comes late: the windows are the same.
    now = time(16, 31);
    const ended = await scheduled(16);
    expect(ended).toEqual(succeeded("exported"));
    now = time(17, 0);
    await scheduled(17);
    expect([13, 14, 15, 16, 17].map(idsAt)).toEqual([
      ["12:30"],
      ["13:20", "13:54"],
      ["13:56", "14:50"],
      ["15:10"],
      ["15:59", "16:40"],
    ]);
    expect(manifest(folder(15)).window).toMatchObject({
      from: String(time(13, 55) / 1_000),
      to: String(time(14, 55) / 1_000),
    });
  });

  it("goes on after its schedule has changed: a slot that has a run is not missed", async () => {
    configure(incremental, { expression: "cron(0 12 * * ? *)", timeZone: "UTC" });
    aws.tables.set("orders", [[item(10, 0)]]);
    expect(await run({ trigger: "schedule", day: "2026-11-21", due: time(12) })).toEqual(succeeded("exported"));
    configure(incremental, { expression: "cron(0 17 * * ? *)", timeZone: "UTC" });
    aws.tables.set("orders", [[item(10, 0), item(18, 0)]]);
    now = time(41, 1);
    expect(await run({ trigger: "schedule", day: "2026-11-22", due: time(41) })).toEqual(succeeded("exported"));
  });

  it("catches up nothing that a new schedule would have had before it was known: one window has it", async () => {
    configure(incremental, { expression: "cron(0 12 * * ? *)", timeZone: "UTC" });
    await reconciled();
    aws.tables.set("orders", [[item(10, 0)]]);
    await run({ trigger: "schedule", day: "2026-11-21", due: time(12) });
    configure(incremental, HOURLY);
    now = time(20, 1);
    aws.tables.set("orders", [[item(10, 0), item(13, 30), item(18, 0)]]);
    await scheduled(20);
    expect(idsAt(20)).toEqual(["13:30", "18:0"]);
    await reconciled();
    aws.tables.set("orders", [[item(10, 0), item(13, 30), item(18, 0), item(20, 30), item(21, 30)]]);
    now = time(22, 1);
    await scheduled(22);
    expect([21, 22].map(idsAt)).toEqual([["20:30"], ["21:30"]]);
    expect(keys("orders/").filter((key) => key.endsWith("_manifest.json"))).toHaveLength(4);
  });

  it("finishes a failed hour first, then those after it", async () => {
    configure(incremental, HOURLY);
    aws.tables.set("orders", [[item(12, 30)]]);
    await scheduled(13);
    aws.tables.set("orders", [[item(12, 30), item(13, 30), item(14, 30), item(15, 30)]]);
    aws.before = ({ action }) => (action === "Scan" ? accessDenied("dynamodb:Scan") : undefined);
    now = time(14, 1);
    expect(await scheduled(14)).toMatchObject({ status: "FAILED" });
    aws.before = () => undefined;
    now = time(16, 1);
    expect(await scheduled(16)).toEqual(succeeded("exported"));
    expect([13, 14, 15, 16].map(idsAt)).toEqual([["12:30"], ["13:30"], ["14:30"], ["15:30"]]);
  });

  it("of a whole table does not repeat the hours that it has missed", async () => {
    configure({ name: "orders", table: "orders", segments: 1, compression: "none" }, HOURLY);
    await scheduled(13);
    now = time(16, 1);
    await scheduled(16);
    expect(keys("orders/").filter((key) => key.endsWith("_SUCCESS"))).toEqual(
      [13, 16].map((hour) => `${BUCKET}/${folder(hour)}_SUCCESS`),
    );
  });

  it("does not go back when an old event is redriven", async () => {
    configure(incremental, HOURLY);
    aws.tables.set("orders", [[item(12, 30)]]);
    now = time(15, 1);
    await scheduled(15);
    await scheduled(13);
    now = time(16, 1);
    await scheduled(16);
    expect(
      keys("orders/")
        .filter((key) => key.endsWith("_manifest.json"))
        .map((key) => /hour=(\d+)/.exec(key)?.[1]),
    ).toEqual(["13", "15", "16"]);
    expect([...idsAt(15), ...idsAt(13), ...idsAt(16)]).toEqual(["12:30"]);
  });
});

describe("the end of a run", () => {
  it("is an event: what, where, how many", async () => {
    configure({ name: "orders", table: "orders", segments: 1, compression: "none" }, HOURLY);
    await scheduled(13);
    expect(events).toEqual([
      {
        DetailType: "Export Finished",
        Detail: {
          export: "orders",
          run: manifest(folder(13)).run,
          day: "2026-11-21",
          time: "13",
          trigger: "schedule",
          application: "",
          table: "orders",
          items: 30,
          bytes: manifest(folder(13)).bytes,
          location: `s3://${BUCKET}/${folder(13)}`,
          manifest: `s3://${BUCKET}/${folder(13)}_manifest.json`,
        },
      },
    ]);
  });
});

describe("a backfill", () => {
  it("exports a range whatever was exported, leaves the cursor, and replaces itself", async () => {
    configure(incremental);
    aws.tables.set("orders", [[item(10, 0), item(11, 0), item(12, 0)]]);
    expect(await run({ day: "2026-11-21" })).toEqual(succeeded("exported"));
    const range = { since: time(10, 30), until: time(11, 30) };
    const backfill = { day: "2026-11-21", trigger: "backfill", range, again: true } as const;
    for (const seconds of [1, 2]) {
      now = time(13, 1) + seconds * 1_000;
      expect(await run(backfill)).toEqual(succeeded("exported"));
      expect(exportedIds()).toEqual(["10:0", "11:0", "12:0", "11:0"]);
    }
    expect(manifest()).toMatchObject({
      items: 4,
      window: { to: String(time(12, 56) / 1_000) },
      backfills: [{ from: String(range.since / 1_000), to: String(range.until / 1_000) }],
    });
    now = time(14, 0);
    aws.tables.set("orders", [[item(11, 0), item(12, 0), item(13, 0)]]);
    expect(await run({ day: "2026-11-22" })).toEqual(succeeded("exported"));
    expect(exportedIds(manifest("orders/dt=2026-11-22/").files.map(({ key }) => `${BUCKET}/${key}`))).toEqual(["13:0"]);
  });

  it("of a whole table is refused", async () => {
    const range = { since: time(10), until: time(11) };
    expect(await run({ trigger: "backfill", range })).toMatchObject({ status: "FAILED", error: "ConfigurationError" });
  });
});

describe("a run that somebody asks for again", () => {
  it("exports a whole table again, and an incremental one on from the cursor", async () => {
    await run();
    const first = manifest().run;
    now += 1_000;
    expect(await run()).toEqual(succeeded("exists"));
    expect(await run({ again: true })).toEqual(succeeded("exported"));
    expect(manifest().run).not.toBe(first);
    expect(manifest().items).toBe(30);
    configure({ ...incremental, name: "logs", table: "logs" });
    aws.tables.set("logs", [[item(12, 0)]]);
    await run({ export: "logs" });
    aws.tables.set("logs", [[item(12, 0), item(13, 0)]]);
    now = time(13, 30);
    expect(await run({ export: "logs", again: true })).toEqual(succeeded("exported"));
    expect(exportedIds(manifest("logs/dt=2026-11-21/").files.map(({ key }) => `${BUCKET}/${key}`))).toEqual([
      "12:0",
      "13:0",
    ]);
  });
});
