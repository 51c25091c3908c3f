/** The state table's conditions, against workers and steps that come too late. */
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";

import { runSchema } from "../../../../functions/exports/contract";
import { stateTable } from "../../../../functions/exports/storage/state-table";
import { systemClock } from "../../../../functions/shared/clock";
import { HOUR_MS } from "../../../../functions/shared/time";
import type { Item } from "../../../support/dynamodb-expressions";
import { FakeAws } from "../../../support/fake-aws";

const aws = new FakeAws("state");
let state: ReturnType<typeof stateTable>;
beforeAll(() => aws.listen());
afterAll(() => {
  aws.close();
});
beforeEach(() => {
  aws.reset();
  const credentials = { accessKeyId: "test", secretAccessKey: "test" };
  const dynamodb = new DynamoDBClient({ endpoint: aws.endpoint, region: "eu-central-1", credentials });
  state = stateTable(dynamodb, "state", systemClock);
});

const STARTED_AT = Date.parse("2026-11-21T17:00:02.120Z");
const run = runSchema.parse({
  deployment: "123456789012/eu-central-1/shop-live-exports-run",
  exportId: "orders",
  id: new Date(STARTED_AT).toISOString(),
  day: "2026-11-21",
  trigger: "schedule",
  startedAt: STARTED_AT,
  keyTime: STARTED_AT,
  config: { name: "orders", table: "orders" },
  application: "",
  account: "123456789012",
  region: "eu-central-1",
  bucket: "files",
  keepsCursor: false,
  segments: 1,
  attempt: 1,
});
const result = { location: "s3://files/orders/", items: 3, bytes: 300 };

describe("a worker whose segment another one has taken over", () => {
  const [older, newer] = ["older", "newer"].map((worker) => ({ run, segment: 0, worker }));
  const read = (items: number) => ({ items, bytes: 100 * items, unusable: 0 });

  it.each(["progress", "a checkpoint"])("saves no %s, and hears that it must stop", async (what) => {
    if (older === undefined || newer === undefined) throw new Error("there are two");
    await state.claimSegment(older);
    await state.claimSegment(newer);
    await state.saveProgress(newer, read(7));
    const late =
      what === "progress"
        ? state.saveProgress(older, read(2))
        : state.saveCheckpoint(older, { lastKey: "{}", nextPart: 1, done: true, read: read(2) }, undefined);
    await expect(late).rejects.toMatchObject({ name: "SegmentTakenOverError" });
    expect(await state.runProgress(run)).toMatchObject({ ...read(7), unusable: 0, segmentsDone: 0 });
  });
});

describe("the end of a run", () => {
  it("is recorded once when its response was lost, and the step is repeated", async () => {
    expect(await state.activate(run, "arn:execution", await state.exportState("orders"))).toBe(true);
    await state.finish(run, result, 0);
    const [ended] = await state.latestRuns("orders", 1);
    const { version } = await state.exportState("orders");
    await state.finish(run, { ...result, items: 4 }, 0);
    expect(await state.latestRuns("orders", 1)).toEqual([ended]);
    expect(await state.exportState("orders")).toMatchObject({ active: undefined, version });
  });

  it("is refused to an attempt that another has taken over", async () => {
    await state.activate(run, "arn:execution", await state.exportState("orders"));
    await state.activate({ ...run, attempt: 2 }, "arn:next", await state.exportState("orders"));
    await expect(state.finish(run, result, 0)).rejects.toMatchObject({ name: "RunSupersededError" });
    expect(await state.latestRuns("orders", 1)).toMatchObject([{ status: "RUNNING", execution: "arn:next" }]);
  });
});

describe("a run's beginning", () => {
  it("is refused to the id of a run that has finished: one of the same millisecond, whose record it would replace", async () => {
    await state.activate(run, "arn:execution", await state.exportState("orders"));
    await state.finish(run, result, 0);
    const [ended] = await state.latestRuns("orders", 1);
    expect(await state.activate(run, "arn:next", await state.exportState("orders"))).toBe(false);
    expect(await state.latestRuns("orders", 1)).toEqual([ended]);
    expect((await state.exportState("orders")).active).toBeUndefined();
  });

  it("is refused when the export has changed since it was read", async () => {
    const before = await state.exportState("orders");
    await state.activate(run, "arn:execution", before);
    const late = { ...run, id: new Date(STARTED_AT + 1).toISOString() };
    expect(await state.activate(late, "arn:late", before)).toBe(false);
    expect((await state.exportState("orders")).active).toMatchObject({ execution: "arn:execution" });
  });
});

