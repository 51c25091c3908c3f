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
