/** A worker that outlives its run: it stalls at each request of a run in turn. */
import { stateTable } from "../../../functions/exports/storage/state-table";
import { createDynamoDB } from "../../../functions/shared/aws/clients/dynamodb";
import { systemClock } from "../../../functions/shared/clock";
import { MINUTE_MS } from "../../../functions/shared/time";
import {
  aws,
  configure,
  DAY,
  expectPublished,
  keys,
  manifest,
  reconciled,
  records,
  resetExports,
  run,
  settled,
  setupExports,
  STATE,
  startHeld,
  succeeded,
} from "../../support/exports-system";
import { sized } from "../../support/sized";

setupExports();

/** Every eighth request of a run; every night each. */
const STEP = sized(8, 1);

describe("a worker that outlives its run", () => {
  it.each([
    ["resumes the run", false],
    ["starts it over", true],
  ])("changes nothing, at whichever request it stalls while the next execution %s", async (_, force) => {
    let requests = Infinity;
    for (let stalled = 1; stalled <= requests; stalled += STEP) {
      resetExports();
      const { execution: killed, reached, release } = startHeld((arrived) => arrived === stalled);
      await Promise.race([reached, killed.ended]);
      if (requests === Infinity && killed.status() === "SUCCEEDED") requests = stalled;
      killed.abort("killed", "by a test");
      const outcome = await run({ force });
      expect(outcome).toMatchObject({ status: "SUCCEEDED" });
      release();
      await settled();
      expectPublished();
      // An upload that the worker began too late is aborted by the next run.
      const stray = aws.uploads.size;
      if (stray > 0) expect(await run({ force: true })).toEqual(succeeded("exported"));
      expect(aws.uploads.size).toBe(0);
      expect(records().map(({ status }) => status)).not.toContain("RUNNING");
    }
    expect(requests).toBeGreaterThan(30);
  });

  it("does not publish a run whose cursor was set meanwhile, and so move it", async () => {
    const state = stateTable(createDynamoDB(), STATE, systemClock);
    const at = (minutesAgo: number) => ({ N: String(Math.floor(Date.now() / 1_000) - 60 * minutesAgo) });
    let [requests, set] = [Infinity, 0];
    for (let stalled = 1; stalled <= requests; stalled += STEP) {
      resetExports();
      configure({ name: "orders", table: "orders", mode: "incremental", watermark: { attribute: "at" }, segments: 2 });
      aws.tables.set("orders", [[{ id: { S: "old" }, at: at(120) }], [{ id: { S: "new" }, at: at(10) }]]);
      const { execution: stopped, reached, release } = startHeld((arrived) => arrived === stalled);
      await Promise.race([reached, stopped.ended]);
      if (stopped.status() === "SUCCEEDED") requests = stalled;
      stopped.abort("Stopped", "by an operator");
      // As the command does: it refuses a run that has published its files.
      const { active } = await state.exportState("orders");
      const isSet =
        active?.published === false && (await state.setCursor("orders", Date.now() - 60 * MINUTE_MS, active));
      release();
      await settled();
      await reconciled();
      if (!isSet) continue;
      expect(records().map(({ status }) => status)).toEqual(["FAILED"]);
      set += 1;
      expect(await run({ again: true })).toEqual(succeeded("exported"));
      expect(manifest()).toMatchObject({ items: 1 });
    }
    expect(set).toBeGreaterThan(1);
  });

  it("does not mark a folder as whole while the next run publishes", async () => {
    let [requests, atMarker] = [0, 0];
    aws.before = ({ resource }) => {
      requests += 1;
      if (resource.endsWith("_SUCCESS")) atMarker = requests;
      return undefined;
    };
    await run();
    resetExports();
    const { execution: killed, reached, release } = startHeld((arrived) => arrived === atMarker);
    await reached;
    killed.abort("killed", "by a test");
    // Finishes the killed run. The one after it replaces it.
    expect(await run()).toMatchObject({ status: "SUCCEEDED" });

    const marked: string[] = [];
    let isReleased = false;
    aws.before = ({ action, resource }) => {
      if (isReleased && !resource.endsWith("_SUCCESS") && keys(`orders/dt=${DAY}/_SUCCESS`).length > 0)
        marked.push(`${action} ${resource}`);
      if (action === "CompleteMultipartUpload" && !isReleased) {
        isReleased = true;
        release();
      }
      // The run's own marker comes after its manifest.
      if (resource.endsWith("_manifest.json") && action === "PutObject") aws.before = () => undefined;
      return undefined;
    };
    expect(await run({ force: true })).toEqual(succeeded("exported"));
    expect(isReleased).toBe(true);
    expect(marked).toEqual([]);
    expectPublished();
  });
});
