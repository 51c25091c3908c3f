/** The status page: one self-contained HTML document. No SDK, no I/O. */
import { createHash } from "node:crypto";

import { joined, markup, trusted, type Markup } from "./html-escape";
import { WINDOWS, type IncidentSummary, type StatusDocument, type MonitorStatus } from "./document";
import { BAR_HEIGHT, historyBars, notableDays } from "./history-chart";
import { latencyChart } from "./latency-chart";
import { STATUS_SCRIPT } from "./script";
import { STATUS_STYLE } from "./style";
import {
  awaitsFirstHeartbeat,
  clockTime,
  countStates,
  day,
  dayAndTime,
  duration,
  interval,
  latency,
  overallState,
  headline,
  percent,
  pluralize,
  staleAt,
  STATES,
  STATE_LABELS,
  type State,
} from "./status-format";

/** The others are in status.json only. */
const MAX_PAST_INCIDENTS = 50;

/** Fewer are highlighted. */
const WARN_CERTIFICATE_DAYS = 15;

/** A lower coverage of 24 h is highlighted. */
const MIN_COVERAGE = 0.95;

/** Content-Security-Policy: only the page's own style and script, so that injected markup could neither run nor load anything. */
const CONTENT_SECURITY_POLICY = `default-src 'none'; style-src '${sha256(STATUS_STYLE)}'; script-src '${sha256(
  STATUS_SCRIPT,
)}'; img-src data:; base-uri 'none'; form-action 'none'`;

export function statusPage(document: StatusDocument): string {
  const state = overallState(document.monitors);
  return markup`<!doctype html>
<html lang="en" data-stale-at="${staleAt(document)}">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${CONTENT_SECURITY_POLICY}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${headline(document.monitors)} · ${document.app} ${document.environment}</title>
<link rel="icon" href="${favicon(state)}">
<style>${trusted(STATUS_STYLE)}</style>
</head>
<body>
<a class="skip" href="#monitors">Skip to the monitors</a>
${icons()}
<header><b>${document.app}</b> ${document.environment} · status</header>
<main>
${banner(document, state)}
<script>${trusted(STATUS_SCRIPT)}</script>
${openIncidents(document)}
${monitors(document)}
${pastIncidents(document)}
</main>
${footer(document)}
</body>
</html>
`.toString();
}

function banner(document: StatusDocument, state: State): Markup {
  const counts = countStates(document.monitors);
  const stale = new Date(staleAt(document)).toISOString();
  const notUp = document.monitors.filter(({ state: each }) => each !== "up");
  return markup`<section class="banner ${state}" aria-labelledby="overall">
<h1 id="overall"><span class="fresh">${icon(state)}</span><span class="old">${icon("unknown")}</span><span class="fresh">${headline(
    document.monitors,
  )}</span><span class="old">This page is out of date</span></h1>
<div role="status"><p class="old">No check results since ${time(document.generatedAt, dayAndTime(document.generatedAt))}
(<time datetime="${document.generatedAt}" data-ago>then</time>, by this device’s clock); expected every ${interval(document.intervalSeconds)}. The data below is from
that time. <a href="">Reload the page</a></p></div>
${
  document.monitors.length > 0 &&
  markup`<ul class="fresh" aria-label="Monitors by state">${STATES.filter((each) => counts[each] > 0).map(
    (each) => markup`<li class="${each}">${icon(each)} ${counts[each]} ${STATE_LABELS[each]}</li>`,
  )}</ul>`
}
${
  notUp.length > 0 &&
  notUp.length < document.monitors.length &&
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
  { monitor, openedAt, closedAt, closedBecause, severity, message }: IncidentSummary,
  generatedAt: string,
): Markup {
  const lasted = duration(Date.parse(closedAt ?? generatedAt) - Date.parse(openedAt));
  const end =
    closedAt === null
      ? markup`, open for ${lasted}`
      : markup` to ${time(closedAt, day(closedAt) === day(openedAt) ? clockTime(closedAt) : dayAndTime(closedAt))}, ${lasted}`;
  const state = closedAt === null ? severity : closedBecause === undefined ? "up" : "unknown";
  const outcome = { degraded: "is degraded", down: "is down", up: "recovered", unknown: "was down" }[state];
  return markup`<li class="incident ${state}"><h3>${icon(state)} <a href="#${anchor(
    monitor,
  )}">${monitor}</a> <span class="hidden">${outcome}</span></h3><p class="when">${time(
    openedAt,
    dayAndTime(openedAt),
  )}${end}</p><p class="message">${message}${closedBecause !== undefined && ` (then ${closedBecause})`}</p></li>`;
}

function monitors(document: StatusDocument): Markup {
  return markup`<section aria-labelledby="monitors"><h2 id="monitors" tabindex="-1">Monitors</h2>${
    document.monitors.length === 0
      ? markup`<p class="calm">Configure targets in main.ts.</p>`
      : markup`${legend()}<ul class="sheet">${document.monitors.map((monitor) => monitorEntry(monitor, document))}</ul>`
  }</section>`;
}

function legend(): Markup {
  const entry = (band: string, path: string, label: string) =>
    markup`<li><svg class="bars" aria-hidden="true" viewBox="0 0 7 ${BAR_HEIGHT}" stroke-width="7" preserveAspectRatio="none"><path class="${band}" d="${path}"/></svg>${label}</li>`;
  return markup`<ul class="legend" aria-label="Legend: one bar for each day">${[
    entry("up", "M3.5 32V0", "up"),
    entry("down", "M3.5 12V0", "down, from the top"),
    entry("degraded", "M3.5 32V16", "degraded"),
    entry("maintenance", "M3.5 32V10", "maintenance"),
    entry("none", "M3.5 32V24", "no data"),
    entry("before", "M3.5 32V30", "not monitored yet"),
  ]}</ul>`;
}

function monitorEntry(monitor: MonitorStatus, { generatedAt }: StatusDocument): Markup {
  const { name, state, since, lastCheck, windows } = monitor;
  return markup`<li class="monitor ${state}" id="${anchor(name)}">
