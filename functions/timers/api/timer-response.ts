/** Timers as API responses. Pure. */
import { parseJson } from "../../shared/input";
import { RawJson } from "../../shared/json-text";
import { DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS } from "../../shared/time";
import {
  earliestTime,
  exclusiveStart,
  fireAt,
  isUnenqueued,
  nextScheduledTime,
  scheduledTimes,
  uncounted,
} from "../schedule/fire-times";
import type { Schedule } from "../schedule/schedule";
import { DEFAULT_CALLBACK } from "../contract";
import type { StoredTimer, Timer, TimerOptions } from "../schedule/timer";
import type { RecordedFire } from "../storage/history";
import { CorruptRowError, timerKey } from "../storage/timer-row";
import type { FireResponse, LegacyTimerResponse, ScheduleResponse, TimerResponse, TimerState } from "./api-types";

const UNITS = [
  ["day", DAY_MS],
  ["hour", HOUR_MS],
  ["minute", MINUTE_MS],
  ["second", SECOND_MS],
] as const;

export function legacyTimerResponse(timer: Timer): LegacyTimerResponse {
  const { id, shard, schedule } = timer;
  const minute = isHourly(schedule) ? Math.floor(schedule.phaseMs / MINUTE_MS) : undefined;
  return {
    id,
    shardId: shard,
    ...(minute !== undefined && { timeShardId: `${String(minute).padStart(2, "0")}:${id}` }),
    timerCallbackData: dataOf(timer),
  };
}

/** @throws {@link CorruptRowError} when the row was changed by hand */
function dataOf({ kind, id, data }: Timer): RawJson {
  try {
    parseJson(data);
  } catch (cause) {
    throw new CorruptRowError(`row "${timerKey(kind, id)}": data is not JSON`, { cause });
  }
  return new RawJson(data);
}

/** What is known of a timer besides its row. */
export interface TimerStatus {
  /** The cursor of its shard, epoch milliseconds. */
  readonly cursor: number;
  /** Whether its fires are recorded. */
  readonly recorded: boolean;
  /** The last that was recorded, of any version. */
  readonly lastFire?: RecordedFire | undefined;
}

export function timerResponse(timer: StoredTimer, now: number, status: TimerStatus): TimerResponse {
  const { enabled, version, putAt } = timer;
  const nextFireAt = nextFire(timer, now, status);
  return {
    ...legacyTimerResponse(timer),
    schedule: scheduleResponse(timer),
    enabled,
    ...limitsResponse(timer),
    ...optionsResponse(timer.options),
    version,
    putAt: iso(putAt),
    state: stateOf(enabled, nextFireAt),
    nextFireAt,
    recorded: status.recorded,
    ...lastFireResponse(version, status.lastFire),
  };
}

type Limits = Pick<TimerResponse, "startAt" | "endAt" | "maxFires" | "firesLeft" | "jitterSeconds">;

function limitsResponse({ startAt, endAt, maxFires, firesLeft, jitterSeconds }: Timer): Limits {
  // Most timers have none, and each spread takes longer than this test.
  if ((startAt ?? endAt ?? maxFires ?? firesLeft ?? jitterSeconds) === undefined) return {};
  return {
    ...(startAt !== undefined && { startAt: iso(startAt) }),
    ...(endAt !== undefined && { endAt: iso(endAt) }),
    ...(maxFires !== undefined && { maxFires }),
    ...(firesLeft !== undefined && { firesLeft }),
    ...(jitterSeconds !== undefined && { jitterSeconds }),
  };
}

function optionsResponse(options: TimerOptions | undefined) {
  if (options === undefined) return { callback: DEFAULT_CALLBACK };
  const { callback = DEFAULT_CALLBACK, maxAttempts, maxAgeSeconds, ...others } = options;
  const retry = {
    ...(maxAttempts !== undefined && { maxAttempts }),
    ...(maxAgeSeconds !== undefined && { maxAgeSeconds }),
  };
  return { callback, ...others, ...(Object.keys(retry).length > 0 && { retry }) };
}

