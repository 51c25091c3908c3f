/** A target's latency, hour by hour, as a small chart. No SDK, no I/O. */
import { markup, type Markup } from "./html-escape";
import type { HourSummary } from "./document";
import { counted, latency } from "./status-format";

export const CHART_WIDTH = 240;
export const CHART_HEIGHT = 32;

/** Half a line's width stays inside the picture. */
const MARGIN = 2;

type Percentile = "p50Ms" | "p95Ms";

/** The median as a line, and above it a band up to the 95th percentile. Hours without checks are gaps. */
export function latencyChart(hours: readonly HourSummary[]): Markup {
  const top = Math.max(1, ...hours.map(({ p95Ms, p50Ms }) => Math.max(p95Ms ?? 0, p50Ms ?? 0)));
  const x = (index: number) => round(MARGIN + (index * (CHART_WIDTH - 2 * MARGIN)) / Math.max(1, hours.length - 1));
  const y = (value: number) => round(CHART_HEIGHT - MARGIN - (value / top) * (CHART_HEIGHT - 2 * MARGIN));
  const points = (percentile: Percentile, run: Stretch) =>
    run.map(({ index, hour }) => `${x(index)} ${y(hour[percentile] ?? 0)}`);

  const stretches = stretchesOf(hours);
  const line = (percentile: Percentile) =>
    // A line of no length is a dot, its ends being round: an hour alone is seen, too.
    stretches.map((run) => `M${points(percentile, run).join("L")}${run.length === 1 ? "h0" : ""}`).join("");
  const band = stretches
    .filter((run) => run.length > 1)
    .map((run) => `M${points("p95Ms", run).join("L")}L${points("p50Ms", run).reverse().join("L")}z`)
    .join("");

  return markup`<svg class="chart" role="img" aria-label="${summaryOf(hours)}" viewBox="0 0 ${CHART_WIDTH} ${CHART_HEIGHT}" preserveAspectRatio="none"><path class="band" d="${band}"/><path class="p95" d="${line(
    "p95Ms",
  )}"/><path class="p50" d="${line("p50Ms")}"/></svg>`;
}

/** `Latency of the last 24 hours: median 80 ms to 92 ms, 95th percentile 180 ms to 212 ms, no data in 2 hours`. */
function summaryOf(hours: readonly HourSummary[]): string {
  const range = (percentile: Percentile) => {
    const values = hours.map((hour) => hour[percentile]).filter((value) => value !== null);
    return `${latency(Math.min(...values))} to ${latency(Math.max(...values))}`;
  };
  const missing = hours.filter((hour) => !isKnown(hour)).length;
  if (missing === hours.length) return "Latency of the last 24 hours: no data";
  const gaps = missing === 0 ? "" : `, no data in ${counted(missing, "hour")}`;
  return `Latency of the last 24 hours: median ${range("p50Ms")}, 95th percentile ${range("p95Ms")}${gaps}`;
}

type Stretch = readonly { readonly index: number; readonly hour: HourSummary }[];

/** Hours with data that follow each other. */
function stretchesOf(hours: readonly HourSummary[]): readonly Stretch[] {
  const stretches: { index: number; hour: HourSummary }[][] = [];
  hours.forEach((hour, index) => {
    if (!isKnown(hour)) return;
    const last = stretches.at(-1);
    if (last?.at(-1)?.index === index - 1) last.push({ index, hour });
    else stretches.push([{ index, hour }]);
  });
  return stretches;
}

function isKnown({ p50Ms, p95Ms }: HourSummary): boolean {
  return p50Ms !== null && p95Ms !== null;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
