/** The last 90 days of a target, a bar a day: a picture, and the same in words. No SDK, no I/O. */
import { DAY_MS } from "../../shared/time";
import { markup, type Markup } from "./html-escape";
import type { DaySummary } from "./document";
import { counted, day, duration } from "./status-format";

/** Units of the picture. A whole number of them fits a pixel at each width that the style sheet gives it. */
const BAR_STEP = 10;
const BAR_WIDTH = 7;
export const BAR_HEIGHT = 32;

/** Any downtime is seen, be it a minute of a day. */
const MIN_DOWN_HEIGHT = 7;
/** A day without data is a stub at the foot: neither a bar nor nothing. */
const STUB_HEIGHT = 4;
/** Fractions are sums of many: this much is lost on the way. */
const NEGLIGIBLE = 1e-6;
/** Of the days that people read about one by one. */
const MAX_NOTABLE_DAYS = 14;

/** Consecutive days of which the same is to be said, and that look the same. */
interface Run {
  readonly days: readonly DaySummary[];
  /** `up all day`; `down 12 min, no data 3 h`. */
  readonly words: string;
  /** Something other than up, and known. */
  readonly notable: boolean;
}

type Band = "up" | "down" | "maintenance" | "none" | "before";

/**
 * One SVG for all days: a path for each run of equal ones, so that a hundred targets stay small.
 *
 * @param generatedAt ends today, which is a shorter day than the others
 */
export function historyBars(days: readonly DaySummary[], generatedAt: string): Markup {
  let index = 0;
  const runs = runsOf(days, generatedAt).map((run) => {
    const bands = new Map<Band, string>();
    for (const summary of run.days) {
      for (const [band, from, to] of bandsOf(summary)) {
        const x = index * BAR_STEP + BAR_STEP / 2;
        bands.set(band, `${bands.get(band) ?? ""}M${x} ${from}V${to}`);
      }
      index += 1;
    }
    const paths = [...bands].map(([band, path]) => markup`<path class="${band}" d="${path}"/>`);
    return markup`<g data-n="${run.days.length}"><title>${spanOf(run)}: ${run.words}</title>${paths}</g>`;
  });
  const [last] = days.slice(-1);
  return markup`<svg class="bars" role="img" aria-label="${summaryOf(days, generatedAt)}" data-last="${last?.date ?? ""}" viewBox="0 0 ${
    days.length * BAR_STEP
  } ${BAR_HEIGHT}" preserveAspectRatio="none" stroke-width="${BAR_WIDTH}">${runs}</svg>`;
}

/** The days that were not simply up, latest first: what the picture shows, for whoever doesn't see it. */
export function notableDays(days: readonly DaySummary[], generatedAt: string): Markup {
  const runs = runsOf(days, generatedAt)
    .filter(({ notable }) => notable)
    .reverse();
  if (watched(days).length === 0) return markup`<p>Nothing known yet.</p>`;
  if (runs.length === 0)
    return markup`<p>No downtime and no missing data in ${counted(watched(days).length, "day")}.</p>`;
  const more = runs.length - MAX_NOTABLE_DAYS;
  return markup`<ul class="days">${runs
    .slice(0, MAX_NOTABLE_DAYS)
    .map((run) => markup`<li><b>${spanOf(run)}</b> ${run.words}</li>`)}${
    more > 0 && markup`<li>and ${more} more in <a href="status.json">status.json</a></li>`
  }</ul>`;
}

/** `90 days: up all day on 86, with downtime on 1, with missing data on 3`. */
function summaryOf(days: readonly DaySummary[], generatedAt: string): string {
  const known = watched(days);
  const count = (is: (summary: DaySummary) => boolean) => known.filter(is).length;
  const said = [
    [count(isUpAllDay), "up all day on"],
    [count(({ down }) => down > NEGLIGIBLE), "downtime on"],
    [count(({ maintenance }) => maintenance > NEGLIGIBLE), "maintenance on"],
    [count(({ noData }) => noData > NEGLIGIBLE), "missing data on"],
  ] as const;
  const parts = said.filter(([number]) => number > 0).map(([number, words]) => `${words} ${number}`);
  const until = day(generatedAt);
  if (parts.length === 0) return `History until ${until}: nothing known yet`;
  return `History of ${counted(known.length, "day")} until ${until}: ${parts.join(", ")}`;
}

function runsOf(days: readonly DaySummary[], generatedAt: string): Run[] {
  const runs: Run[] = [];
  for (const summary of days) {
    const words = wordsOf(summary, generatedAt);
    const last = runs.at(-1);
    if (last?.words === words) runs[runs.length - 1] = { ...last, days: [...last.days, summary] };
    else runs.push({ days: [summary], words, notable: isWatched(summary) && !isUpAllDay(summary) });
  }
  return runs;
}

/** What is to be said of one day. */
function wordsOf(summary: DaySummary, generatedAt: string): string {
  if (!isWatched(summary)) return "not watched yet";
  if (isUpAllDay(summary)) return "up all day";
  const start = Date.parse(`${summary.date}T00:00:00Z`);
  const length = Math.min(DAY_MS, Math.max(0, Date.parse(generatedAt) - start));
  const parts = [
    ["down", summary.down],
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

/** The bands of one bar, from the foot up: each from and to which height (SVG's y grows downward). */
function bandsOf(summary: DaySummary): (readonly [Band, from: number, to: number])[] {
  if (!isWatched(summary)) return [["before", BAR_HEIGHT, BAR_HEIGHT - 1]];
  const bands: (readonly [Band, number, number])[] = [];
  if (summary.noData > 1 - NEGLIGIBLE) return [["none", BAR_HEIGHT, BAR_HEIGHT - STUB_HEIGHT]];

  const down = summary.down > NEGLIGIBLE ? Math.max(MIN_DOWN_HEIGHT, Math.round(summary.down * BAR_HEIGHT)) : 0;
  let foot = BAR_HEIGHT;
  const stack = (band: Band, wanted: number) => {
    const height = Math.min(wanted, foot - down);
    if (height <= 0) return;
    bands.push([band, foot, foot - height]);
    foot -= height;
  };
  // What is missing stays empty, but for its stub at the foot; the rest keeps its share of the room that downtime left.
  if (summary.noData > NEGLIGIBLE) stack("none", STUB_HEIGHT);
  const room = foot - down;
  stack("maintenance", Math.round(summary.maintenance * room));
  stack("up", Math.round(summary.up * room));
  if (down > 0) bands.push(["down", down, 0]);
  return bands;
}

function spanOf({ days }: Run): string {
  const [first, last] = [days[0]?.date ?? "", days.at(-1)?.date ?? ""];
  return first === last ? day(first) : `${day(first)} to ${day(last)}`;
}

function watched(days: readonly DaySummary[]): readonly DaySummary[] {
  return days.filter(isWatched);
}

/** Before a target was first known, all its fractions are 0. */
function isWatched({ up, down, maintenance, noData }: DaySummary): boolean {
  return up + down + maintenance + noData > NEGLIGIBLE;
}

function isUpAllDay({ up }: DaySummary): boolean {
  return up > 1 - NEGLIGIBLE;
}
