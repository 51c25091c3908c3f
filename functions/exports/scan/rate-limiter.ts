import { sleep, type Clock } from "../../shared/clock";

/** Holds a reader to so many read units a second. */
export interface Pace {
  /**
   * Counts what was read, and waits until that much was allowed. Not beyond the deadline (by `clock.elapsed()`).
   *
   * @returns false when the deadline came first
   */
  spend(units: number, deadline: number): Promise<boolean>;
}

/** @param unitsPerSecond undefined: as fast as it goes */
export function paceOf(unitsPerSecond: number | undefined, clock: Clock): Pace {
  if (unitsPerSecond === undefined) return { spend: () => Promise.resolve(true) };
  let allowedAt = clock.elapsed();
  return {
    spend: async (units, deadline) => {
      allowedAt += (units / unitsPerSecond) * 1_000;
      const now = clock.elapsed();
      if (allowedAt > deadline) return false;
      if (allowedAt > now) await sleep(clock, allowedAt - now);
      return true;
    },
  };
}
