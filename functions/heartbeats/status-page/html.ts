/** The status page: one HTML document that needs nothing beside itself. No SDK, no I/O. */
import { createHash } from "node:crypto";

import { joined, markup, Markup } from "./html-escape";
import { WINDOWS, type IncidentSummary, type StatusDocument, type TargetStatus } from "./document";
import { BAR_HEIGHT, historyBars, notableDays } from "./history-chart";
import { latencyChart } from "./latency-chart";
import { STATUS_SCRIPT } from "./script";
import { STATUS_STYLE } from "./style";
import {
  clockTime,
  countStates,
  counted,
  day,
  dayAndTime,
  duration,
  interval,
  latency,
  overallState,
  overallWords,
  percent,
  staleAt,
  STATES,
  STATE_WORDS,
  type State,
} from "./status-format";

/** Of closed incidents on the page; the rest is in status.json. */
const MAX_PAST_INCIDENTS = 50;

/** Fewer days left of a certificate than this are pointed out. */
const FEW_CERTIFICATE_DAYS = 15;

/** A target with less of its last day checked says so beside its state. */
const GOOD_COVERAGE = 0.95;

/**
 * What a browser may do for the page: show its own style and run its own script, and no others. Even markup that got past
 * escaping could neither run nor load anything.
 */
export const STATUS_POLICY = `default-src 'none'; style-src '${sha256(STATUS_STYLE)}'; script-src '${sha256(
  STATUS_SCRIPT,
)}'; img-src data:; base-uri 'none'; form-action 'none'`;

/** The whole page. */
export function statusPage(document: StatusDocument): string {
  const state = overallState(document.targets);
  return markup`<!doctype html>
<html lang="en" data-stale-at="${staleAt(document)}">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${STATUS_POLICY}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${overallWords(document.targets)} · ${document.app} ${document.environment}</title>
<link rel="icon" href="${favicon(state)}">
<style>${Markup.trusted(STATUS_STYLE)}</style>
</head>
<body>
<a class="skip" href="#targets">Skip to the targets</a>
${icons()}
<header><b>${document.app}</b> ${document.environment} · status</header>
<main>
${banner(document, state)}
<script>${Markup.trusted(STATUS_SCRIPT)}</script>
${openIncidents(document)}
${targets(document)}
${pastIncidents(document)}
</main>
${footer(document)}
</body>
</html>
`.toString();
}

function banner(document: StatusDocument, state: State): Markup {
  const counts = countStates(document.targets);
  const stale = new Date(staleAt(document)).toISOString();
  const notUp = document.targets.filter(({ state: each }) => each !== "up");
  return markup`<section class="banner ${state}" aria-labelledby="overall">
<h1 id="overall"><span class="fresh">${icon(state)}</span><span class="old">${icon("unknown")}</span><span class="fresh">${overallWords(
    document.targets,
  )}</span><span class="old">This page is out of date</span></h1>
<div role="status"><p class="old">Nothing has been heard from the checks since ${time(document.generatedAt, dayAndTime(document.generatedAt))}
(<time datetime="${document.generatedAt}" data-ago>then</time>, by this device’s clock); they were due every ${interval(document.intervalSeconds)}. What follows was true
at that time, and may not be now. <a href="">Load the page again</a></p></div>
${
  document.targets.length > 0 &&
  markup`<ul class="fresh" aria-label="Targets by state">${STATES.filter((each) => counts[each] > 0).map(
    (each) => markup`<li class="${each}">${icon(each)} ${counts[each]} ${STATE_WORDS[each]}</li>`,
  )}</ul>`
}
${
  notUp.length > 0 &&
  notUp.length < document.targets.length &&
  markup`<p class="fresh">Not up: ${joined(notUp.slice(0, 20).map(linkTo), ", ")}${
    notUp.length > 20 && ` and ${notUp.length - 20} more`
  }.</p>`
}
<p class="asof fresh">As of ${time(document.generatedAt, dayAndTime(document.generatedAt))}. Checked every ${interval(
    document.intervalSeconds,
  )}: after ${time(stale, day(stale) === day(document.generatedAt) ? clockTime(stale) : dayAndTime(stale))} this page is out of date.</p>
</section>`;
}

function openIncidents(document: StatusDocument): Markup {
  const open = document.incidents.filter(({ closedAt }) => closedAt === null);
  if (open.length === 0) return markup``;
  return markup`<section aria-labelledby="open"><h2 id="open">Open incidents</h2><ul class="sheet">${open.map((each) =>
    incident(each, document.generatedAt),
  )}</ul></section>`;
}

