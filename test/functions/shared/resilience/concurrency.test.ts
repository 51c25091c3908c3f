import { sleep } from "../../../../functions/shared/clock";
import { mapConcurrently, semaphore } from "../../../../functions/shared/resilience/concurrency";
import { virtualClock } from "../../../support/virtual-clock";
import fc from "../../../support/fast-check";

describe("mapping concurrently", () => {
  it("does all work once, in the items' order, never more at a time than allowed, and never fewer without need", async () => {
    const durations = fc.array(fc.integer({ min: 1, max: 1_000 }), { maxLength: 40, size: "max" });
    await fc.assert(
      fc.asyncProperty(durations, fc.integer({ min: 1, max: 10 }), async (durations, limit) => {
        const clock = virtualClock();
        let busy = 0;
        let most = 0;
        const results = await mapConcurrently(durations, limit, async (duration) => {
          most = Math.max(most, ++busy);
          await sleep(clock, duration);
          busy--;
          return duration * 2;
        });
        expect(results).toEqual(durations.map((duration) => duration * 2));
        expect(most).toBe(Math.min(limit, durations.length));
        // Graham's bound for list scheduling. The checker's timeout depends on it.
        const sum = durations.reduce((total, duration) => total + duration, 0);
        expect(clock.now()).toBeLessThanOrEqual(sum / limit + Math.max(0, ...durations));
      }),
    );
  });

  it("rejects with the first failure", async () => {
    const work = (item: number): Promise<number> =>
      item === 2 ? Promise.reject(new Error("two")) : Promise.resolve(item);
    await expect(mapConcurrently([1, 2, 3], 2, work)).rejects.toThrow("two");
  });
});

describe("a semaphore", () => {
  it("starts work in order, at most `limit` at a time, whatever fails", async () => {
    const limit = semaphore(2);
    const started: number[] = [];
    const ends: ((failure?: Error) => void)[] = [];
    const results = [0, 1, 2, 3].map((index) =>
      limit(() => {
        started.push(index);
        return new Promise<number>((resolve, reject) => {
          ends[index] = (failure) => {
            if (failure) reject(failure);
            else resolve(index);
          };
        });
      }),
    );
    await Promise.resolve();
    expect(started).toEqual([0, 1]);
    ends[1]?.(new Error("one"));
    await expect(results[1]).rejects.toThrow("one");
    expect(started).toEqual([0, 1, 2]);
    ends[0]?.();
    expect(await results[0]).toBe(0);
    expect(started).toEqual([0, 1, 2, 3]);
    ends[2]?.();
    ends[3]?.();
    expect(await Promise.all([results[2], results[3]])).toEqual([2, 3]);
  });
});
