/** A target's hourly latency as a small SVG chart. No SDK, no I/O. */
import { markup, type Markup } from "./html-escape";
import type { HourSummary } from "../document";
import { pluralize, latency } from "../status-format";

const CHART_WIDTH = 240;
const CHART_HEIGHT = 32;

/** Room for half the line width. */
const MARGIN = 2;

type Percentile = "p50Ms" | "p95Ms";

/**
 * The median as a line, with a band up to the 95th percentile. Hours without checks are gaps. Whole and relative coordinates: a hundred charts
 * are most of a page.
 */
export function latencyChart(hours: readonly HourSummary[]): Markup {
  const top = Math.max(1, ...hours.map(({ p95Ms, p50Ms }) => Math.max(p95Ms ?? 0, p50Ms ?? 0)));
  const x = (index: number) =>
    Math.round(MARGIN + (index * (CHART_WIDTH - 2 * MARGIN)) / Math.max(1, hours.length - 1));
  const y = (value: number) => Math.round(CHART_HEIGHT - MARGIN - (value / top) * (CHART_HEIGHT - 2 * MARGIN));
  const points = (percentile: Percentile, series: Series): Point[] =>
    series.map(({ index, hour }) => [x(index), y(hour[percentile] ?? 0)]);

  const all = seriesOf(hours);
  // A line of length zero with round ends shows a single hour as a dot.
  const line = all.map((series) => `${path(points("p50Ms", series))}${series.length === 1 ? "h0" : ""}`).join("");
  const band = all
    .filter((series) => series.length > 1)
    .map((series) => `${path([...points("p95Ms", series), ...points("p50Ms", series).reverse()])}z`)
    .join("");

  return markup`<svg class="chart" role="img" aria-label="${summaryOf(hours)}" viewBox="0 0 ${CHART_WIDTH} ${CHART_HEIGHT}" preserveAspectRatio="none"><path class="band" d="${band}"/><path class="p50" d="${line}"/></svg>`;
}

type Point = readonly [x: number, y: number];

/** `M2 30l10-3 10 0` */
function path(points: readonly Point[]): string {
  let [fromX, fromY] = points[0] ?? [0, 0];
  const steps = points.slice(1).map(([x, y]) => {
    const step = `${x - fromX}${y < fromY ? "" : " "}${y - fromY}`;
    [fromX, fromY] = [x, y];
    return step;
  });
  const [[x, y] = [0, 0]] = points;
  return `M${x} ${y}${steps.length === 0 ? "" : `l${steps.join(" ")}`}`;
}

/** `Latency of the last 24 hours: median 80 ms to 92 ms, 95th percentile 180 ms to 212 ms, no data in 2 hours`. */
function summaryOf(hours: readonly HourSummary[]): string {
  const range = (percentile: Percentile) => {
    const values = hours.map((hour) => hour[percentile]).filter((value) => value !== null);
    return `${latency(Math.min(...values))} to ${latency(Math.max(...values))}`;
  };
  const missing = hours.filter((hour) => !hasData(hour)).length;
  if (missing === hours.length) return "Latency of the last 24 hours: no data";
  const gaps = missing === 0 ? "" : `, no data in ${pluralize(missing, "hour")}`;
  return `Latency of the last 24 hours: median ${range("p50Ms")}, 95th percentile ${range("p95Ms")}${gaps}`;
}

type Series = readonly { readonly index: number; readonly hour: HourSummary }[];

/** Consecutive hours with data. */
function seriesOf(hours: readonly HourSummary[]): readonly Series[] {
  const all: { index: number; hour: HourSummary }[][] = [];
  hours.forEach((hour, index) => {
    if (!hasData(hour)) return;
    const last = all.at(-1);
    if (last?.at(-1)?.index === index - 1) last.push({ index, hour });
    else all.push([{ index, hour }]);
  });
  return all;
}

function hasData({ p50Ms, p95Ms }: HourSummary): boolean {
  return p50Ms !== null && p95Ms !== null;
}