<div class="head"><h3>${icon(state)}${name}</h3><p class="state"><b>${awaitsFirstHeartbeat(monitor) ? "awaiting its first report" : STATE_LABELS[state]}</b>${since !== null && markup` since ${time(since, dayAndTime(since))}`}</p></div>
${lastCheck?.ok === false && markup`<p class="message">${lastCheck.message ?? "The last check failed"}</p>`}
<div class="history">${historyBars(monitor.days, generatedAt)}<p class="axis" aria-hidden="true"><span>${monitor.days.length} days ago</span><span>today</span></p></div>
<div>${monitor.kind === "cron" ? heartbeatTimes(monitor) : latencyTimes(monitor)}</div>
<dl class="facts">${WINDOWS.map((window) => markup`<div><dt>${window.replace(/(?=[hd]$)/, " ")} uptime</dt><dd>${percent(windows[window].uptime)}</dd></div>`)}${facts(monitor)}</dl>
<details><summary>Details<span class="hidden"> of ${name}</span></summary><div class="more">${figures(monitor)}<div><h4>Days</h4>${notableDays(monitor.days, generatedAt)}<p class="calm">${lastCheckText(monitor)}</p></div></div></details>
</li>`;
}

function latencyTimes({ hours, windows }: MonitorStatus): Markup {
  const { p50Ms, p95Ms } = windows["24h"];
  return markup`${latencyChart(hours)}<p class="axis"><span>24 h latency</span><span>p50 ${latency(p50Ms)}, p95 ${latency(p95Ms)}</span></p>`;
}

/** A job is not probed: it has no latency, but a time at which it reported and one at which it is due. */
function heartbeatTimes({ lastHeartbeat, nextDue }: MonitorStatus): Markup {
  if (typeof lastHeartbeat !== "string") return markup`<p class="calm">Awaiting its first report</p>`;
  const due = typeof nextDue === "string" && markup`<br>Next report due by ${time(nextDue, dayAndTime(nextDue))}`;
  return markup`<p class="calm">Last report ${time(lastHeartbeat, dayAndTime(lastHeartbeat))}${due}</p>`;
}

/** The columns next to the uptimes, each only where it has a value. */
function facts({ lastCheck, windows }: MonitorStatus): Markup {
  const fact = (label: string, value: string, warn: boolean) =>
    markup`<div><dt>${label}</dt><dd class="${warn ? "warn" : "fine"}">${value}</dd></div>`;
  const days = lastCheck?.certificateDaysLeft ?? null;
  const { coverage } = windows["24h"];
  return markup`${[
    days !== null && fact("certificate", certificateText(days), days < WARN_CERTIFICATE_DAYS),
    coverage !== null && coverage < MIN_COVERAGE && fact("24 h checked", `only ${percent(coverage)}`, true),
  ]}`;
}

function certificateText(daysLeft: number): string {
  if (daysLeft < 0) return `expired ${pluralize(-daysLeft, "day")} ago`;
  return daysLeft === 0 ? "expires today" : `${pluralize(daysLeft, "day")} left`;
}

function lastCheckText({ kind, lastCheck }: MonitorStatus): Markup {
  if (kind === "cron") return markup``;
  if (lastCheck === null) return markup`Not checked yet.`;
  return markup`Last check at ${time(lastCheck.at, dayAndTime(lastCheck.at))}: ${lastCheck.ok ? "passed" : "failed"} after ${latency(lastCheck.latencyMs)}.`;
}

function figures({ name, kind, windows }: MonitorStatus): Markup {
  const row = (label: string, value: (window: MonitorStatus["windows"]["24h"]) => string) =>
    markup`<tr><th scope="row">${label}</th>${WINDOWS.map((window) => markup`<td>${value(windows[window])}</td>`)}</tr>`;
  return markup`<div class="scroll" role="region" tabindex="0" aria-label="Figures of ${name}"><table><thead><tr><td></td>${WINDOWS.map(
    (window) => markup`<th scope="col">${window.replace(/(?=[hd]$)/, " ")}</th>`,
  )}</tr></thead><tbody>${[
    row("Uptime", ({ uptime }) => percent(uptime)),
    row("Checks run", ({ coverage }) => percent(coverage)),
    ...(kind === "cron"
      ? []
      : [
          row("p50 latency", ({ p50Ms }) => latency(p50Ms)),
          row("p95 latency", ({ p95Ms }) => latency(p95Ms)),
          row("p99 latency", ({ p99Ms }) => latency(p99Ms)),
        ]),
  ]}</tbody></table></div>`;
}

function footer(document: StatusDocument): Markup {
  return markup`<footer><p>Generated by Almanac at ${time(document.generatedAt, dayAndTime(document.generatedAt))}, after each check run. All times are UTC.
