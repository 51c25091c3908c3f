/** Lengths of time. */

export const SECOND_MS = 1_000;
export const MINUTE_MS = 60 * SECOND_MS;
export const HOUR_MS = 60 * MINUTE_MS;
export const DAY_MS = 24 * HOUR_MS;

export const MINUTE_SECONDS = 60;
export const HOUR_SECONDS = 60 * MINUTE_SECONDS;
export const DAY_SECONDS = 24 * HOUR_SECONDS;

export const startOfUtcHour = (time: number): number => time - (time % HOUR_MS);
export const startOfUtcDay = (time: number): number => time - (time % DAY_MS);

/** Epoch milliseconds as `2026-11-21T06:55:00Z`. */
export const isoSeconds = (time: number): string => new Date(time).toISOString().replace(/\.\d+Z$/, "Z");

let lastMinute = NaN;
let minuteText = "";

/**
 * As Date's toISOString, in a third of its time for times of the same minute, which most fires of the dispatcher are.
 *
 * @throws RangeError for a time that no Date has
 */
export function isoTime(at: number): string {
  const minute = Math.floor(at / MINUTE_MS);
  if (minute !== lastMinute) {
    minuteText = new Date(minute * MINUTE_MS).toISOString().slice(0, -"00.000Z".length);
    lastMinute = minute;
  }
  // Six digits, after a leading one: seconds and milliseconds.
  const digits = String(100_000 + Math.floor(at) - minute * MINUTE_MS);
  return `${minuteText}${digits.slice(1, 3)}.${digits.slice(3)}Z`;
}
