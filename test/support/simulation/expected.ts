/** The expected fires of a timer, computed independently of the engine. */
import { jitterMs } from "../../../functions/shared/calendar/jitter";
import { nextDue } from "../../../functions/timers/schedule/schedule";
import type { Timer } from "../../../functions/timers/schedule/timer";

export interface Expected {
  readonly scheduled: number;
  /** Jitter included. */
  readonly due: number;
}

/** All fires of a timer scheduled up to a time, by fire id, in order. */
export function expectedFires(timer: Timer, until: number): ReadonlyMap<string, Expected> {
  const fires = new Map<string, Expected>();
  if (!timer.enabled) return fires;
  const {
    kind,
    id,
    version,
    startAt = -Infinity,
    endAt = Infinity,
    firesLeft = Infinity,
    jitterSeconds = 0,
    putAt,
  } = timer;
  for (const scheduled of times(timer, until)) {
    if (scheduled < startAt || scheduled > endAt || fires.size >= firesLeft) continue;
    const fireId = `${kind}#${id}#${version}#${new Date(scheduled).toISOString()}`;
    // A one-shot in the past is due at its PUT.
    const from = timer.schedule.kind === "once" ? Math.max(scheduled, putAt) : scheduled;
    const seed = `${kind}#${id}#${new Date(scheduled).toISOString()}`;
    fires.set(fireId, { scheduled, due: from + (jitterSeconds === 0 ? 0 : jitterMs(seed, jitterSeconds)) });
  }
  return fires;
}

function* times({ schedule, putAt }: Timer, until: number): Iterable<number> {
  switch (schedule.kind) {
    case "once":
      if (schedule.at <= until) yield schedule.at;
      return;
    case "every":
      for (
        let at = putAt - (putAt % schedule.periodMs) + schedule.phaseMs - schedule.periodMs;
        at <= until;
        at += schedule.periodMs
      )
        if (at > putAt) yield at;
      return;
    case "cron":
      for (let at = nextDue(schedule, putAt); at !== undefined && at <= until; at = nextDue(schedule, at)) yield at;
  }
}
