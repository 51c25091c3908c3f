/** What the clocks of a time zone show. Local times are written as if they were UTC's: epoch milliseconds of what the clock shows. */
import { DAY_MS, MINUTE_MS } from "../../shared/time";

/** No clock is put forward or back by more, nor twice in that time. */
const LONGEST_SHIFT_MS = DAY_MS;

/** Whether there is an IANA time zone of that name: `Europe/Berlin`, `UTC`. */
export function isTimeZone(name: string): boolean {
  // Newer Nodes take offsets as well, which know no summer time.
  if (!/^[A-Za-z]/.test(name)) return false;
  try {
    formatOf(name);
    return true;
  } catch {
    return false;
  }
}

/**
 * The latest time that a zone's clocks have shown by `at`. In the hour that they show twice, that is the end of it from its
 * second showing on: what is due in that hour has been due.
 */
export function localTime(at: number, timeZone: string): number {
  const offset = offsetAt(at, timeZone);
  const earlier = offsetAt(at - LONGEST_SHIFT_MS, timeZone);
  if (earlier <= offset) return at + offset;
  const shift = shiftBetween(at - LONGEST_SHIFT_MS, at, timeZone);
  return Math.max(at + offset, shift - 1 + earlier);
}

/** The first instant at which a zone's clocks show `local` or later: where they skip it, that is when they go on. */
export function startOf(local: number, timeZone: string): number {
  const before = offsetAt(local - LONGEST_SHIFT_MS, timeZone);
  const after = offsetAt(local + LONGEST_SHIFT_MS, timeZone);
  if (before === after) return local - before;
  const shift = shiftBetween(local - LONGEST_SHIFT_MS, local + LONGEST_SHIFT_MS, timeZone);
  return local < shift + before ? local - before : Math.max(shift, local - after);
}

/** The first instant with the offset that `to` has, where `from` has another. Clocks are moved on whole minutes of UTC. */
function shiftBetween(from: number, to: number, timeZone: string): number {
  const offset = offsetAt(to, timeZone);
  let [before, after] = [Math.floor(from / MINUTE_MS), Math.ceil(to / MINUTE_MS)];
  while (after - before > 1) {
    const middle = Math.floor((before + after) / 2);
    if (offsetAt(middle * MINUTE_MS, timeZone) === offset) after = middle;
    else before = middle;
  }
  return after * MINUTE_MS;
}

/** Milliseconds that a zone's clocks are ahead of UTC. */
function offsetAt(at: number, timeZone: string): number {
  if (timeZone === "UTC") return 0;
  const second = Math.floor(at / 1_000) * 1_000;
  const shown: Partial<Record<Intl.DateTimeFormatPartTypes, number>> = {};
  for (const { type, value } of formatOf(timeZone).formatToParts(second)) shown[type] = Number(value);
  const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second: seconds = 0 } = shown;
  return Date.UTC(year, month - 1, day, hour, minute, seconds) - second;
}

/** Making one takes longer than using it a hundred times. There are no more of them than there are zones. */
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
    formats.set(timeZone, format);
  }
  return format;
}
