/** Cron expressions as EventBridge writes them, in any time zone. */

/**
 * The first time after `after` (epoch milliseconds) that a cron expression of EventBridge's six fields (`0 17 * * ? *`) is due in
 * an IANA time zone, or undefined when there is none. Times that a clock skips in spring are due when it goes on; those that it shows
 * twice in autumn are due once.
 */
export function nextCronDue(expression: string, timeZone: string, after: number): number | undefined {
  throw new Error(`not there yet: ${expression} ${timeZone} ${after}`);
}
