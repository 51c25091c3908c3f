import { statusBadge } from "../../../../../functions/heartbeats/status-page/markup/badge";

import { contrast as measured } from "../../../../../functions/heartbeats/status-page/markup/legible";
import { statusStyle } from "../../../../../functions/heartbeats/status-page/markup/style";
import { STATES } from "../../../../../functions/heartbeats/status-page/status-format";
import { monitorStatus } from "../../../../support/status-documents";
import fc from "../../../../support/fast-check";

/** The style sheet's colours by name, in one light. */
function colours(light: "light" | "dark", accent?: string): (name: string) => string {
  const sets = [...statusStyle(accent).matchAll(/:root\{(--|color-scheme)[^}]*\}/g)].map(([set]) => set);
  const set = sets[light === "light" ? 0 : 1] ?? "";
  const all = new Map(
    [...set.matchAll(/--([a-z-]+):(#[0-9a-f]{3,6})/g)].map(([, name = "", value = ""]) => [name, value]),
  );
  return (name) => {
    const value = all.get(name);
    if (value === undefined) throw new Error(`no --${name} in ${light}`);
    return value;
  };
}

/** As WCAG 2 computes it: 1 to 21. */
function contrast(one: string, other: string): number {
  const [dark = 0, bright = 0] = [luminance(one), luminance(other)].sort((a, b) => a - b);
  return (bright + 0.05) / (dark + 0.05);
}

function luminance(colour: string): number {
  const digits = colour.slice(1).replace(/^(.)(.)(.)$/, "$1$1$2$2$3$3");
  const [red = 0, green = 0, blue = 0] = [0, 2, 4].map((at) => {
    const value = parseInt(digits.slice(at, at + 2), 16) / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

describe.each(["light", "dark"] as const)("colours in the %s", (light) => {
  const colour = colours(light);

  it.each(STATES)("let people read what is said of %s", (state) => {
    for (const ground of ["sheet", `${state}-tint`]) {
      expect(contrast(colour(`${state}-ink`), colour(ground))).toBeGreaterThanOrEqual(4.5);
      expect(contrast(colour("ink"), colour(ground))).toBeGreaterThanOrEqual(4.5);
      expect(contrast(colour("link"), colour(ground))).toBeGreaterThanOrEqual(4.5);
      expect(contrast(colour("soft"), colour(ground))).toBeGreaterThanOrEqual(4.5);
    }
  });

  it.each(STATES)("let people see the bars and icons of %s", (state) => {
    expect(contrast(colour(state), colour("sheet"))).toBeGreaterThanOrEqual(3);
    expect(contrast(colour(state), colour(`${state}-tint`))).toBeGreaterThanOrEqual(3);
  });
});

describe("the colours of badges", () => {
  it.each(STATES)("let people read %s", (state) => {
    const svg = statusBadge(monitorStatus("site", { state }), "2026-11-21T07:12:09Z").toString();
    const grounds = [...svg.matchAll(/<(?:rect|path)[^>]* fill="(#[0-9a-f]{6})"/g)].map(([, fill = ""]) => fill);
    expect(grounds).toHaveLength(2);
    for (const ground of grounds) expect(contrast("#ffffff", ground)).toBeGreaterThanOrEqual(4.5);
  });
});

describe("an accent", () => {
  const digits = fc.constantFrom(...Array.from("0123456789abcdef"));
  const colour = fc.string({ unit: digits, minLength: 6, maxLength: 6 }).map((hex) => `#${hex}`);

  it("is kept where it can be read, and else the links are darker or lighter until they can be", () => {
    fc.assert(
      fc.property(colour, (accent) => {
        for (const light of ["light", "dark"] as const) {
          const of = colours(light, accent);
          const grounds = ["paper", "sheet", ...STATES.map((state) => `${state}-tint`)].map(of);
          for (const ground of grounds) expect(contrast(of("link"), ground)).toBeGreaterThanOrEqual(4.5);
          if (grounds.every((ground) => contrast(accent, ground) >= 4.5)) expect(of("link")).toBe(accent);
          expect(of("accent")).toBe(accent);
        }
      }),
    );
  });

  it("is measured as by WCAG", () => {
    expect(measured("#000000", "#fff")).toBe(21);
    expect(measured("#767676", "#ffffff")).toBeCloseTo(4.54, 2);
  });
});
