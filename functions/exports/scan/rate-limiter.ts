import { sleep, type Clock } from "../../shared/clock";

/** Limits read units a second. */
export interface RateLimiter {
  /**
   * Counts units that were consumed, and waits until the rate allows the next read.
   *
   * @param deadline by `clock.elapsed()`
   * @returns false when the wait would end after the deadline
   */
  consume(units: number, deadline: number): Promise<boolean>;
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