Uptime excludes maintenance and time without data. As JSON: <a href="status.json">status.json</a>.</p></footer>`;
}

/** One symbol for each state, referenced by {@link icon}. */
function icons(): Markup {
  const symbol = (state: State, inside: Markup) =>
    markup`<symbol id="icon-${state}" viewBox="0 0 16 16">${inside}</symbol>`;
  return markup`<svg width="0" height="0" class="hidden" aria-hidden="true" focusable="false">${STATES.map((state) => symbol(state, SHAPES[state]))}</svg>`;
}

/** Distinct shapes: disc with tick, triangle with exclamation mark, diamond with cross, square with pause, dashed ring. */
const SHAPES: Readonly<Record<State, Markup>> = {
  up: markup`<circle cx="8" cy="8" r="8" fill="currentColor"/><path d="M4.5 8.2 7 10.7l4.6-5" fill="none" stroke="var(--sheet)" stroke-width="1.8"/>`,
  down: markup`<path d="M8 0l8 8-8 8-8-8z" fill="currentColor"/><path d="M5.7 5.7l4.6 4.6m0-4.6-4.6 4.6" stroke="var(--sheet)" stroke-width="1.7"/>`,
  degraded: markup`<path d="M8 .8 15.6 14.6H.4z" fill="currentColor"/><path d="M8 5.4v4.2m0 1.6v1.6" stroke="var(--sheet)" stroke-width="1.8"/>`,
  maintenance: markup`<rect x="1" y="1" width="14" height="14" rx="2" fill="currentColor"/><path d="M6 4.5v7m4-7v7" stroke="var(--sheet)" stroke-width="1.8"/>`,
  unknown: markup`<circle cx="8" cy="8" r="6.8" fill="none" stroke="currentColor" stroke-width="2" stroke-dasharray="2.6 2.1"/>`,
};

function icon(state: State): Markup {
  return markup`<svg class="icon" aria-hidden="true" focusable="false"><use href="#icon-${state}"/></svg>`;
}

/** Visible on light and dark browser tabs. */
const FAVICON_COLOURS: Readonly<Record<State, string>> = {
  up: "#2f9468",
  down: "#d8483c",
  degraded: "#c98a00",
  maintenance: "#6b7dd6",
  unknown: "#8a8478",
};

function favicon(state: State): string {
  const colour = FAVICON_COLOURS[state];
  const fill = state === "unknown" ? `fill="none" stroke="${colour}" stroke-width="3"` : `fill="${colour}"`;
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16"><circle cx="8" cy="8" r="6" ${fill}/></svg>`;
  return `data:image/svg+xml,${encodeURIComponent(svg)}`;
}

function linkTo({ name }: MonitorStatus): Markup {
  return markup`<a href="#${anchor(name)}">${name}</a>`;
}

function anchor(monitor: string): string {
  return `monitor-${monitor}`;
}

function time(iso: string, text: string): Markup {
  return markup`<time datetime="${iso}">${text}</time>`;
}

function sha256(text: string): string {
  return `sha256-${createHash("sha256").update(text).digest("base64")}`;
}
