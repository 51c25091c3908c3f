/** Which fires a timer has, and where its row waits for those that come later. Pure; see docs/decisions/0009. */
import { fnv1a } from "../../shared/hash";
import { nextDue, WHEEL_PERIODS_MS } from "./schedule";
import type { Fire, StoredTimer, Timer } from "./timer";

const WHEEL = new Set(WHEEL_PERIODS_MS);

/** Where a row stands in the index: a partition, and its place in there. */
export interface Place {
  readonly slot: string;
  readonly order: number;
}

/** The partitions of a shard's index, in the order in which they are worked off. */
export function recurringSlot(shard: string): string {
  return `${shard}#recurring`;
}
export function onceSlot(shard: string): string {
  return `${shard}#once`;
}
export function wheelSlot(shard: string, periodMs: number): string {
  return `${shard}#every#${periodMs / 1_000}`;
}

/** When the schedule says that a timer fires, after one time and until another, inclusive; in due order. */
export function scheduledTimes(timer: Timer, after: number, until: number): readonly number[] {
  if (!timer.enabled) return [];
  const times: number[] = [];
  const last = Math.min(until, timer.endAt ?? Infinity);
  for (
    let at = nextDue(timer.schedule, Math.max(after, (timer.startAt ?? -Infinity) - 1));
    at !== undefined && at <= last && times.length < (timer.firesLeft ?? Infinity);
    at = nextDue(timer.schedule, at)
  )
    times.push(at);
  return times;
}

/** A fire of a timer at a time that its schedule says. */
export function fireAt(timer: Timer, scheduled: number): Fire {
  const { kind, id, version, shard, data, jitterSeconds } = timer;
  const fireId = `${kind}#${id}#${version}#${new Date(scheduled).toISOString()}`;
  const due = jitterSeconds === undefined ? scheduled : scheduled + jitterMs(fireId, jitterSeconds);
  return { kind, id, version, shard, due, fireId, data };
}

/** What goes to the queue now, and the timer as it is to be stored once it is there. */
export interface HandOver {
  readonly fires: readonly Fire[];
  readonly rest: StoredTimer;
}

/** Hands over a timer's fires after one time and until another, inclusive. */
export function handOver(timer: Timer, after: number, until: number): HandOver {
  const times = scheduledTimes(timer, after, until);
  const firesLeft = timer.firesLeft === undefined ? {} : { firesLeft: timer.firesLeft - times.length };
  return { fires: times.map((at) => fireAt(timer, at)), rest: { ...timer, ...firesLeft, through: until } };
}

/** Before the first fire of a timer that is being put: a one-shot of the past is due, too. */
export function beforeFirst({ schedule, putAt }: Timer): number {
  return schedule.kind === "once" ? Math.min(putAt, schedule.at - 1) : putAt;
}

/** Where the dispatcher finds what has not been handed over yet; undefined when there is nothing left. */
export function placeOf(timer: StoredTimer): Place | undefined {
  const next = nextTime(timer);
  if (next === undefined) return undefined;
  const { schedule, shard } = timer;
  if (schedule.kind === "once") return { slot: onceSlot(shard), order: next };
  if (schedule.kind === "every" && !isRecurring(timer))
    return { slot: wheelSlot(shard, schedule.periodMs), order: schedule.phaseMs };
  return { slot: recurringSlot(shard), order: next };
}

/** Whether its row is written again with each handing over: neither a one-shot nor on the wheel. */
export function isRecurring({ schedule }: Timer): boolean {
  return schedule.kind === "cron" || (schedule.kind === "every" && !WHEEL.has(schedule.periodMs));
}

/** Where a timer waits whose fires could not be sent when they should have been: the dispatcher takes it whenever it comes by. */
export function overduePlaceOf(timer: StoredTimer): Place | undefined {
  const next = nextTime(timer);
  return next === undefined ? undefined : { slot: recurringSlot(timer.shard), order: next };
}

/** The next time that is still the dispatcher's, if there is one. */
function nextTime(timer: StoredTimer): number | undefined {
  if (!timer.enabled || timer.firesLeft === 0) return undefined;
  const next = nextDue(timer.schedule, Math.max(timer.through, (timer.startAt ?? -Infinity) - 1));
  return next === undefined || next > (timer.endAt ?? Infinity) ? undefined : next;
}

/** Milliseconds of 0 to so many seconds: spread evenly over fires, always the same for one of them. */
export function jitterMs(fireId: string, jitterSeconds: number): number {
  let hash = fnv1a(fireId);
  // Ids that differ in their last character only differ in the hash's low bits: mix them (murmur3's finalizer).
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return ((hash ^ (hash >>> 16)) >>> 0) % (jitterSeconds * 1_000 + 1);
}