function lastFireResponse(
  version: string,
  fire: RecordedFire | undefined,
): Pick<TimerResponse, "lastFiredAt" | "lastOutcome" | "attempts" | "latenessMs"> {
  if (fire?.version !== version) return { lastFiredAt: null, lastOutcome: null, attempts: null, latenessMs: null };
  const { firedAt, due, outcome, attempts } = fire;
  return { lastFiredAt: iso(firedAt), lastOutcome: outcome, attempts, latenessMs: firedAt - due };
}

export function fireResponse({ due, firedAt, ...others }: RecordedFire): FireResponse {
  return { ...others, dueAt: iso(due), firedAt: iso(firedAt), latenessMs: firedAt - due };
}

function stateOf(enabled: boolean, nextFireAt: string | null): TimerState {
  if (!enabled) return "paused";
  return nextFireAt === null ? "ended" : "scheduled";
}

/** Whether no fire remains. @param timer not paused */
export function hasEnded(timer: StoredTimer, now: number, status: Pick<TimerStatus, "cursor">): boolean {
  return nextFire(timer, now, status) === null;
}

/** Fires up to the cursor are enqueued, and have fired once due. */
function nextFire(stored: StoredTimer, now: number, { cursor }: Pick<TimerStatus, "cursor">): string | null {
  const timer = uncounted(stored);
  if (!timer.enabled) return null;
  // What a PUT has left overdue does not follow the cursor.
  const enqueuedUntil =
    timer.isOverdue === true || isUnenqueued(timer) ? timer.enqueuedUntil : Math.max(cursor, timer.enqueuedUntil);
  const jitter = (timer.jitterSeconds ?? 0) * SECOND_MS;
  const start = exclusiveStart(timer);
  const enqueued = Math.min(now, enqueuedUntil);
  // Jitter may reorder fires that are closer together than its maximum: compare all of them.
  const next = nextScheduledTime(timer, Math.max(start, enqueued));
  const times = scheduledTimes(timer, Math.max(start, earliestTime(timer, enqueued)), (next ?? enqueued) + jitter);
  const fires = times.map((at) => ({ at, due: fireAt(timer, at).due }));
  const coming = fires.filter(({ at, due }) => at > enqueued || due > now).map(({ due }) => due);
  return coming.length === 0 ? null : iso(Math.min(...coming));
}

function scheduleResponse({ schedule, startAt }: Pick<Timer, "schedule" | "startAt">): ScheduleResponse {
  switch (schedule.kind) {
    case "cron":
      return { cron: schedule.expression, timeZone: schedule.timeZone };
    case "once":
      return { at: iso(schedule.at) };
    case "every": {
      const { periodMs, phaseMs } = schedule;
      // A minute and a second do not tell the milliseconds of its startAt.
      if (isHourly(schedule) && phaseMs % SECOND_MS === 0)
        return {
          minuteOfHour: Math.floor(phaseMs / MINUTE_MS),
          secondOfMinute: Math.floor((phaseMs % MINUTE_MS) / SECOND_MS),
        };
      const [unit, length] = UNITS.find(([, ms]) => periodMs % ms === 0) ?? ["second", SECOND_MS];
      const count = periodMs / length;
      const every = `${count} ${unit}${count === 1 ? "" : "s"}`;
      if (startAt === undefined || (startAt - phaseMs) % periodMs === 0) return { every };
      return { every, secondOfMinute: Math.floor((phaseMs % MINUTE_MS) / SECOND_MS) };
    }
  }
}

type Hourly = Extract<Schedule, { kind: "every" }>;

function isHourly(schedule: Schedule): schedule is Hourly {
  return schedule.kind === "every" && schedule.periodMs === HOUR_MS;
}

export function iso(at: number): string {
  return new Date(at).toISOString();
}
