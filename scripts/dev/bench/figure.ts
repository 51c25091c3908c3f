/** One number a bench measured, as `npm run bench -- <name> --json` prints it. */
export interface Figure {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  /** What it is to reach, for people: "<= 128". Null: measured to be known. */
  readonly goal: string | null;
  readonly met: boolean | null;
}

/** A figure without a goal. */
export function figure(name: string, value: number, unit: string): Figure {
  return { name, value: rounded(value), unit, goal: null, met: null };
}

/** A figure that is to stay at or below a limit. */
export function figureAtMost(name: string, value: number, unit: string, limit: number): Figure {
  return { name, value: rounded(value), unit, goal: `<= ${limit}`, met: value <= limit };
}

/** A figure that is to reach a limit, or more. */
export function figureAtLeast(name: string, value: number, unit: string, limit: number): Figure {
  return { name, value: rounded(value), unit, goal: `>= ${limit}`, met: value >= limit };
}

/** The middle one; of an even number, the lower of the two in the middle. */
export function median(values: readonly number[]): number {
  const middle = [...values].sort((a, b) => a - b)[Math.floor((values.length - 1) / 2)];
  if (middle === undefined) throw new RangeError("the median of nothing");
  return middle;
}

/** One decimal of what is large, else four significant digits, or three of what is small. */
function rounded(value: number): number {
  if (Math.abs(value) >= 1_000) return Math.round(value * 10) / 10;
  return Number(value.toPrecision(Math.abs(value) >= 10 ? 4 : 3));
}
