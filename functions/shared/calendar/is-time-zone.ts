/** Names that are known to be time zones. Bounded, because names are not case-sensitive: there are more than time zones. */
const known = new Set<string>();
const MAX_KNOWN = 1_000;

/** Whether the name is an IANA time zone: `Europe/Berlin`, `UTC`. */
export function isTimeZone(name: string): boolean {
  // A format takes 50 microseconds, and the dispatcher reads 20,000 rows per second.
  if (known.has(name)) return true;
  // Newer versions of Node accept offsets as well, which have no DST.
  if (!/^[A-Za-z]/.test(name)) return false;
  try {
    new Intl.DateTimeFormat("en", { timeZone: name });
  } catch {
    return false;
  }
  if (known.size >= MAX_KNOWN) known.clear();
  known.add(name);
  return true;
}
