/** A worker that outlives its run: it stalls at each request of a run in turn. */
import {
  aws,
  DAY,
  expectPublished,
  keys,
  records,
  resetExports,
  run,
  settled,
  setupExports,
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
