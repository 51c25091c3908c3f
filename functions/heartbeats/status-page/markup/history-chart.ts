/** The last 90 days of a monitor: an SVG with one bar for each day, in the colour of its worst, and the same as text. No SDK, no I/O. */
import { DAY_MS } from "../../../shared/time";
import type { DaySummary } from "../document";
import { day, duration, pluralize } from "../status-format";
import { markup, type Markup } from "./html-escape";

/** SVG units: a whole number per pixel at each width in the style sheet. */
const BAR_STEP = 10;
export const BAR_HEIGHT = 32;

/** Less missing time is in the tooltip only: a deployment or a late tick is no news. */
const NOTABLE_NO_DATA = 0.05;
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

export type Band = "up" | "degraded" | "down" | "maintenance" | "none" | "before";

/** Where each kind of bar begins, from the top. A bad day is taller than its neighbours: it shows without colour, too. */
export const BAR_TOPS: Readonly<Record<Band, number>> = {
  down: 0,
  degraded: 3,
  up: 8,
  before: 8,
  maintenance: 16,
  none: 25,
};

/** The worst of a day. */
function bandOf(summary: DaySummary): Band {
  const { degraded, down, maintenance, noData } = summary;
  if (!isMonitored(summary)) return "before";
  if (down > NEGLIGIBLE) return "down";
  if (degraded > NEGLIGIBLE) return "degraded";
  if (noData > NOTABLE_NO_DATA) return "none";
  return maintenance > NEGLIGIBLE ? "maintenance" : "up";
}

/**
 * One path for each range of equal days: a dashed line, whose dashes are the bars. For sighted people; {@link historyText} has the same
 * as text.
 *
 * @param generatedAt the end of today's data
 */
export function historyBars(days: readonly DaySummary[], generatedAt: string): Markup {
  let index = 0;
  const ranges = rangesOf(days, generatedAt).map((range) => {
    const [first] = range.days;
    const band = first === undefined ? "before" : bandOf(first);
    const x = index * BAR_STEP;
    const { length } = range.days;
    index += length;
    return markup`<path class="${band}" data-n="${length}" d="M${x} ${barMiddle(band)}h${length * BAR_STEP}"><title>${datesOf(range)}: ${range.text}</title></path>`;
  });
  const [last] = days.slice(-1);
  return markup`<svg class="bars" aria-hidden="true" focusable="false" data-last="${last?.date ?? ""}" viewBox="0 0 ${
    days.length * BAR_STEP
  } ${BAR_HEIGHT}" preserveAspectRatio="none">${ranges}</svg>`;
}

/** Where the line of a bar is drawn, so that the bar stands on the ground. */
export function barMiddle(band: Band): number {
  return (BAR_TOPS[band] + BAR_HEIGHT) / 2;
}

/** The days that were not up all day, latest first: the chart as text. */
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

/** `90 days until 21 Nov 2026: up all day on 86, downtime on 1, missing data on 3` */
export function historyText(days: readonly DaySummary[], generatedAt: string): string {
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
