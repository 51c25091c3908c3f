/** The fires of a timer, and the index key of its row. Pure; see docs/decisions/0009. */
import { jitterMs } from "../../shared/calendar/jitter";
import { isoTime, SECOND_MS } from "../../shared/time";
import { nextDue, wheelPeriod } from "./schedule";
import { PUT_GRACE_MS, type Fire, type StoredTimer, type Timer, type TimerOptions } from "./timer";

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
    let at = nextScheduledTime(timer, after);
    at !== undefined && at <= last && times.length < (timer.firesLeft ?? Infinity);
    at = nextScheduledTime(timer, at)
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
  const time = isoTime(scheduled);
  const fireId = `${firePrefix(timer)}${time}`;
  // A one-shot in the past is due at its PUT: it is not late since 1970.
  const from = schedule.kind === "once" ? Math.max(scheduled, putAt) : scheduled;
  // Without the version: a PUT of something else moves no fire, and a preview has the times of what is put afterwards.
  const due = jitterSeconds === undefined ? from : from + jitterMs(`${kind}#${id}#${time}`, jitterSeconds);
  const callback = options?.callback;
  return { kind, id, version, shard, due, fireId, data, ...(callback !== undefined && { callback }) };
}

/** Exclusive lower bound of the scheduled times whose fires may be due at `due` or later. A one-shot in the past is due after its PUT. */
export function earliestTime({ schedule, jitterSeconds = 0 }: Timer, due: number): number {
  return schedule.kind === "once" ? -Infinity : due - jitterSeconds * SECOND_MS - 1;
}

/** A fire by request. @param key the same for the same request; @param now epoch milliseconds */
export function fireNow(timer: Timer, key: string, now: number): Fire {
  const { kind, id, version, shard, data, options } = timer;
  const fireId = `${firePrefix(timer)}${BY_REQUEST}${key}`;
  const callback = options?.callback;
  return { kind, id, version, shard, due: now, fireId, data, ...(callback !== undefined && { callback }) };
}

const BY_REQUEST = "now-";

/** The beginning of all fire ids of a timer: a move keeps it, so that a fire has one id on both callbacks. */
function firePrefix({ kind, id, version, moved }: Timer): string {
  return `${kind}#${id}#${moved?.[0]?.version ?? version}#`;
}

