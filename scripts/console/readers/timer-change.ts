/** The values that the form of a timer's change begins with: sent as they are, they put the same timer. Pure. */
import { iso } from "../../../functions/timers/api/timer-response";
import type { TimerResponse } from "../../../functions/timers/api/api-types";
import { nextDue } from "../../../functions/timers/schedule/schedule";
import { DEFAULT_MAX_ATTEMPTS, type StoredTimer } from "../../../functions/timers/schedule/timer";
import { visibleJson } from "../../../functions/shared/text";
import { SECOND_MS } from "../../../functions/shared/time";
import type { Values } from "../actions/actions";

/** @param schedule as the API answers it @param now epoch milliseconds */
export function changeOf(timer: StoredTimer, schedule: TimerResponse["schedule"], now: number): Values {
  const { id, shard, version, data, jitterSeconds, options = {} } = timer;
  const { callback = "", catchUp = "all", overlap = "allow", maxAttempts, maxAgeSeconds, history } = options;
  return {
    ...{ id, shard, version, data: visibleJson(data), callback, overlap },
    ...scheduleValues(timer, schedule, now),
    jitter: text(jitterSeconds),
    catchUp: typeof catchUp === "number" ? `${catchUp}s` : catchUp,
    maxAttempts: text(maxAttempts ?? DEFAULT_MAX_ATTEMPTS),
    maxAge: maxAgeSeconds === undefined ? "" : `${maxAgeSeconds}s`,
    history: history === undefined ? "as its callback" : history ? "yes" : "no",
  };
}

function scheduleValues(timer: StoredTimer, schedule: TimerResponse["schedule"], now: number): Values {
  if ("at" in schedule) return { at: schedule.at };
  const { startAt, endAt, maxFires } = timer;
  const limits = { start: time(startAt), end: time(endAt), maxFires: text(maxFires) };
  if ("cron" in schedule) return { ...limits, cron: schedule.cron, timeZone: schedule.timeZone };
  if ("every" in schedule) return { ...limits, every: schedule.every, start: time(nextInRhythm(timer, now)) };
  // An hour from a start within a second.
  if (timer.schedule.kind === "every" && timer.schedule.phaseMs % SECOND_MS !== 0)
    return { ...limits, every: "1 hour", start: time(nextInRhythm(timer, now)) };
  return { ...limits, minute: text(schedule.minuteOfHour), second: text(schedule.secondOfMinute) };
}

/** A period without a start counts from its PUT: the rhythm of the timer would be lost. */
function nextInRhythm({ schedule, startAt = 0, endAt = Infinity }: StoredTimer, now: number): number | undefined {
  const next = nextDue(schedule, Math.max(now, startAt - 1));
  return next === undefined || next > endAt ? undefined : next;
}

const text = (value: number | undefined): string => (value === undefined ? "" : String(value));
const time = (at: number | undefined): string => (at === undefined ? "" : iso(at));
