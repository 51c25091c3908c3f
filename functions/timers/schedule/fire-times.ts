/** The fires of a timer, and the index key of its row. Pure; see docs/decisions/0009. */
import { jitterMs } from "../../shared/calendar/jitter";
import { isoTime, SECOND_MS } from "../../shared/time";
import { nextDue, wheelPeriod } from "./schedule";
import { PUT_GRACE_MS, type Fire, type StoredTimer, type Timer } from "./timer";

/** The key of a row in the index of due timers. */
export interface IndexKey {
  readonly slot: string;
  /** The next due time, epoch milliseconds; in a slot of the timing wheel: the due time modulo the period. */
  readonly dueMs: number;
}

/** The slots of a shard, in the order of their processing. */
export function recurringSlot(shard: string): string {
  return `${shard}#recurring`;
}
/** Timers whose fires a PUT has not enqueued. Read without a lower bound, so that none can be missed. */
export function overdueSlot(shard: string): string {
  return `${shard}#overdue`;
}
export function onceSlot(shard: string): string {
  return `${shard}#once`;
}
export function timingWheelSlot(shard: string, periodMs: number): string {
  return `${shard}#every#${periodMs / 1_000}`;
}

/** A timer's due times without jitter in (after, until], in order. */
export function scheduledTimes(timer: Timer, after: number, until: number): readonly number[] {
  if (!timer.enabled) return [];
  const times: number[] = [];
  const last = Math.min(until, endOf(timer));
  for (
    let at = nextDue(timer.schedule, Math.max(after, (timer.startAt ?? -Infinity) - 1));
    at !== undefined && at <= last && times.length < (timer.firesLeft ?? Infinity);
    at = nextDue(timer.schedule, at)
  )
    times.push(at);
  return times;
}

/** No fire after it: the earlier of `endAt` and the last of `maxFires`. Infinity: no end. */
export function endOf({ endAt = Infinity, finalAt = Infinity }: Timer): number {
  return Math.min(endAt, finalAt);
}

/** @param scheduled one of {@link scheduledTimes} */
export function fireAt(timer: Timer, scheduled: number): Fire {
  const { kind, id, version, shard, data, jitterSeconds, schedule, putAt, options } = timer;
  const fireId = `${kind}#${id}#${version}#${isoTime(scheduled)}`;
  // A one-shot in the past is due at its PUT: it is not late since 1970.
  const from = schedule.kind === "once" ? Math.max(scheduled, putAt) : scheduled;
  const due = jitterSeconds === undefined ? from : from + jitterMs(fireId, jitterSeconds);
  const callback = options?.callback;
  return { kind, id, version, shard, due, fireId, data, ...(callback !== undefined && { callback }) };
}

/** A fire by request. @param key the same for the same request; @param now epoch milliseconds */
export function fireNow({ kind, id, version, shard, data, options }: Timer, key: string, now: number): Fire {
  const fireId = `${kind}#${id}#${version}#${BY_REQUEST}${key}`;
  const callback = options?.callback;
  return { kind, id, version, shard, due: now, fireId, data, ...(callback !== undefined && { callback }) };
}

const BY_REQUEST = "now-";

export function isByRequest({ kind, id, version, fireId }: Omit<Fire, "data">): boolean {
  return fireId.startsWith(`${kind}#${id}#${version}#${BY_REQUEST}`);
}

/** Whether a fire is too late to be delivered, by its timer's `catchUp`. @param now epoch milliseconds */
export function isTooLate(timer: StoredTimer, fire: Fire, now: number): boolean {
  const catchUp = timer.options?.catchUp;
  if (catchUp === undefined) return false;
  if (catchUp !== "latest") return now > fire.due + catchUp * SECOND_MS;
  // Whether a counted timer has another fire is not known here: the API rejects the combination.
  if (timer.firesLeft !== undefined || isByRequest(fire)) return false;
  const scheduled = Date.parse(fire.fireId.slice(fire.fireId.lastIndexOf("#") + 1));
  const next = nextScheduledTime(timer, scheduled);
  if (next === undefined) return false;
  // Jitter may have made it due before this one.
  const { due } = fireAt(timer, next);
  return fire.due < due && due <= now;
}

/** Fires to enqueue, and the timer to store once they are enqueued. */
export interface EnqueuePlan {
  readonly fires: readonly Fire[];
  readonly advanced: StoredTimer;
}

/** Plans to enqueue a timer's fires in (after, until]. */
export function planEnqueue(timer: Timer, after: number, until: number): EnqueuePlan {
  const times = scheduledTimes(timer, after, until);
  const firesLeft = timer.firesLeft === undefined ? {} : { firesLeft: timer.firesLeft - times.length };
  return { fires: times.map((at) => fireAt(timer, at)), advanced: { ...timer, ...firesLeft, enqueuedUntil: until } };
}

/** Exclusive lower bound of a new timer's fires. A one-shot in the past is due as well. */
export function exclusiveStart({ schedule, putAt }: Timer): number {
  return schedule.kind === "once" ? Math.min(putAt, schedule.at - 1) : putAt;
}

/**
 * Where the dispatcher finds the timer's next fire; undefined when no fire remains to enqueue. One-shots stay, so that those that are due
 * next can be listed.
 */
export function indexKeyOf(timer: StoredTimer): IndexKey | undefined {
  const { schedule, shard } = timer;
  if (schedule.kind === "once") return timer.enabled ? { slot: onceSlot(shard), dueMs: schedule.at } : undefined;
  const next = nextPendingTime(timer);
  if (next === undefined) return undefined;
  const periodMs = wheelPeriod(schedule);
  if (periodMs === undefined || isRecurring(timer)) return { slot: recurringSlot(shard), dueMs: next };
  return { slot: timingWheelSlot(shard, periodMs), dueMs: next % periodMs };
}

/**
 * Whether the dispatcher rewrites the row each time it enqueues fires: irregular schedules, and those whose fires it counts. Neither one-shots
 * nor timers of the timing wheel.
 */
export function isRecurring({ schedule, firesLeft }: Timer): boolean {
  return schedule.kind !== "once" && (firesLeft !== undefined || wheelPeriod(schedule) === undefined);
}

/** For a timer whose fires a PUT has not enqueued, or not yet. */
export function overdueIndexKey(timer: StoredTimer): IndexKey | undefined {
  const next = nextPendingTime(timer);
  return next === undefined ? undefined : { slot: overdueSlot(timer.shard), dueMs: next };
}

/** Whether no fire of the timer has been enqueued since its PUT, which wrote the row for the dispatcher to find in case the PUT dies. */
export function isUnenqueued(timer: StoredTimer): boolean {
  return timer.enqueuedUntil === exclusiveStart(timer);
}

/** Whether the API may still be enqueueing the fires of this PUT. */
export function isBeingPut(timer: StoredTimer, now: number): boolean {
  return isUnenqueued(timer) && now < timer.putAt + PUT_GRACE_MS;
}

/** The next due time that is not enqueued. */
function nextPendingTime(timer: StoredTimer): number | undefined {
  return timer.enabled && timer.firesLeft !== 0 ? nextScheduledTime(timer, timer.enqueuedUntil) : undefined;
}

/** The first due time after `after`, without jitter, whether or not the timer is enabled. */
export function nextScheduledTime(timer: Timer, after: number): number | undefined {
  const next = nextDue(timer.schedule, Math.max(after, (timer.startAt ?? -Infinity) - 1));
  return next === undefined || next > endOf(timer) ? undefined : next;
}
