import { sendInBatches, type BatchOptions } from "../../../../functions/shared/aws/batches";
import { virtualClock } from "../../../support/virtual-clock";
import fc from "../../../support/fast-check";

const items = (count: number): number[] => Array.from({ length: count }, (_, index) => index);

describe("sending in batches", () => {
  const sending = (send: BatchOptions<number>["send"], deadline = Infinity): BatchOptions<number> => {
    return { batchSize: 25, concurrency: 4, deadline, clock: virtualClock(), random: () => 0.5, send };
  };

  it("sends every item exactly once, whatever is left unprocessed", async () => {
    // Each batch's successive responses: how many of its items are left.
    const answers = fc.array(fc.array(fc.nat(25), { maxLength: 5 }), { maxLength: 8 });
    await fc.assert(
      fc.asyncProperty(fc.nat(150), answers, async (count, leftOver) => {
        const sent: number[] = [];
        const send = (batch: readonly number[]): Promise<readonly number[]> => {
          expect(batch.length).toBeLessThanOrEqual(25);
          const left = leftOver[Math.floor((batch[0] ?? 0) / 25)]?.shift() ?? 0;
          sent.push(...batch.slice(left));
          return Promise.resolve(batch.slice(0, left));
        };
        expect(await sendInBatches(items(count), sending(send))).toEqual({ items: [], errors: [] });
        expect(sent.sort((a, b) => a - b)).toEqual(items(count));
      }),
    );
  });

  it("returns what is unsent at the deadline, and sends nothing after it", async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 60 }), fc.nat(20_000), async (count, deadline) => {
        const clock = virtualClock();
        const send = (batch: readonly number[]): Promise<readonly number[]> => {
          expect(clock.now()).toBeLessThanOrEqual(deadline);
          return Promise.resolve(batch);
        };
        const unsent = await sendInBatches(items(count), { ...sending(send, deadline), clock });
        expect(unsent).toEqual({ items: items(count), errors: [] });
      }),
    );
  });

  it("gives up a batch that is rejected, and no other", async () => {
    const refusal = new Error("refused");
    const send = (batch: readonly number[]): Promise<readonly number[]> =>
      batch.includes(30) ? Promise.reject(refusal) : Promise.resolve([]);
    const unsent = await sendInBatches(items(60), sending(send));
    expect(unsent).toEqual({ items: items(60).slice(25, 50), errors: [refusal] });
  });

  it("waits longer after each failure", async () => {
    const clock = virtualClock();
    const times: number[] = [];
    const send = (batch: readonly number[]): Promise<readonly number[]> => {
      times.push(clock.now());
      return Promise.resolve(times.length < 5 ? batch : []);
    };
    await sendInBatches([1], { ...sending(send), clock });
    expect(times).toEqual([0, 25, 75, 175, 375]);
  });
});
