/** The last 90 days of a monitor: an SVG with one bar for each day, and the same as text. No SDK, no I/O. */
import { DAY_MS } from "../../shared/time";
import { markup, type Markup } from "./html-escape";
import type { DaySummary } from "./document";
import { pluralize, day, duration } from "./status-format";

/** SVG units: a whole number per pixel at each width in the style sheet. */
const BAR_STEP = 10;
const BAR_WIDTH = 7;
export const BAR_HEIGHT = 32;

/** Makes even a minute of downtime visible. */
const MIN_DOWN_HEIGHT = 7;
/** For a day without data. */
const STUB_HEIGHT = 4;
/** Rounding error of summed fractions. */
const NEGLIGIBLE = 1e-6;
const MAX_NOTABLE_DAYS = 14;

/** Consecutive days with the same text and bar. */
interface DayRange {
  readonly days: readonly DaySummary[];
  readonly text: string;
  /** Monitored and not up all day. */
  readonly notable: boolean;
}

type Band = "up" | "degraded" | "down" | "maintenance" | "none" | "before";

/**
 * One SVG with a path for each range of equal days, so that a hundred monitors stay small.
 *
 * @param generatedAt the end of today's data
 */
export function historyBars(days: readonly DaySummary[], generatedAt: string): Markup {
  let index = 0;
  const ranges = rangesOf(days, generatedAt).map((range) => {
    const bands = new Map<Band, string>();
    for (const summary of range.days) {
      for (const [band, from, to] of bandsOf(summary)) {
        const x = index * BAR_STEP + BAR_STEP / 2;
        bands.set(band, `${bands.get(band) ?? ""}M${x} ${from}V${to}`);
      }
      index += 1;
    }
    const paths = [...bands].map(([band, path]) => markup`<path class="${band}" d="${path}"/>`);
    return markup`<g data-n="${range.days.length}"><title>${datesOf(range)}: ${range.text}</title>${paths}</g>`;
  });
  const [last] = days.slice(-1);
  return markup`<svg class="bars" role="img" aria-label="${summaryOf(days, generatedAt)}" data-last="${last?.date ?? ""}" viewBox="0 0 ${
    days.length * BAR_STEP
  } ${BAR_HEIGHT}" preserveAspectRatio="none" stroke-width="${BAR_WIDTH}">${ranges}</svg>`;
}

/** The days that were not up all day, latest first: the chart as text, for screen readers. */
export function notableDays(days: readonly DaySummary[], generatedAt: string): Markup {
  const ranges = rangesOf(days, generatedAt)
    .filter(({ notable }) => notable)
    .reverse();
  if (monitored(days).length === 0) return markup`<p>No data yet.</p>`;
  if (ranges.length === 0)
    return markup`<p>No downtime and no missing data in ${pluralize(monitored(days).length, "day")}.</p>`;
  const more = ranges.length - MAX_NOTABLE_DAYS;
  return markup`<ul class="days">${ranges
    .slice(0, MAX_NOTABLE_DAYS)
    .map((range) => markup`<li><b>${datesOf(range)}</b> ${range.text}</li>`)}${
    more > 0 && markup`<li>and ${more} more in <a href="status.json">status.json</a></li>`
  }</ul>`;
}

/** `90 days: up all day on 86, with downtime on 1, with missing data on 3`. */
function summaryOf(days: readonly DaySummary[], generatedAt: string): string {
  const known = monitored(days);
  const count = (is: (summary: DaySummary) => boolean) => known.filter(is).length;
  const counts = [
    [count(isUpAllDay), "up all day on"],
    [count(({ down }) => down > NEGLIGIBLE), "downtime on"],
    [count(({ degraded }) => degraded > NEGLIGIBLE), "degraded on"],
    [count(({ maintenance }) => maintenance > NEGLIGIBLE), "maintenance on"],
    [count(({ noData }) => noData > NEGLIGIBLE), "missing data on"],
  ] as const;
  const parts = counts.filter(([number]) => number > 0).map(([number, text]) => `${text} ${number}`);
  const until = day(generatedAt);
  if (parts.length === 0) return `History until ${until}: no data yet`;
  return `History of ${pluralize(known.length, "day")} until ${until}: ${parts.join(", ")}`;
}

