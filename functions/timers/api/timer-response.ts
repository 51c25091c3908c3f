/** A timer as clients see it. Pure. */
import * as z from "zod";

import { DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS } from "../../shared/time";
import { beforeFirst, fireAt, scheduledTimes } from "../schedule/fire-times";
import type { PlainView, ScheduleView, TimerView } from "./api-types";
import { nextDue, type Schedule } from "../schedule/schedule";
import type { StoredTimer, Timer } from "../schedule/timer";

const UNITS = [
  ["day", DAY_MS],
  ["hour", HOUR_MS],
  ["minute", MINUTE_MS],
  ["second", SECOND_MS],
] as const;

/** What was always answered, and no more. */
export function plainView({ id, shard, schedule, data }: Timer): PlainView {
  const minute = isHourly(schedule) ? Math.floor(schedule.phaseMs / MINUTE_MS) : undefined;
  return {
    id,
    shardId: shard,
    ...(minute !== undefined && { timeShardId: `${String(minute).padStart(2, "0")}:${id}` }),
    timerCallbackData: z.json().parse(JSON.parse(data)),
  };
}

/**
 * @param cursor of the timer's shard: what is due until then was handed over by the dispatcher; epoch milliseconds
 */
export function viewOf(timer: StoredTimer, now: number, cursor: number): TimerView {
  const { schedule, enabled, startAt, endAt, firesLeft, jitterSeconds, version, putAt } = timer;
  return {
    ...plainView(timer),
    schedule: scheduleView(schedule),
    enabled,
    ...(startAt !== undefined && { startAt: iso(startAt) }),
    ...(endAt !== undefined && { endAt: iso(endAt) }),
    ...(firesLeft !== undefined && { firesLeft }),
    ...(jitterSeconds !== undefined && { jitterSeconds }),
    version,
    putAt: iso(putAt),
    ...firesAround(timer, now, Math.max(cursor, timer.through)),
  };
}

/** The fires before and after now, by what was handed over until `through`. */
function firesAround(
  { firesLeft: _, ...timer }: StoredTimer,
  now: number,
  through: number,
): Pick<TimerView, "nextFireAt" | "lastFiredAt"> {
  if (!timer.enabled) return { nextFireAt: null, lastFiredAt: null };
  const jitter = (timer.jitterSeconds ?? 0) * SECOND_MS;
  const begin = beforeFirst(timer);
  const handedOver = Math.min(now, through);

  // Jitter changes the order of fires that are no further apart than it is long: look at all of those.
  const next = nextScheduled(timer, Math.max(begin, handedOver));
  const settled = lastScheduled(timer, begin, handedOver - jitter) ?? handedOver;
  const around = scheduledTimes(timer, Math.max(begin, settled - jitter - 1), (next ?? handedOver) + jitter);
  const fires = around.map((at) => ({ at, due: fireAt(timer, at).due }));
  const fired = fires.filter(({ at, due }) => at <= handedOver && due <= now).map(({ due }) => due);
  const coming = fires.filter(({ at, due }) => at > handedOver || due > now).map(({ due }) => due);
  return {
    nextFireAt: coming.length === 0 ? null : iso(Math.min(...coming)),
    lastFiredAt: fired.length === 0 ? null : iso(Math.max(...fired)),
  };
}

/** The first time that a timer's schedule has after another. */
function nextScheduled({ schedule, startAt, endAt }: Timer, after: number): number | undefined {
  const next = nextDue(schedule, Math.max(after, (startAt ?? -Infinity) - 1));
  return next === undefined || next > (endAt ?? Infinity) ? undefined : next;
}

/** The last time that a timer's schedule has after one time and until another, inclusive. */
function lastScheduled(timer: Timer, after: number, until: number): number | undefined {
  const end = Math.min(until, timer.endAt ?? Infinity);
  const first = nextScheduled(timer, after);
  if (first === undefined || first > end) return undefined;
  // Halve what is left: `low` is a time of the schedule, and none is after `high`.
  let [low, high] = [first, end];
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    const next = nextDue(timer.schedule, middle);
    if (next !== undefined && next <= high) low = next;
    else high = middle;
  }
  return low;
}

function scheduleView(schedule: Schedule): ScheduleView {
  switch (schedule.kind) {
    case "cron":
      return { cron: schedule.expression, timeZone: schedule.timeZone };
    case "once":
      return { at: iso(schedule.at) };
    case "every": {
      const { periodMs, phaseMs } = schedule;
      if (isHourly(schedule))
        return {
          minuteOfHour: Math.floor(phaseMs / MINUTE_MS),
          secondOfMinute: Math.floor((phaseMs % MINUTE_MS) / SECOND_MS),
        };
      const [unit, length] = UNITS.find(([, ms]) => periodMs % ms === 0) ?? ["second", SECOND_MS];
      const count = periodMs / length;
      return { every: `${count} ${unit}${count === 1 ? "" : "s"}` };
    }
  }
}

type Hourly = Extract<Schedule, { kind: "every" }>;

function isHourly(schedule: Schedule): schedule is Hourly {
  return schedule.kind === "every" && schedule.periodMs === HOUR_MS;
}

function iso(at: number): string {
  return new Date(at).toISOString();
}
