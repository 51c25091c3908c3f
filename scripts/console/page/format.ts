/** Texts for people. Pure. */

const UNITS = [
  ["d", 86_400_000],
  ["h", 3_600_000],
  ["min", 60_000],
  ["s", 1_000],
] as const;

/** `3 d 4 h`, `12 min`, `42 s`, `180 ms`: two units at most, the second only where it matters. */
export function span(milliseconds: number): string {
  const ms = Math.abs(milliseconds);
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  const index = UNITS.findIndex(([, size]) => ms >= size);
  const [unit, size] = UNITS[index] ?? ["s", 1_000];
  const count = Math.floor(ms / size);
  const [below, belowSize] = UNITS[index + 1] ?? ["", Infinity];
  const rest = Math.floor((ms % size) / belowSize);
  return count < 5 && rest > 0 && index < 2 ? `${count} ${unit} ${rest} ${below}` : `${count} ${unit}`;
}

/** `12 s ago`, `in 3 min`, `now` */
export function relative(time: number, now: number): string {
  if (Math.abs(time - now) < 1_000) return "now";
  return time < now ? `${span(now - time)} ago` : `in ${span(time - now)}`;
}

const WHOLE = new Intl.NumberFormat("en-GB");

/** `10,000` */
export function whole(count: number): string {
  return WHOLE.format(count);
}

/** `1 timer`, `10,000 timers` */
export function counted(count: number, noun: string): string {
  return `${whole(count)} ${noun}${count === 1 ? "" : "s"}`;
}

/** JSON with indentation; other text as it is. */
export function pretty(text: string): string {
  // Formatting would change numbers that JavaScript cannot hold.
  if (/\d{16}/.test(text)) return text;
  try {
    return JSON.stringify(JSON.parse(text), undefined, 2);
  } catch {
    return text;
  }
}