function rangesOf(days: readonly DaySummary[], generatedAt: string): DayRange[] {
  const ranges: DayRange[] = [];
  for (const summary of days) {
    const text = textOf(summary, generatedAt);
    const last = ranges.at(-1);
    if (last?.text === text) ranges[ranges.length - 1] = { ...last, days: [...last.days, summary] };
    else ranges.push({ days: [summary], text, notable: isMonitored(summary) && !isUpAllDay(summary) });
  }
  return ranges;
}

/** `down 12 min, no data 3 h` */
function textOf(summary: DaySummary, generatedAt: string): string {
  if (!isMonitored(summary)) return "not monitored yet";
  if (isUpAllDay(summary)) return "up all day";
  const start = Date.parse(`${summary.date}T00:00:00Z`);
  const length = Math.min(DAY_MS, Math.max(0, Date.parse(generatedAt) - start));
  const parts = [
    ["down", summary.down],
    ["degraded", summary.degraded],
    ["maintenance", summary.maintenance],
    ["no data", summary.noData],
  ] as const;
  return parts
    .filter(([, fraction]) => fraction > NEGLIGIBLE)
    .map(([word, fraction]) =>
      fraction > 1 - NEGLIGIBLE ? `${word} all day` : `${word} ${duration(fraction * length)}`,
    )
    .join(", ");
}

/** The bands of one bar, from the bottom up, with their heights (SVG's y grows downward). */
function bandsOf(summary: DaySummary): (readonly [Band, from: number, to: number])[] {
  if (!isMonitored(summary)) return [["before", BAR_HEIGHT, BAR_HEIGHT - 1]];
  const bands: (readonly [Band, number, number])[] = [];
  if (summary.noData > 1 - NEGLIGIBLE) return [["none", BAR_HEIGHT, BAR_HEIGHT - STUB_HEIGHT]];

  const down = summary.down > NEGLIGIBLE ? Math.max(MIN_DOWN_HEIGHT, Math.round(summary.down * BAR_HEIGHT)) : 0;
  let bottom = BAR_HEIGHT;
  const stack = (band: Band, preferred: number) => {
    const height = Math.min(preferred, bottom - down);
    if (height <= 0) return;
    bands.push([band, bottom, bottom - height]);
    bottom -= height;
  };
  // Time without data stays empty except for the stub; maintenance and uptime share the height that downtime leaves.
  if (summary.noData > NEGLIGIBLE) stack("none", STUB_HEIGHT);
  const height = bottom - down;
  stack("maintenance", Math.round(summary.maintenance * height));
  stack(
    "degraded",
    summary.degraded > NEGLIGIBLE ? Math.max(MIN_DOWN_HEIGHT, Math.round(summary.degraded * height)) : 0,
  );
  stack("up", Math.round(summary.up * height));
  if (down > 0) bands.push(["down", down, 0]);
  return bands;
}

function datesOf({ days }: DayRange): string {
  const [first, last] = [days[0]?.date ?? "", days.at(-1)?.date ?? ""];
  return first === last ? day(first) : `${day(first)} to ${day(last)}`;
}

function monitored(days: readonly DaySummary[]): readonly DaySummary[] {
  return days.filter(isMonitored);
}

/** All fractions are 0 before the monitor was first known. */
function isMonitored({ up, degraded, down, maintenance, noData }: DaySummary): boolean {
  return up + degraded + down + maintenance + noData > NEGLIGIBLE;
}

function isUpAllDay({ up }: DaySummary): boolean {
  return up > 1 - NEGLIGIBLE;
}