describe("a row that was changed by hand", () => {
  const users = { ...run, exportId: "users" };
  /** In the rows whose key ends so. */
  const change = (end: string, fields: Item) => {
    for (const [key, row] of aws.rows) if (key.endsWith(end)) aws.rows.set(key, { ...row, ...fields });
  };
  beforeEach(async () => {
    for (const each of [run, users])
      await state.activate(each, `arn:${each.exportId}`, await state.exportState(each.exportId));
  });

  // A double does not hold the second.
  it.each([{ S: "today" }, { N: "9007199254740993.5" }])("hides no other export that runs: %j", async (since) => {
    change("users", { since });
    const unreadable: string[] = [];
    expect(await state.runningExports((name) => void unreadable.push(name))).toMatchObject([{ exportId: "orders" }]);
    expect(unreadable).toEqual(["users"]);
  });

  it.each([
    { status: { S: "ASLEEP" } },
    { finishedAt: { S: "yesterday" } },
    { items: { N: "9007199254740993.5" } },
    ...["{", "{}", JSON.stringify({ ...run, startedAt: 1e17 })].map((text) => ({ run: { S: text } })),
  ])("hides no other run of its export (%j)", async (fields) => {
    await state.finish(run, result, 0);
    const next = { ...run, id: new Date(STARTED_AT + HOUR_MS).toISOString() };
    await state.activate(next, "arn:next", await state.exportState("orders"));
    change(next.id, fields);
    const unreadable: string[] = [];
    const runs = await state.latestRuns("orders", 2, (id) => void unreadable.push(id));
    expect(runs).toMatchObject([{ status: "SUCCEEDED", execution: "arn:orders" }]);
    expect(unreadable).toEqual([next.id]);
  });
});

describe("the latest runs", () => {
  it("are as many as asked for, also when they are longer than DynamoDB's pages", async () => {
    await state.activate(run, "arn:orders", await state.exportState("orders"));
    const [key = "", row] = [...aws.rows].find(([each]) => each.includes("run#")) ?? [];
    const ids = Array.from({ length: 30 }, (_, hours) => new Date(STARTED_AT + hours * HOUR_MS).toISOString());
    for (const id of ids)
      aws.rows.set(key.replace(run.id, id), {
        ...row,
        sk: { S: `run#${id}` },
        run: { S: JSON.stringify({ ...run, id }) },
        cause: { S: "x".repeat(100_000) },
      });
    for (const limit of [1, 25, 30, 1_000]) {
      const latest = await state.latestRuns("orders", limit);
      expect(latest.map((record) => record.run.id)).toEqual(ids.toReversed().slice(0, limit));
    }
  });
});

describe("a row of a run that was changed by hand", () => {
  const claim = { run, segment: 0, worker: "worker" };
  const checkpoint = { nextPart: 0, done: false, read: { items: 0, bytes: 0 } };

  it.each([
    { lastKey: { S: '{"id":{"S":"1"' } },
    { lastKey: { S: '{"id":"1"}' } },
    { lastKey: { N: "1" } },
    { nextPart: { N: "-1" } },
    { done: { S: "no" } },
  ])("is named, where the segment would go on elsewhere: %j", async (fields) => {
    await state.claimSegment(claim);
    await state.saveCheckpoint(claim, { ...checkpoint, lastKey: '{"id":{"S":"1"}}' }, undefined);
    expect(await state.claimSegment(claim)).toMatchObject({ lastKey: '{"id":{"S":"1"}}' });
    for (const [key, row] of aws.rows) if (key.includes("segment#")) aws.rows.set(key, { ...row, ...fields });
    await expect(state.claimSegment(claim)).rejects.toMatchObject({
      name: "UnreadableRowError",
      message: expect.stringContaining(`"segment#0000" of "orders#${run.id}"`) as unknown,
    });
  });

  it("is named, where a file would be missing", async () => {
    await state.saveFile(run, 3, { key: "part", items: 1, bytes: 1, sha256: "0" });
    for (const [key, row] of aws.rows) if (key.includes("part#")) aws.rows.set(key, { ...row, items: { S: "many" } });
    await expect(state.parts(run)).rejects.toMatchObject({ name: "UnreadableRowError" });
  });
});

