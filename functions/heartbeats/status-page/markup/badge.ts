/** A monitor's badge for READMEs and wikis. No SDK, no I/O. */
import { markup, type Markup } from "./html-escape";
import type { MonitorStatus } from "../document";
import { percent, STATE_LABELS, type State } from "../status-format";

const HEIGHT = 20;
const PADDING = 7;
const RADIUS = 4;
/** Verdana's average at 11 px. `textLength` makes each text fit exactly. */
const CHARACTER_WIDTH = 6.7;

/** Contrast of 4.5 or more with white text. */
const COLOURS: Readonly<Record<State, string>> = {
  up: "#1f7a52",
  degraded: "#8a6100",
  down: "#c0322a",
  maintenance: "#4a5cb8",
  unknown: "#6b665c",
};

/**
 * `site | up, 99.98 % uptime`: state, and uptime of 30 days. The title has the hour of the data, not the minute: with it, each
 * run would write every badge, which costs twice as much as the checks.
 *
 * @param generatedAt ISO 8601, UTC
 */
export function statusBadge({ name, state, windows }: MonitorStatus, generatedAt: string): Markup {
  const uptime = windows["30d"].uptime;
  const message =
    uptime === null || state === "unknown" ? STATE_LABELS[state] : `${STATE_LABELS[state]}, ${percent(uptime)} uptime`;
  const left = widthOf(name);
  const right = widthOf(message);
  const width = left + right;
  const text = (content: string, x: number, width: number) =>
    markup`<text x="${x + PADDING}" y="14" textLength="${width - 2 * PADDING}" lengthAdjust="spacingAndGlyphs">${content}</text>`;
  return markup`<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${HEIGHT}" role="img" aria-label="${name}: ${message}"><title>${name}: ${message}${
    uptime !== null && " in 30 days"
  }, as of ${generatedAt.slice(0, 10)} ${generatedAt.slice(11, 13)}:00 UTC</title><rect width="${width}" height="${HEIGHT}" rx="${RADIUS}" fill="#3d3a34"/><path d="${rightHalf(left, right)}" fill="${
    COLOURS[state]
  }"/><g fill="#fff" font-family="Verdana,DejaVu Sans,Geneva,sans-serif" font-size="11">${text(name, 0, left)}${text(
    message,
    left,
    right,
  )}</g></svg>`;
}

/** Not a clip path: that needs an id, which two inline badges would share. */
function rightHalf(from: number, width: number): string {
  const [across, down] = [width - RADIUS, HEIGHT - 2 * RADIUS];
  const corner = `a${RADIUS} ${RADIUS} 0 0 1`;
  return `M${from} 0h${across}${corner} ${RADIUS} ${RADIUS}v${down}${corner} -${RADIUS} ${RADIUS}h-${across}z`;
}

/** Whole pixels, for a sharp border between the halves. */
function widthOf(text: string): number {
  return Math.round(text.length * CHARACTER_WIDTH) + 2 * PADDING;
}
