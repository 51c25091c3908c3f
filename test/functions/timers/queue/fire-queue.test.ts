import {
  fireQueue,
  QueueRefusesError,
  type BatchEntry,
  type FailedEntry,
} from "../../../../functions/timers/queue/fire-queue";
import { sleep } from "../../../../functions/shared/clock";
import type { Fire } from "../../../../functions/timers/schedule/timer";
import { virtualClock } from "../../../support/virtual-clock";

const NOW = Date.parse("2026-11-21T06:00:00.500Z");

function fires(count: number, data = "{}", due = NOW): readonly Fire[] {
  return Array.from({ length: count }, (_, index) => {
    const id = `t${index}`;
    return { kind: "oneshot", id, version: "v", shard: "shard0", due, fireId: `oneshot#${id}`, data };
  });
}

/** A queue, the batches sent, and the largest number in flight. */
function setUp(respond: (entries: readonly BatchEntry[], request: number) => readonly FailedEntry[] = () => []) {
  const clock = virtualClock(NOW);
  const batches: (readonly BatchEntry[])[] = [];
  const seen = { inFlight: 0, max: 0 };
  const sendBatch = async (entries: readonly BatchEntry[]) => {
    batches.push(entries);
    seen.max = Math.max(seen.max, ++seen.inFlight);
    await new Promise(setImmediate);
    seen.inFlight -= 1;
    return respond(entries, batches.length);
  };
  return { queue: fireQueue({ sendBatch, clock, random: () => 0.5, concurrency: 3 }), batches, seen, clock };
}

describe("a queue of fires", () => {
  it("sends full batches, a bounded number at a time", async () => {
    const { queue, batches, seen } = setUp();
    expect(await queue.send(fires(95), NOW + 10_000)).toEqual({ unsent: [], rejected: [], errors: [] });
    expect(batches.map(({ length }) => length)).toEqual([...Array<number>(9).fill(10), 5]);
    expect(seen.max).toBe(3);
  });

  it("keeps a batch below SQS's 256 KB, in bytes", async () => {
    const { queue, batches } = setUp();
    await queue.send(fires(8, JSON.stringify("ü".repeat(30_000))), NOW + 10_000);
    expect(batches.map(({ length }) => length)).toEqual([4, 4]);
  });

  it.each([
    [-5_000, 0],
    [999, 0],
    [1_000, 1],
    [179_999, 179],
    [2_000_000, 900],
  ])("delays a fire due in %i ms by %i s, never past its due time", async (ahead, seconds) => {
    const { queue, batches } = setUp();
    await queue.send(fires(1, "{}", NOW + ahead), NOW + 10_000);
    expect(batches[0]?.[0]?.delaySeconds).toBe(seconds);
  });

  it("retries only the failed entries", async () => {
    const { queue, batches } = setUp((_, request) =>
      request === 1 ? [{ index: 3, isRejected: false, reason: "InternalError" }] : [],
    );
    expect(await queue.send(fires(10), NOW + 10_000)).toEqual({ unsent: [], rejected: [], errors: [] });
    expect(batches.map((batch) => batch.map(({ fire }) => fire.id))[1]).toEqual(["t3"]);
  });

  it("reports rejected fires without retrying them", async () => {
    const { queue, batches } = setUp(() => [{ index: 0, isRejected: true, reason: "InvalidMessageContents" }]);
    const { rejected, unsent } = await queue.send(fires(2), NOW + 10_000);
    expect([rejected.map(({ fire }) => fire.id), unsent, batches.length]).toEqual([["t0"], [], 1]);
  });

  it.each<[string, () => readonly FailedEntry[]]>([
    [
      "a request",
      () => {
        throw new QueueRefusesError("default", "AccessDenied");
      },
    ],
    [
      "its entries",
      () => [0, 1].map((index) => ({ index, isRejected: false, isRefused: true, reason: "KmsAccessDenied" })),
    ],
  ])("gives up after three attempts when the queue refuses %s: others wait for their turn", async (_, respond) => {
    const { queue, batches } = setUp(respond);
    const { unsent, errors } = await queue.send(fires(2), NOW + 50_000);
    expect([unsent.length, batches.length]).toEqual([2, 3]);
    expect(errors).toContainEqual(expect.objectContaining({ name: "QueueRefusesError", callback: "default" }));
  });

  it("gives up a batch that has failed for ten seconds, long before the deadline of its caller", async () => {
    const { queue, clock } = setUp(() => {
      throw new Error("no network");
    });
    const { unsent } = await queue.send(fires(2), NOW + 50_000);
    expect([unsent.length, clock.now() - NOW <= 10_000]).toEqual([2, true]);
  });

  it("does not send batches that have waited for their turn until the deadline", async () => {
    const clock = virtualClock(NOW);
    const sent: string[] = [];
    const sendBatch = async (entries: readonly BatchEntry[]) => {
      sent.push(...entries.map(({ fire }) => fire.id));
      await sleep(clock, 10_000);
      return [];
    };
    const queue = fireQueue({ sendBatch, clock, random: () => 0.5, concurrency: 1 });
    const { unsent } = await queue.send(fires(11), NOW + 10_000);
    expect([sent.length, unsent.map(({ id }) => id)]).toEqual([10, ["t10"]]);
  });

  it("gives up at the deadline of its caller, and reports the unsent fires and the reason", async () => {
    const { queue } = setUp(() => {
      throw new Error("no network");
    });
    const { unsent, errors } = await queue.send(fires(2), NOW + 10_000);
    expect(unsent.map(({ id }) => id)).toEqual(["t0", "t1"]);
    expect(errors).toContainEqual(new Error("no network"));
  });
});