describe("the cursor", () => {
  it("stays where it is after a backfill, and after a window that is repeated", async () => {
    const window = { from: "1795190400", to: "1795194000" };
    for (const more of [
      { window },
      { window: { from: "0", to: "86400" }, range: { since: 0, until: 86_400_000 }, keepsCursor: true },
      { window: { from: "0", to: "1" }, keepsCursor: true },
    ]) {
      const next = { ...run, ...more };
      await state.activate(next, "arn:orders", await state.exportState("orders"));
      await state.finish(next, result, 0);
      aws.rows.delete([...aws.rows.keys()].find((key) => key.endsWith(`run#${run.id}`)) ?? "");
      expect((await state.exportState("orders")).cursor).toMatchObject({ value: window.to });
    }
  });
});

describe("a run whose record cannot be read", () => {
  it.each(["{", "{}", JSON.stringify({ ...run, from: "another version" })])(
    "is as good as one that has none: its export is claimed again (%j)",
    async (text) => {
      await state.activate(run, "arn:orders", await state.exportState("orders"));
      for (const [key, row] of aws.rows) if (key.endsWith(run.id)) aws.rows.set(key, { ...row, run: { S: text } });
      expect(await state.run("orders", run.id)).toBeUndefined();
    },
  );
});

describe("what a run leaves in its export's state", () => {
  const finish = async (more: Partial<typeof run>, unusable = 0) => {
    const next = { ...run, ...more };
    await state.activate(next, "arn:execution", await state.exportState("orders"));
    await state.finish(next, result, unusable);
  };
  const later = (hours: number) => new Date(STARTED_AT + hours * HOUR_MS).toISOString();

  it("is the last run that began without a cursor, until another one does", async () => {
    await finish({ follows: run.id });
    expect((await state.exportState("orders")).wholeRun).toBe(run.id);
    await finish({ id: later(1), follows: run.id });
    expect((await state.exportState("orders")).wholeRun).toBe(run.id);
    await finish({ id: later(2), follows: later(2) });
    expect((await state.exportState("orders")).wholeRun).toBe(later(2));
  });

  it("are the items that it left out, until the cursor is set", async () => {
    await finish({ window: { to: "1764000000" } }, 5);
    expect((await state.exportState("orders")).cursor).toMatchObject({ value: "1764000000", unusableItems: 5 });
    expect(await state.setCursor("orders", STARTED_AT, undefined)).toBe(true);
    expect((await state.exportState("orders")).cursor).toEqual({
      value: String(STARTED_AT),
      source: undefined,
      unusableItems: 0,
    });
  });

  it("is no failure once another attempt has begun: that is published, or fails in its turn", async () => {
    const failure = { status: "FAILED", error: "NoSuchBucket", cause: "none", abandoned: true } as const;
    await state.activate(run, "arn:first", await state.exportState("orders"));
    expect(await state.fail("orders", "arn:first", failure)).toBe("recorded");
    await expect(state.markPublished(run)).rejects.toMatchObject({ name: "RunSupersededError" });
    const again = { ...run, attempt: 2 };
    await state.activate(again, "arn:second", await state.exportState("orders"));
    expect((await state.exportState("orders")).active).toMatchObject({ abandoned: false });
    await state.markPublished(again);
    expect(await state.fail("orders", "arn:second", failure)).toBe("recorded");
  });

  it("is when its latest scheduled run was due, or since when its schedule is known, whichever is later", async () => {
    const since = await state.scheduledUntil("orders", "daily");
    expect(since).toBeGreaterThan(STARTED_AT);
    // A run of before, which was late.
    await finish({ due: STARTED_AT });
    expect(await state.scheduledUntil("orders", "daily")).toBe(since);
    await finish({ id: later(1), due: since + HOUR_MS });
    expect(await state.scheduledUntil("orders", "daily")).toBe(since + HOUR_MS);
  });
});
