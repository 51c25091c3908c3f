import { tableGovernor, type GovernorOptions } from "../../../../functions/exports/scan/rate-limiter";
import { sleep } from "../../../../functions/shared/clock";
import { virtualClock } from "../../../support/virtual-clock";
import fc from "../../../support/fast-check";

const WINDOW_MS = 10_000;

/** The table's reservations, as the state table keeps them. */
function reservations(now: () => number): GovernorOptions["reserve"] {
  let until = 0;
  return async (milliseconds, latest = Infinity) => {
    await Promise.resolve();
    if (until > latest) return undefined;
    until = until >= now() ? until + milliseconds : now() + milliseconds;
    return until - milliseconds;
  };
}

interface Simulated {
  readonly unitsPerSecond: number;
  readonly readers: number;
  /** How long an invocation lasts before the next one continues. @default 30,000 */
  readonly invocationMs?: number;
  /** Read units of an item; a page has a megabyte, 128 units, at most. */
  readonly itemUnits: number;
  /** A reader is suspended after its n-th read, for so many milliseconds; another one takes over. */
  readonly stalls: readonly { readonly after: number; readonly milliseconds: number }[];
}

/** Reads for two virtual minutes. @returns the units of each read, with its time */
async function simulate({ unitsPerSecond, readers, itemUnits, stalls, invocationMs = 30_000 }: Simulated) {
  const clock = virtualClock(1_000_000);
  const reserve = reservations(() => clock.now());
  const reads: { readonly at: number; readonly units: number }[] = [];
  const end = 120_000;
  const reader = async (index: number): Promise<void> => {
    const stall = stalls[index];
    for (let deadline = invocationMs; deadline <= end; deadline += invocationMs) {
      const governor = tableGovernor({ unitsPerSecond, pageUnits: 128, reserve, clock });
      let [units, items] = [0, 0];
      for (let read = 0; await governor.consume(units, deadline, items); read++) {
        items = Math.max(1, Math.min(governor.pageItems ?? Infinity, Math.floor(128 / itemUnits)));
        units = items * itemUnits;
        reads.push({ at: clock.now(), units });
        await sleep(clock, 20);
        if (read === stall?.after) await sleep(clock, stall.milliseconds);
      }
      await governor.settle?.(units, items);
      await sleep(clock, Math.max(0, deadline - clock.elapsed()));
    }
  };
  await Promise.all(Array.from({ length: readers }, (_, index) => reader(index)));
  return reads;
}

/** The most units of any ten seconds, a second. */
function peak(reads: readonly { readonly at: number; readonly units: number }[]): number {
  const inWindow = ({ at: from }: { readonly at: number }) =>
    reads.filter(({ at }) => at >= from && at < from + WINDOW_MS).reduce((sum, { units }) => sum + units, 0);
  return Math.max(0, ...reads.map(inWindow)) / (WINDOW_MS / 1_000);
}