function pastIncidents(document: StatusDocument): Markup {
  const past = document.incidents.filter(({ closedAt }) => closedAt !== null);
  const more = past.length - MAX_PAST_INCIDENTS;
  return markup`<section aria-labelledby="past"><h2 id="past">Past incidents</h2>${
    past.length === 0
      ? markup`<p class="calm">None recorded in the last 90 days.</p>`
      : markup`<ul class="sheet">${past.slice(0, MAX_PAST_INCIDENTS).map((each) => incident(each, document.generatedAt))}</ul>`
  }${more > 0 && markup`<p class="calm">And ${more} more, in <a href="status.json">status.json</a>.</p>`}</section>`;
}

function incident(
  { target, openedAt, closedAt, closedBecause, message }: IncidentSummary,
  generatedAt: string,
): Markup {
  const lasted = duration(Date.parse(closedAt ?? generatedAt) - Date.parse(openedAt));
  const end =
    closedAt === null
      ? markup`, open for ${lasted}`
      : markup` to ${time(closedAt, day(closedAt) === day(openedAt) ? clockTime(closedAt) : dayAndTime(closedAt))}, ${lasted}`;
  const state = closedAt === null ? "down" : closedBecause === undefined ? "up" : "unknown";
  const became = { down: "is down", up: "recovered", unknown: "was down" }[state];
  return markup`<li class="incident ${state}"><h3>${icon(state)} <a href="#${anchor(
    target,
  )}">${target}</a> <span class="hidden">${became}</span></h3><p class="when">${time(
    openedAt,
    dayAndTime(openedAt),
  )}${end}</p><p class="message">${message}${closedBecause !== undefined && ` (then ${closedBecause})`}</p></li>`;
}

function targets(document: StatusDocument): Markup {
  return markup`<section aria-labelledby="targets"><h2 id="targets" tabindex="-1">Targets</h2>${
    document.targets.length === 0
      ? markup`<p class="calm">Name some in main.ts.</p>`
      : markup`${legend()}<ul class="sheet">${document.targets.map((target) => targetEntry(target, document))}</ul>`
  }</section>`;
}

/** Each form of a bar, once. */
function legend(): Markup {
  const entry = (band: string, path: string, words: string) =>
    markup`<li><svg class="bars" aria-hidden="true" viewBox="0 0 7 ${BAR_HEIGHT}" stroke-width="7" preserveAspectRatio="none"><path class="${band}" d="${path}"/></svg>${words}</li>`;
  return markup`<ul class="legend" aria-label="How to read the bars, one a day">${[
    entry("up", "M3.5 32V0", "up"),
    entry("down", "M3.5 12V0", "down, from the top"),
    entry("maintenance", "M3.5 32V10", "maintenance"),
    entry("none", "M3.5 32V24", "no data"),
    entry("before", "M3.5 32V30", "not watched yet"),
  ]}</ul>`;
}

function targetEntry(target: TargetStatus, { generatedAt }: StatusDocument): Markup {
  const { name, state, since, lastCheck, windows } = target;
  return markup`<li class="target ${state}" id="${anchor(name)}">
<div class="head"><h3>${icon(state)}${name}</h3><p class="state"><b>${STATE_WORDS[state]}</b>${since !== null && markup` since ${time(since, dayAndTime(since))}`}</p></div>
${lastCheck?.ok === false && markup`<p class="message">${lastCheck.message ?? "The last check failed"}</p>`}
<div class="history">${historyBars(target.days, generatedAt)}<p class="axis" aria-hidden="true"><span>${target.days.length} days ago</span><span>today</span></p></div>
<div>${latencyChart(target.hours)}<p class="axis"><span>24 h latency</span><span>p50 ${latency(windows["24h"].p50Ms)}, p95 ${latency(windows["24h"].p95Ms)}</span></p></div>
<dl class="facts">${WINDOWS.map((window) => markup`<div><dt>${window.replace(/(?=[hd]$)/, " ")} uptime</dt><dd>${percent(windows[window].uptime)}</dd></div>`)}${facts(target)}</dl>
<details><summary>Details<span class="hidden"> of ${name}</span></summary><div class="more">${figures(target)}<div><h4>Days</h4>${notableDays(target.days, generatedAt)}<p class="calm">${lastCheckWords(target)}</p></div></div></details>
</li>`;
}

/** What stands beside the uptimes where there is something to say. */
function facts({ lastCheck, windows }: TargetStatus): Markup {
  const days = lastCheck?.certificateDaysLeft ?? null;
  const { coverage } = windows["24h"];
  return markup`${
    days !== null &&
    markup`<div><dt>certificate</dt><dd class="${days < FEW_CERTIFICATE_DAYS ? "warn" : "fine"}">${certificateWords(days)}</dd></div>`
  }${
    coverage !== null &&
    coverage < GOOD_COVERAGE &&
    markup`<div><dt>24 h checked</dt><dd class="warn">only ${percent(coverage)}</dd></div>`
  }`;
}

