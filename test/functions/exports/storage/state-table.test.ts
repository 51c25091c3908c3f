/** The state table's conditions, against workers and steps that come too late. */
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";

import { runSchema } from "../../../../functions/exports/contract";
import { stateTable } from "../../../../functions/exports/storage/state-table";
import { systemClock } from "../../../../functions/shared/clock";
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
