/** A clock that moves when all sleep. */
import type { Clock } from "../../functions/shared/clock";

interface Timer {
  readonly due: number;
  readonly callback: () => void;
}

/**
 * A clock that needs no waiting: whenever all other work rests, it jumps to the next timer. Begins at `start`, epoch
 * milliseconds.
 */
export function virtualClock(start = 0): Clock {
  let now = start;
  let pumping = false;
  const timers = new Set<Timer>();
  const pump = (): void => {
    const [next] = [...timers].sort((a, b) => a.due - b.due);
    pumping = next !== undefined;
    if (next === undefined) return;
    timers.delete(next);
    now = Math.max(now, next.due);
    next.callback();
    setImmediate(pump);
  };
  return {
    now: () => now,
    elapsed: () => now - start,
    after: (milliseconds, callback) => {
      const timer = { due: now + milliseconds, callback };
      timers.add(timer);
      if (!pumping) setImmediate(pump);
      pumping = true;
      return () => {
        timers.delete(timer);
      };
    },
  };
}
