/** A clock that moves when all sleep. */
import type { Clock } from "../../functions/shared/clock";
import { EventQueue } from "./simulation/event-queue";

/**
 * A clock that needs no waiting: whenever all other work rests, it jumps to the next timer. Begins at `start`, epoch
 * milliseconds.
 */
export function virtualClock(start = 0): Clock {
  let now = start;
  let pumping = false;
  const timers = new EventQueue();
  const cancelled = new WeakSet<() => void>();
  const pump = (): void => {
    let next = timers.take();
    while (next !== undefined && cancelled.has(next.run)) next = timers.take();
    pumping = next !== undefined;
    if (next === undefined) return;
    now = Math.max(now, next.at);
    next.run();
    setImmediate(pump);
  };
  return {
    now: () => now,
    elapsed: () => now - start,
    after: (milliseconds, callback) => {
      // Of this timer only: one function may be the callback of several.
      const run = (): void => {
        callback();
      };
      timers.add(now + milliseconds, run);
      if (!pumping) setImmediate(pump);
      pumping = true;
      return () => {
        cancelled.add(run);
      };
    },
  };
}
