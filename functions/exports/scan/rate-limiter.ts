/** Limits the read units that an export consumes a second. */
import { sleep, type Clock } from "../../shared/clock";
import { SECOND_MS } from "../../shared/time";

/** Limits read units a second. */
export interface RateLimiter {
  /**
   * Counts units that were consumed, and waits until the rate allows the next read.
   *
   * @param deadline by `clock.elapsed()`
   * @param items that were read for the units
   * @returns false when the wait would end after the deadline
   */
  consume(units: number, deadline: number, items?: number): Promise<boolean>;
  /** Counts the units of the last read. */
  settle?(units: number, items: number): Promise<void>;
  /** The most items that the next read may have. Undefined: a page of a megabyte. */
  readonly pageItems?: number | undefined;
}

/** @param unitsPerSecond undefined: no limit */
export function rateLimiter(unitsPerSecond: number | undefined, clock: Clock): RateLimiter {
  if (unitsPerSecond === undefined) return { consume: () => Promise.resolve(true) };
  let allowedAt = clock.elapsed();
  return {
    consume: async (units, deadline) => {
      allowedAt += (units / unitsPerSecond) * 1_000;
      const now = clock.elapsed();
      if (allowedAt > deadline) return false;
      if (allowedAt > now) await sleep(clock, allowedAt - now);
      return true;
    },
  };
}

export interface GovernorOptions {
  readonly unitsPerSecond: number;
  /** Of a page of a megabyte: 128, or 256 if it is read consistently. */
  readonly pageUnits: number;
  /**
   * Reserves time for one of all readers of the table: advances the time at which the next reservation begins.
   *
   * @param latest reserves nothing if the reservation would begin later, epoch milliseconds
   * @returns when this reservation begins, epoch milliseconds; undefined: later than `latest`
   */
  readonly reserve: (milliseconds: number, latest?: number) => Promise<number | undefined>;
  readonly clock: Clock;
}

/** With reads of at most a second, the units of any ten seconds stay below the limit: 0.9 * 10 + 1. */
const SHARE = 0.9;
const LONGEST_READ_MS = SECOND_MS;

/** A reservation that begins later than this has lapsed: readers that were suspended must not all read at once. */
const LAPSES_MS = SECOND_MS / 2;

/**
 * One limit for all readers of a table, in whatever process. A read is reserved before it starts, for its expected units. What it consumed
 * beyond is debt, which remains when an invocation ends. An invocation that ends before its turn reserves nothing: readers that come back
 * would advance the next turn faster than time does. What a read did not consume is lost: if it were returned, other readers could take it
 * in a time that others have reserved.
 */
export function tableGovernor({ unitsPerSecond, pageUnits, reserve, clock }: GovernorOptions): RateLimiter {
  const millisecondsOf = (units: number): number => (units / (unitsPerSecond * SHARE)) * SECOND_MS;
  const affordable = Math.min(pageUnits, (unitsPerSecond * LONGEST_READ_MS) / SECOND_MS);
  // Small until the size of items is known.
  let pageItems = affordable === pageUnits ? undefined : 1;
  let itemUnits: number | undefined;
  let reserved = 0;

  const expectedUnits = (): number =>
    pageItems === undefined || itemUnits === undefined ? affordable : pageItems * itemUnits;

  const settle = async (units: number, items: number): Promise<void> => {
    const debt = units - reserved;
    reserved = 0;
    if (debt > 0) await reserve(millisecondsOf(debt));
    if (pageItems === undefined || items === 0) return;
    // Forgets a large item slowly.
    itemUnits = Math.max(units / items, (itemUnits ?? 0) * 0.8, 1e-3);
    pageItems = Math.max(1, Math.min(Math.floor(affordable / itemUnits), pageItems * 2));
  };

  return {
    get pageItems() {
      return pageItems;
    },
    settle,
    consume: async (units, deadline, items = 0) => {
      if (reserved > 0) await settle(units, items);
      for (;;) {
        const expected = expectedUnits();
        const remaining = deadline - clock.elapsed();
        const from = await reserve(millisecondsOf(expected), clock.now() + remaining);
        if (from === undefined) {
          // The next invocation would only find the same, and a segment's history has room for some thousands.
          await sleep(clock, Math.max(0, remaining));
          return false;
        }
        const wait = from - clock.now();
        if (clock.elapsed() + wait > deadline) return false;
        if (wait > 0) await sleep(clock, wait);
        if (clock.now() - from > LAPSES_MS) continue;
        reserved = expected;
        return true;
      }
    },
  };
}
