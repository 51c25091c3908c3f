/** Instants that people pass to commands. */

const TIME = /^(\d{4}-\d\d-\d\d)T(?:[01]\d|2[0-3]):\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-](?:[01]\d|2[0-3]):\d\d)$/;

/**
 * Epoch milliseconds of a time with its offset, with or without seconds, of a day that exists: `Date` takes 31 November for 1 December, `15` for a
 * month, and what has no offset for a time of this machine. Undefined for any other text.
 */
export function parseTime(text: string): number | undefined {
  const [, day] = TIME.exec(text) ?? [];
  const [midnight, time] = [Date.parse(day ?? ""), Date.parse(text)];
  if (day === undefined || Number.isNaN(time) || Number.isNaN(midnight)) return undefined;
  return new Date(midnight).toISOString().startsWith(day) ? time : undefined;
}
