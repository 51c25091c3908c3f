/** Whether the name is an IANA time zone: `Europe/Berlin`, `UTC`. */
export function isTimeZone(name: string): boolean {
  // Newer versions of Node accept offsets as well, which have no DST.
  if (!/^[A-Za-z]/.test(name)) return false;
  try {
    new Intl.DateTimeFormat("en", { timeZone: name });
    return true;
  } catch {
    return false;
  }
}