function certificateWords(daysLeft: number): string {
  if (daysLeft < 0) return `expired ${counted(-daysLeft, "day")} ago`;
  return daysLeft === 0 ? "expires today" : `${counted(daysLeft, "day")} left`;
}

function lastCheckWords({ lastCheck }: TargetStatus): Markup {
  if (lastCheck === null) return markup`Not checked yet.`;
  return markup`Last check at ${time(lastCheck.at, dayAndTime(lastCheck.at))}: ${lastCheck.ok ? "good" : "failed"} after ${latency(lastCheck.latencyMs)}.`;
}

function figures({ name, windows }: TargetStatus): Markup {
  const row = (words: string, value: (window: TargetStatus["windows"]["24h"]) => string) =>
    markup`<tr><th scope="row">${words}</th>${WINDOWS.map((window) => markup`<td>${value(windows[window])}</td>`)}</tr>`;
  return markup`<div class="scroll" role="region" tabindex="0" aria-label="Figures of ${name}"><table><thead><tr><td></td>${WINDOWS.map(
    (window) => markup`<th scope="col">${window.replace(/(?=[hd]$)/, " ")}</th>`,
  )}</tr></thead><tbody>${[
    row("Uptime", ({ uptime }) => percent(uptime)),
    row("Checks run", ({ coverage }) => percent(coverage)),
    row("p50 latency", ({ p50Ms }) => latency(p50Ms)),
    row("p95 latency", ({ p95Ms }) => latency(p95Ms)),
    row("p99 latency", ({ p99Ms }) => latency(p99Ms)),
  ]}</tbody></table></div>`;
}

function footer(document: StatusDocument): Markup {
  return markup`<footer><p>Written by Almanac at ${time(document.generatedAt, dayAndTime(document.generatedAt))}, after each round of checks. All times are UTC.
Uptime counts the time that was checked; time without data, and maintenance, is neither up nor down. The same as data: <a href="status.json">status.json</a>.</p></footer>`;
}

/** Signs of different shape, drawn once and used everywhere. */
function icons(): Markup {
  const symbol = (state: State, inside: Markup) =>
    markup`<symbol id="sign-${state}" viewBox="0 0 16 16">${inside}</symbol>`;
  return markup`<svg width="0" height="0" class="hidden" aria-hidden="true" focusable="false">${STATES.map((state) => symbol(state, SHAPES[state]))}</svg>`;
}

/** A full disc with a tick, a full diamond with a cross, a full square with a pause, an open dashed ring. */
const SHAPES: Readonly<Record<State, Markup>> = {
  up: markup`<circle cx="8" cy="8" r="8" fill="currentColor"/><path d="M4.5 8.2 7 10.7l4.6-5" fill="none" stroke="var(--sheet)" stroke-width="1.8"/>`,
  down: markup`<path d="M8 0l8 8-8 8-8-8z" fill="currentColor"/><path d="M5.7 5.7l4.6 4.6m0-4.6-4.6 4.6" stroke="var(--sheet)" stroke-width="1.7"/>`,
  maintenance: markup`<rect x="1" y="1" width="14" height="14" rx="2" fill="currentColor"/><path d="M6 4.5v7m4-7v7" stroke="var(--sheet)" stroke-width="1.8"/>`,
  unknown: markup`<circle cx="8" cy="8" r="6.8" fill="none" stroke="currentColor" stroke-width="2" stroke-dasharray="2.6 2.1"/>`,
};

function icon(state: State): Markup {
  return markup`<svg class="sign" aria-hidden="true" focusable="false"><use href="#sign-${state}"/></svg>`;
}

/** Colours of a browser's tab, which may be light or dark. */
const ICON_COLOURS: Readonly<Record<State, string>> = {
  up: "#2f9468",
  down: "#d8483c",
  maintenance: "#6b7dd6",
  unknown: "#8a8478",
};

function favicon(state: State): string {
  const colour = ICON_COLOURS[state];
  const fill = state === "unknown" ? `fill="none" stroke="${colour}" stroke-width="3"` : `fill="${colour}"`;
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16"><circle cx="8" cy="8" r="6" ${fill}/></svg>`;
  return `data:image/svg+xml,${encodeURIComponent(svg)}`;
}

function linkTo({ name }: TargetStatus): Markup {
  return markup`<a href="#${anchor(name)}">${name}</a>`;
}

function anchor(target: string): string {
  return `target-${target}`;
}

function time(iso: string, words: string): Markup {
  return markup`<time datetime="${iso}">${words}</time>`;
}

function sha256(text: string): string {
  return `sha256-${createHash("sha256").update(text).digest("base64")}`;
}
