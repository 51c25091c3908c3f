/** Colours that can be read on their grounds, as WCAG 2 measures contrast. No SDK, no I/O. */

/** Of text, WCAG 2.2 AA. */
const MIN_CONTRAST = 4.5;

/** Parts of the way to black or white. */
const STEPS = 100;

/** The nearest colour to `colour`, darker or lighter, that has enough contrast on all grounds. `#rrggbb`, grounds also `#rgb`. */
export function legibleOn(grounds: readonly string[], colour: string): string {
  const [dark, light] = [0, 255].map((end) => Array.from({ length: STEPS + 1 }, (_, step) => mixed(colour, end, step)));
  const isLegible = (one: string) => grounds.every((ground) => contrast(one, ground) >= MIN_CONTRAST);
  // On grounds alike, one of black and white is legible.
  for (let step = 0; step <= STEPS; step += 1)
    for (const candidate of [dark?.[step], light?.[step]])
      if (candidate !== undefined && isLegible(candidate)) return candidate;
  return colour;
}

function mixed(colour: string, end: number, step: number): string {
  const part = step / STEPS;
  const hex = componentsOf(colour).map((value) => Math.round(value * (1 - part) + end * part).toString(16));
  return `#${hex.map((digits) => digits.padStart(2, "0")).join("")}`;
}

/** 1 to 21. */
export function contrast(one: string, other: string): number {
  const [dark = 0, bright = 0] = [luminance(one), luminance(other)].sort((a, b) => a - b);
  return (bright + 0.05) / (dark + 0.05);
}

function luminance(colour: string): number {
  const [red = 0, green = 0, blue = 0] = componentsOf(colour).map((component) => {
    const value = component / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

function componentsOf(colour: string): readonly number[] {
  const digits = colour.slice(1).replace(/^(.)(.)(.)$/, "$1$1$2$2$3$3");
  return [0, 2, 4].map((at) => parseInt(digits.slice(at, at + 2), 16));
}