describe("the limit of a table", () => {
  it("is never exceeded over any ten seconds, whatever readers stall, end and start", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(1, 3, 10, 100, 500, 3_000),
        fc.integer({ min: 1, max: 12 }),
        fc.constantFrom(0.5, 1),
        fc.array(fc.record({ after: fc.nat(20), milliseconds: fc.constantFrom(700, 40_000) }), { maxLength: 12 }),
        async (unitsPerSecond, readers, itemUnits, stalls) => {
          const reads = await simulate({ unitsPerSecond, readers, itemUnits, stalls });
          expect(peak(reads)).toBeLessThanOrEqual(unitsPerSecond);
        },
      ),
      { numRuns: 40 },
    );
  });

  it.each([1, 100, 2_000])("of %d units a second is mostly used", async (unitsPerSecond) => {
    const reads = await simulate({ unitsPerSecond, readers: 8, itemUnits: 0.5, stalls: [], invocationMs: 120_000 });
    const units = reads.reduce((sum, read) => sum + read.units, 0);
    expect(units / 120).toBeGreaterThan(unitsPerSecond * 0.5);
  });

  it("counts an item that is larger than a second's units, and waits for it", async () => {
    const reads = await simulate({ unitsPerSecond: 10, readers: 4, itemUnits: 50, stalls: [] });
    const units = reads.reduce((sum, read) => sum + read.units, 0);
    expect(units / 120).toBeLessThan(10 + (4 * 50) / 120);
  });
  it("has the next segments wait for what the last read of a segment took beyond its reservation", async () => {
    const clock = virtualClock(1_000_000);
    const reserve = reservations(() => clock.now());
    for (let segment = 0; segment < 10; segment++) {
      const governor = tableGovernor({ unitsPerSecond: 10, pageUnits: 128, reserve, clock });
      expect(await governor.consume(0, Infinity)).toBe(true);
      await governor.settle?.(100, 1);
    }
    expect(clock.elapsed()).toBeGreaterThanOrEqual((9 * 100 * 1_000) / 10);
  });

  it("is kept up with when debts last longer than invocations: a reader reserves no time that it cannot use", async () => {
    const clock = virtualClock(1_000_000);
    const reserve = reservations(() => clock.now());
    const [unitsPerSecond, readers, itemUnits, itemsEach, invocationMs] = [1, 12, 100, 3, 855_000];
    let invocations = 0;
    const reader = async (): Promise<void> => {
      for (let read = 0; read < itemsEach && invocations < 2_000;) {
        invocations++;
        const governor = tableGovernor({ unitsPerSecond, pageUnits: 256, reserve, clock });
        const deadline = clock.elapsed() + invocationMs;
        for (let units = 0; read < itemsEach && (await governor.consume(units, deadline, 1)); read++) units = itemUnits;
        if (read === itemsEach) await governor.settle?.(itemUnits, 1);
      }
    };
    await Promise.all(Array.from({ length: readers }, reader));
    const seconds = clock.elapsed() / 1_000;
    expect(seconds).toBeLessThan((1.3 * readers * itemsEach * itemUnits) / unitsPerSecond);
    // The history of a segment's execution has room for some thousands.
    expect(invocations).toBeLessThan(readers * (itemsEach + (2 * seconds * 1_000) / invocationMs));
  });

  it("counts also a fraction of a unit beyond the reservation: thousands of reads have one", async () => {
    const clock = virtualClock(1_000_000);
    const reserved: number[] = [];
    const reserve = (milliseconds: number) => {
      reserved.push(Math.round(milliseconds));
      return Promise.resolve(clock.now());
    };
    const governor = tableGovernor({ unitsPerSecond: 1, pageUnits: 128, reserve, clock });
    await governor.consume(0, Infinity);
    await governor.settle?.(1.5, 1);
    expect(reserved).toEqual([1_111, 556]);
  });

  it("reads few items for a while after a large one: others may follow it", async () => {
    const clock = virtualClock(1_000_000);
    const governor = tableGovernor({
      unitsPerSecond: 100,
      pageUnits: 128,
      reserve: reservations(() => clock.now()),
      clock,
    });
    const sizes: (number | undefined)[] = [];
    for (const units of [1, 1, 1, 100, ...Array<number>(20).fill(1)]) {
      await governor.consume(0, Infinity);
      await governor.settle?.(units, 1);
      sizes.push(governor.pageItems);
    }
    expect(sizes.slice(0, 8)).toEqual([2, 4, 8, 1, 1, 1, 1, 2]);
    expect(sizes.at(-1)).toBeGreaterThan(30);
  });

  it("has a reader that was suspended while it waited reserve again: its time has passed", async () => {
    const clock = virtualClock(1_000_000);
    const reserved: number[] = [];
    let suspendedMs = 5_000;
    const governor = tableGovernor({
      unitsPerSecond: 10,
      pageUnits: 128,
      reserve: async (milliseconds) => {
        reserved.push(milliseconds);
        const from = clock.now();
        await sleep(clock, suspendedMs);
        suspendedMs = 0;
        return from;
      },
      clock,
    });
    expect(await governor.consume(0, Infinity)).toBe(true);
    expect(reserved).toHaveLength(2);
  });
});