export function isByRequest({ fireId }: Pick<Fire, "fireId">): boolean {
  return /^[^#]*#[^#]*#[^#]*#now-/.test(fireId);
}

/** The scheduled time of a fire that is not by request, epoch milliseconds. */
function scheduledTimeOf({ fireId }: Fire): number {
  return Date.parse(fireId.slice(fireId.lastIndexOf("#") + 1));
}

/** Whether a fire is one of the stored timer: not of a version that was replaced, but perhaps of one from before a move. */
export function isFireOf({ version, moved = [] }: StoredTimer, fire: Fire): boolean {
  if (fire.version === version) return true;
  const before = moved.find((one) => one.version === fire.version);
  return before !== undefined && (isByRequest(fire) || scheduledTimeOf(fire) <= before.until);
}

/** Whether a fire is too late to be delivered, by its timer's `catchUp`. @param now epoch milliseconds */
export function isTooLate(timer: StoredTimer, fire: Fire, now: number): boolean {
  const catchUp = timer.options?.catchUp;
  if (catchUp === undefined) return false;
  if (catchUp !== "latest") return now > fire.due + catchUp * SECOND_MS;
  // Whether a counted timer has another fire is not known here: the API rejects the combination.
  if (timer.firesLeft !== undefined || isByRequest(fire)) return false;
  // Jitter changes their order.
  const after = Math.max(earliestTime(timer, fire.due), exclusiveStart(timer));
  for (let at = nextScheduledTime(timer, after); at !== undefined && at <= now; at = nextScheduledTime(timer, at)) {
    const { due } = fireAt(timer, at);
    if (fire.due < due && due <= now) return true;
  }
  return false;
}

/** Fires to enqueue, and the timer to store once they are enqueued. */
export interface EnqueuePlan {
  readonly fires: readonly Fire[];
  readonly advanced: StoredTimer;
}

/** Plans to enqueue a timer's fires in (after, until]. Of a counted timer the last fire is where this ends: it is known afterwards which it was. */
export function planEnqueue(timer: Timer, after: number, until: number): EnqueuePlan {
  const times = scheduledTimes(timer, after, until);
  const fires = times.map((at) => fireAt(timer, at));
  if (timer.firesLeft === undefined) return { fires, advanced: { ...timer, enqueuedUntil: until } };
  const firesLeft = timer.firesLeft - times.length;
  return { fires, advanced: { ...timer, firesLeft, enqueuedUntil: firesLeft === 0 ? (times.at(-1) ?? after) : until } };
}

/** A counted timer without its count: it ends with its last fire once that is enqueued. */
export function uncounted({ firesLeft, ...timer }: StoredTimer): StoredTimer {
  return firesLeft === 0 ? { ...timer, endAt: Math.min(endOf(timer), timer.enqueuedUntil) } : timer;
}

/** What is left of a counted timer once its fires after a time, which are enqueued, are fenced. */
export function firesLeftAfter(stored: StoredTimer, time: number): Pick<Timer, "firesLeft"> {
  if (stored.firesLeft === undefined) return {};
  return { firesLeft: stored.firesLeft + scheduledTimes(uncounted(stored), time, stored.enqueuedUntil).length };
}

/** {@link exclusiveStart} of the first version of a timer that was moved. */
export function startOf(timer: Timer): number {
  return timer.since ?? exclusiveStart(timer);
}

/** What is left of a counted timer once its fires that are due after a time are fenced. */
export function firesLeftAt(stored: StoredTimer, now: number): Pick<Timer, "firesLeft"> {
  if (stored.firesLeft === undefined) return {};
  const after = Math.max(earliestTime(stored, now), startOf(stored));
  const enqueued = scheduledTimes({ ...uncounted(stored), enabled: true }, after, stored.enqueuedUntil);
  return { firesLeft: stored.firesLeft + enqueued.filter((at) => fireAt(stored, at).due > now).length };
}

/** Exclusive lower bound of the fires of a version. A one-shot in the past is due as well. */
export function exclusiveStart({ schedule, putAt, since, moved }: Timer): number {
  const before = moved?.at(-1);
  if (before !== undefined) return before.until;
  if (since !== undefined) return since;
  return schedule.kind === "once" ? Math.min(putAt, schedule.at - 1) : putAt;
}

/**
 * A timer that replaces a stored one, of whose fires the PUT fences those that are not due. So it has, of the times before the PUT that both
 * schedule, those that the jitter of the stored one delays past it: else a PUT between a scheduled time and its due time would lose that fire.
 * `maxFires` are counted from the PUT on.
 */
export function replacing(stored: StoredTimer, next: Timer): Timer {
  const { since: _, omitted: __, ...timer } = next;
  const { putAt, schedule, finalAt } = timer;
  if (schedule.kind === "once" || finalAt !== undefined || stored.jitterSeconds === undefined) return timer;
  const after = Math.max(earliestTime(stored, putAt), startOf(stored));
  const timesOf = (one: Timer) => scheduledTimes({ ...one, enabled: true }, after, putAt);
  const pending = new Set(timesOf(uncounted(stored)).filter((at) => fireAt(stored, at).due > putAt));
  const times = timesOf(timer);
  const first = times.find((at) => pending.has(at));
  if (first === undefined) return timer;
  const omitted = times.filter((at) => at > first && !pending.has(at));
  return { ...timer, since: first - 1, ...(omitted.length > 0 && { omitted }) };
}

/** More than a timer is moved before its first fires are delivered: fires of the versions between are fenced. */
const MOVES_KEPT = 50;

/**
 * A stored timer with the callback of another, as its next version. Each fire is of one of the two: the old version keeps those that are due and
 * enqueued, which its callback may have received; the new one has all others, also those that the old queue has not accepted.
 *
 * @param next what it is changed to: of this only the callback, `enabled`, and what identifies the change
 * @param cursor of the stored timer, epoch milliseconds
 */
export function movedTimer(stored: StoredTimer, next: Timer, cursor: number): Timer {
  const { isOverdue, enqueuedUntil, requestKey: _, options: before = {}, moved = [], ...timer } = stored;
  const { version, putAt, enabled, requestKey } = next;
  // What is not on the timing wheel is enqueued row by row, whatever the cursor is.
  const isByRow = isOverdue === true || isUnenqueued(stored) || isRecurring(stored);
  const enqueued = isByRow ? enqueuedUntil : Math.max(cursor, enqueuedUntil);
  const until = Math.max(Math.min(putAt, enqueued), exclusiveStart(stored));
  const { callback: __, ...others } = before;
  const callback = next.options?.callback;
  const options: TimerOptions = { ...(callback !== undefined && { callback }), ...others };
  return {
    ...timer,
    ...firesLeftAfter(stored, until),
    version,
    putAt,
    enabled,
    since: startOf(stored),
    ...(requestKey !== undefined && { requestKey }),
    ...(Object.keys(options).length > 0 && { options }),
    moved: [...moved.slice(0, 1), ...moved.slice(1).slice(1 - MOVES_KEPT), { version: stored.version, until }],
  };
}

/**
 * Where the dispatcher finds the timer's next fire; undefined when no fire remains to enqueue. One-shots stay, so that those that are due
 * next can be listed.
 */
export function indexKeyOf(timer: StoredTimer): IndexKey | undefined {
  const { schedule, shard, putAt } = timer;
  if (schedule.kind === "once")
    return timer.enabled ? { slot: onceSlot(shard), dueMs: Math.max(schedule.at, putAt) } : undefined;
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
  let next = nextDue(timer.schedule, Math.max(after, (timer.startAt ?? -Infinity) - 1));
  while (next !== undefined && timer.omitted?.includes(next) === true) next = nextDue(timer.schedule, next);
  return next === undefined || next > endOf(timer) ? undefined : next;
}
