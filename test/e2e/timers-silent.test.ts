/** Timers of the deployed system while SQS does not answer, or a queue refuses, through a proxy in front of it; on the clock of the system. */
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import * as z from "zod";
import { TimersClient } from "../../clients/timers";
import { MINUTE_MS } from "../../functions/shared/time";
import { withQueueProxy, type QueueProxy } from "./support/queue-proxy";
import { awsConfiguration, eventually, home, npmRun, readSystem, startArguments } from "./support/system";
import { recordedFires } from "./support/timers";

const outputsSchema = z.looseObject({ api_url: z.url(), history_table_name: z.string() });

const FUNCTIONS = ["almanac-local-timers-api", "almanac-local-timers-dispatch"];
const BILLING_QUEUE = "timers-fires-billing";

describe("timers, deployed, behind a proxy in front of SQS", () => {
  let aws: ReturnType<typeof awsConfiguration>;
  let outputs: z.output<typeof outputsSchema>;
  let timers: TimersClient;
  let dynamodb: DynamoDBClient;

  beforeAll(async () => {
    const { endpoint, deployment } = await readSystem();
    aws = awsConfiguration(endpoint);
    outputs = outputsSchema.parse(deployment?.features["timers"]);
    timers = new TimersClient({ url: outputs.api_url, ...aws });
    dynamodb = new DynamoDBClient(aws);
  });

  async function clock(...words: readonly string[]): Promise<void> {
    const { code, output } = await npmRun("clock", ...words, "--home", home);
    expect([code, output]).toEqual([0, expect.anything()]);
  }

  /** Puts the clock back before the functions are as they were: its move keeps their state. */
  const behindProxy = (work: (proxy: QueueProxy) => Promise<void>) =>
    withQueueProxy(aws, FUNCTIONS, async (proxy) => {
      try {
        await work(proxy);
      } finally {
        proxy.set("forward");
        await clock("now");
      }
    });

  /** The recorded due times of a timer, in order, once there are as many. */
  async function dueTimes(kind: "periodic" | "oneshot", id: string, count: number): Promise<readonly number[]> {
    const fires = await eventually(
      () => recordedFires(dynamodb, outputs.history_table_name, `${kind}#${id}`),
      ({ length }) => length >= count,
    );
    expect(fires.filter(({ lateMs, outcome }) => lateMs < 0 || outcome !== "succeeded")).toEqual([]);
    return fires.map(({ dueAt }) => Date.parse(dueAt)).sort((a, b) => a - b);
  }

  /** One fire for each minute. */
  function expectNoGap(due: readonly number[], first: string | null): void {
    const begin = Date.parse(first ?? "");
    expect(due).toEqual(due.map((_, index) => begin + index * MINUTE_MS));
  }

  it("are put while SQS is silent, wait while the queue refuses, and have lost no fire once it accepts", async () => {
    await behindProxy(async (proxy) => {
      proxy.set("silent");
      const once = await timers.oneshot.put("silent-once", { delaySeconds: 90 });
      const each = await timers.periodic.put("silent-each", { every: "1 minute" });
      await timers.periodic.put("silent-latest", { every: "1 minute", catchUp: "latest" });
      expect([once.state, each.state, proxy.withheld() > 0]).toEqual(["scheduled", "scheduled", true]);
      proxy.set("denied");
      const denied = proxy.withheld();
      await clock("advance", "4m");
      expect(proxy.withheld()).toBeGreaterThan(denied);
      expect(await recordedFires(dynamodb, outputs.history_table_name, "oneshot#silent-")).toEqual([]);
      expect(await timers.oneshot.get("silent-once")).toMatchObject({ nextFireAt: once.nextFireAt, lastFiredAt: null });

      proxy.set("forward");
      await clock("advance", "2m");
      expect(await dueTimes("oneshot", "silent-once", 1)).toEqual([Date.parse(once.nextFireAt ?? "")]);
      const times = await dueTimes("periodic", "silent-each", 5);
      expectNoGap(times, each.nextFireAt);
      expect(await timers.periodic.audit("silent-each")).toMatchObject({ missing: [], failed: [], early: [] });
      // Of those that waited, only the last one.
      const fires = await recordedFires(dynamodb, outputs.history_table_name, "periodic#silent-latest");
      const caughtUp = fires.filter(({ outcome }) => outcome === "succeeded");
      expect(caughtUp.length).toBeGreaterThan(0);
      expect(caughtUp.length).toBeLessThanOrEqual(times.length - 2);
    });
  });

  it("of a callback whose queue refuses delay no other, wait, and are moved with all the fires that wait", async () => {
    await behindProxy(async (proxy) => {
      const billed = await timers.periodic.put("refused-billed", {
        every: "1 minute",
        callback: "billing",
        enabled: false,
      });
      const other = await timers.periodic.put("refused-other", { every: "1 minute" });
      const kept = await timers.periodic.put("kept-billed", { every: "1 minute", callback: "billing", enabled: false });
      proxy.set("denied", BILLING_QUEUE);
      const resumed = await timers.periodic.resume(billed.id);
      const waiting = await timers.periodic.resume(kept.id);
      await clock("advance", "4m");
      expectNoGap(await dueTimes("periodic", "refused-other", 3), other.nextFireAt);
      expect(await recordedFires(dynamodb, outputs.history_table_name, "periodic#refused-billed")).toEqual([]);

      const words = ["move", "--from", "billing", "--to", "default", "--prefix", "refused-", "--env", "local"];
      const moved = await npmRun("timers", ...words, ...startArguments);
      expect([moved.code, moved.output]).toEqual([0, expect.stringContaining("1 moved")]);
      proxy.set("forward");
      await clock("advance", "2m");
      expectNoGap(await dueTimes("periodic", "kept-billed", 5), waiting?.nextFireAt ?? null);
      expectNoGap(await dueTimes("periodic", "refused-billed", 5), resumed?.nextFireAt ?? null);
      expect(await timers.periodic.get(billed.id)).toMatchObject({ callback: "default" });
    });
  });
});
