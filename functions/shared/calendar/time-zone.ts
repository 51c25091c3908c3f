/** Conversion between instants and local times. A local time is written as the epoch milliseconds of the same wall clock in UTC. */
import { DAY_MS, MINUTE_MS } from "../time";

/** Upper bound of an offset change (DST and others), and lower bound of the time between two of them. */
const MAX_TRANSITION_MS = DAY_MS;

/**
 * The latest local time up to `at`. During the second occurrence of a repeated hour (end of DST): the end of that hour, because everything due
 * in it was due in the first occurrence.
 */
export function localTime(at: number, timeZone: string): number {
  const offset = offsetAt(at, timeZone);
  const earlier = offsetAt(at - MAX_TRANSITION_MS, timeZone);
  if (earlier <= offset) return at + offset;
  const transition = transitionBetween(at - MAX_TRANSITION_MS, at, timeZone);
  return Math.max(at + offset, transition - 1 + earlier);
}

/** The first instant with local time `local` or later: the end of the gap for a skipped time (start of DST). */
export function startOf(local: number, timeZone: string): number {
  const before = offsetAt(local - MAX_TRANSITION_MS, timeZone);
  const after = offsetAt(local + MAX_TRANSITION_MS, timeZone);
  if (before === after) return local - before;
  const transition = transitionBetween(local - MAX_TRANSITION_MS, local + MAX_TRANSITION_MS, timeZone);
  return local < transition + before ? local - before : Math.max(transition, local - after);
}

/** The first instant with the offset of `to`, which differs from that of `from`. Transitions are at whole UTC minutes. */
function transitionBetween(from: number, to: number, timeZone: string): number {
  const offset = offsetAt(to, timeZone);
  let [before, after] = [Math.floor(from / MINUTE_MS), Math.ceil(to / MINUTE_MS)];
  while (after - before > 1) {
    const middle = Math.floor((before + after) / 2);
    if (offsetAt(middle * MINUTE_MS, timeZone) === offset) after = middle;
    else before = middle;
  }
  return after * MINUTE_MS;
}

/** The UTC offset, milliseconds; positive east of Greenwich. */
export function offsetAt(at: number, timeZone: string): number {
  if (timeZone === "UTC") return 0;
  const day = Math.floor(at / DAY_MS);
  let days = offsets.get(timeZone);
  if (days === undefined || days.size > MAX_OFFSET_DAYS) {
    if (offsets.size >= MAX_FORMATS) offsets.clear();
    offsets.set(timeZone, (days = new Map<number, number>()));
  }
  let offset = days.get(day);
  if (offset === undefined) {
    const first = computedOffset(day * DAY_MS, timeZone);
    offset = first === computedOffset((day + 1) * DAY_MS, timeZone) ? first : NaN;
    days.set(day, offset);
  }
  return Number.isNaN(offset) ? computedOffset(at, timeZone) : offset;
}

/** Offsets of whole UTC days by time zone; NaN for a day in which the offset changes. Formatting a time takes a microsecond or more. */
const offsets = new Map<string, Map<number, number>>();
const MAX_OFFSET_DAYS = 1_000;

function computedOffset(at: number, timeZone: string): number {
  const second = Math.floor(at / 1_000) * 1_000;
  const parts: Partial<Record<Intl.DateTimeFormatPartTypes, number>> = {};
  for (const { type, value } of formatOf(timeZone).formatToParts(second)) parts[type] = Number(value);
  const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second: seconds = 0 } = parts;
  return Date.UTC(year, month - 1, day, hour, minute, seconds) - second;
}

/** Creating a format takes longer than a hundred uses. Bounded, because names are not case-sensitive: there are more than time zones. */
const MAX_FORMATS = 1_000;
const formats = new Map<string, Intl.DateTimeFormat>();

function formatOf(timeZone: string): Intl.DateTimeFormat {
  let format = formats.get(timeZone);
  if (format === undefined) {
    format = new Intl.DateTimeFormat("en-US-u-ca-gregory", {
      timeZone,
      hourCycle: "h23",
      year: "numeric",
      month: "numeric",
      day: "numeric",
      hour: "numeric",
      minute: "numeric",
      second: "numeric",
    });
    if (formats.size >= MAX_FORMATS) formats.clear();
    formats.set(timeZone, format);
  }
  return format;
}
