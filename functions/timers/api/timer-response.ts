/** Timers as API responses. Pure. */
import { parseJson } from "../../shared/input";
import { RawJson } from "../../shared/json-text";
import { DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS } from "../../shared/time";
import { endOf, exclusiveStart, fireAt, nextScheduledTime, scheduledTimes } from "../schedule/fire-times";
import { nextDue, type Schedule } from "../schedule/schedule";
import type { StoredTimer, Timer } from "../schedule/timer";
import type { LegacyTimerResponse, ScheduleResponse, TimerResponse, TimerState } from "./api-types";

const UNITS = [
  ["day", DAY_MS],
  ["hour", HOUR_MS],
  ["minute", MINUTE_MS],
  ["second", SECOND_MS],
] as const;

export function legacyTimerResponse({ id, shard, schedule, data }: Timer): LegacyTimerResponse {
  const minute = isHourly(schedule) ? Math.floor(schedule.phaseMs / MINUTE_MS) : undefined;
  return {
    id,
    shardId: shard,
    ...(minute !== undefined && { timeShardId: `${String(minute).padStart(2, "0")}:${id}` }),
    timerCallbackData: dataOf(data),
  };
}

/** @throws JsonSyntaxError when a row was changed by hand */
function dataOf(data: string): RawJson {
  parseJson(data);
  return new RawJson(data);
}

/** @param cursor of the timer's shard, epoch milliseconds */
export function timerResponse(timer: StoredTimer, now: number, cursor: number): TimerResponse {
  const { schedule, enabled, startAt, endAt, maxFires, firesLeft, jitterSeconds, version, putAt } = timer;
  const { nextFireAt, lastFiredAt } = nextAndLastFire(timer, now, Math.max(cursor, timer.enqueuedUntil));
  return {
    ...legacyTimerResponse(timer),
    schedule: scheduleResponse(schedule),
    enabled,
    ...(startAt !== undefined && { startAt: iso(startAt) }),
    ...(endAt !== undefined && { endAt: iso(endAt) }),
    ...(maxFires !== undefined && { maxFires }),
    ...(firesLeft !== undefined && { firesLeft }),
    ...(jitterSeconds !== undefined && { jitterSeconds }),
    version,
    putAt: iso(putAt),
    state: stateOf(enabled, nextFireAt),
    nextFireAt,
    lastFiredAt,
  };
}

function stateOf(enabled: boolean, nextFireAt: string | null): TimerState {
  if (!enabled) return "paused";
  return nextFireAt === null ? "ended" : "scheduled";
}

/** @param enqueuedUntil fires up to this time are enqueued, and fired once due */
function nextAndLastFire(
  { firesLeft: _, ...timer }: StoredTimer,
  now: number,
  enqueuedUntil: number,
): Pick<TimerResponse, "nextFireAt" | "lastFiredAt"> {
  if (!timer.enabled) return { nextFireAt: null, lastFiredAt: null };
  const jitter = (timer.jitterSeconds ?? 0) * SECOND_MS;
  const start = exclusiveStart(timer);
  const enqueued = Math.min(now, enqueuedUntil);

  // Jitter may reorder fires that are closer together than its maximum: compare all of them.
  const next = nextScheduledTime(timer, Math.max(start, enqueued));
  const settled = lastScheduledTime(timer, start, enqueued - jitter) ?? enqueued;
  const times = scheduledTimes(timer, Math.max(start, settled - jitter - 1), (next ?? enqueued) + jitter);
  const fires = times.map((at) => ({ at, due: fireAt(timer, at).due }));
  const fired = fires.filter(({ at, due }) => at <= enqueued && due <= now).map(({ due }) => due);
  const coming = fires.filter(({ at, due }) => at > enqueued || due > now).map(({ due }) => due);
  return {
    nextFireAt: coming.length === 0 ? null : iso(Math.min(...coming)),
    lastFiredAt: fired.length === 0 ? null : iso(Math.max(...fired)),
  };
}

/** The last scheduled time in (after, until]. */
function lastScheduledTime(timer: Timer, after: number, until: number): number | undefined {
  const end = Math.min(until, endOf(timer));
  const first = nextScheduledTime(timer, after);
  if (first === undefined || first > end) return undefined;
  // Binary search: `low` is a scheduled time, and none is later than `high`.
  let [low, high] = [first, end];
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    const next = nextDue(timer.schedule, middle);
    if (next !== undefined && next <= high) low = next;
    else high = middle;
  }
  return low;
}

function scheduleResponse(schedule: Schedule): ScheduleResponse {
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
