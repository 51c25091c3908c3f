import { fireQueue, type Entry, type NotTaken } from "../../../../functions/timers/queue/fire-queue";
import type { Fire } from "../../../../functions/timers/schedule/timer";
import { virtualClock } from "../../../support/virtual-clock";

const NOW = Date.parse("2026-11-21T06:00:00.500Z");

function fires(count: number, data = "{}", due = NOW): readonly Fire[] {
  return Array.from({ length: count }, (_, index) => {
    const id = `t${index}`;
    return { kind: "oneshot", id, version: "v", shard: "shard0", due, fireId: `oneshot#${id}`, data };
  });
}

/** A queue, the batches that it was asked to send, and how many were on their way at one time. */
function setUp(answer: (entries: readonly Entry[], request: number) => readonly NotTaken[] = () => []) {
  const clock = virtualClock(NOW);
  const batches: (readonly Entry[])[] = [];
  const seen = { atOnce: 0, most: 0 };
  const sendBatch = async (entries: readonly Entry[]) => {
    batches.push(entries);
    seen.most = Math.max(seen.most, ++seen.atOnce);
    await new Promise(setImmediate);
    seen.atOnce -= 1;
    return answer(entries, batches.length);
  };
  return { queue: fireQueue({ sendBatch, clock, random: () => 0.5, concurrency: 3 }), batches, seen };
}

describe("a queue of fires", () => {
  it("sends full batches, a bounded number of them at one time", async () => {
    const { queue, batches, seen } = setUp();
    expect(await queue.send(fires(95))).toEqual({ unsent: [], refused: [], errors: [] });
    expect(batches.map(({ length }) => length)).toEqual([...Array<number>(9).fill(10), 5]);
    expect(seen.most).toBe(3);
  });

  it("keeps a batch below SQS's 256 KB, in bytes", async () => {
    const { queue, batches } = setUp();
    await queue.send(fires(8, JSON.stringify("ü".repeat(30_000))));
    expect(batches.map(({ length }) => length)).toEqual([4, 4]);
  });

  it.each([
    [-5_000, 0],
    [999, 0],
    [1_000, 1],
    [179_999, 179],
    [2_000_000, 900],
  ])("holds back what is due in %i ms for %i s, never for longer than until then", async (ahead, seconds) => {
    const { queue, batches } = setUp();
    await queue.send(fires(1, "{}", NOW + ahead));
    expect(batches[0]?.[0]?.delaySeconds).toBe(seconds);
  });

  it("sends again what was not taken, alone", async () => {
    const { queue, batches } = setUp((_, request) =>
      request === 1 ? [{ index: 3, refused: false, reason: "InternalError" }] : [],
    );
    expect(await queue.send(fires(10))).toEqual({ unsent: [], refused: [], errors: [] });
    expect(batches.map((batch) => batch.map(({ fire }) => fire.id))[1]).toEqual(["t3"]);
  });

  it("tells what SQS refuses, and does not send it again", async () => {
    const { queue, batches } = setUp(() => [{ index: 0, refused: true, reason: "InvalidMessageContents" }]);
    const { refused, unsent } = await queue.send(fires(2));
    expect([refused.map(({ fire }) => fire.id), unsent, batches.length]).toEqual([["t0"], [], 1]);
  });

  it("gives up in the end, and tells what is left and why", async () => {
    const { queue } = setUp(() => {
      throw new Error("no network");
    });
    const { unsent, errors } = await queue.send(fires(2));
    expect(unsent.map(({ id }) => id)).toEqual(["t0", "t1"]);
    expect(errors).toContainEqual(new Error("no network"));
  });
});
