/** The monitors of the status page: a line each, which opens to detail. No SDK, no I/O. */
import { groupBy } from "../../../shared/group-by";
import { DAY_MS } from "../../../shared/time";
import { WINDOWS, type MonitorStatus, type StatusDocument } from "../document";
import {
  awaitsFirstHeartbeat,
  countStates,
  dayAndTime,
  duration,
  latency,
  percent,
  pluralize,
  STATE_LABELS,
  STATES,
} from "../status-format";
import { BAR_HEIGHT, barMiddle, historyBars, historyText, notableDays, type Band } from "./history-chart";
import { anchorOf, time } from "./elements";
import { markup, type Markup } from "./html-escape";
import { icon } from "./icons";
import { latencyChart } from "./latency-chart";

/** Fewer are highlighted. */
const WARN_CERTIFICATE_DAYS = 15;

/** A lower coverage of 24 h is highlighted. */
const MIN_COVERAGE = 0.95;

/** A list of this many is read at a glance. */
const FILTERED_MONITORS = 8;

const FIRST_DAYS_MS = 3 * DAY_MS;

/** Heading of monitors without a group, where others have one. */
const UNGROUPED = "Other";

/** The level of a heading. */
type Level = 3 | 4;

export function monitorSection(document: StatusDocument): Markup {
  const { monitors } = document;
  return markup`<section aria-labelledby="monitors"><div class="bar"><h2 id="monitors" tabindex="-1">Monitors</h2>${monitors.length > FILTERED_MONITORS && filter()}</div>${
    monitors.length === 0
      ? markup`<p class="calm">Configure targets in main.ts.</p>`
      : markup`${began(document)}${groupsOf(monitors).map((group) => groupEntry(group, document))}${legend()}`
  }</section>`;
}

/** On the first days most bars are blank: says why. */
function began({ monitors, generatedAt }: StatusDocument): Markup | false {
  const first = monitors.flatMap(({ monitoredSince }) => monitoredSince ?? []).sort()[0];
  if (first === undefined || !(Date.parse(generatedAt) - Date.parse(first) < FIRST_DAYS_MS)) return false;
  return markup`<p class="calm began">Monitoring began on ${time(first, dayAndTime(first))}. Each day adds a bar.</p>`;
}

/** Shown by the script, without which it can do nothing. */
function filter(): Markup {
  return markup`<p class="filter" hidden><label><span class="hidden">Filter monitors</span><input type="search" id="filter" placeholder="Filter" autocomplete="off"></label> <label><input type="checkbox" id="not-up"> not up</label> <span id="matches" role="status" class="hidden"></span></p>`;
}

interface Group {
  /** Null where no monitor has a group. */
  readonly name: string | null;
  readonly monitors: readonly MonitorStatus[];
}

/** Worst first, else in the order of the configuration; monitors without a group are last among equals. */
function groupsOf(all: readonly MonitorStatus[]): readonly Group[] {
  const isGrouped = all.some(({ group }) => group !== null);
  const byName = groupBy(all, ({ group }) => group ?? (isGrouped ? UNGROUPED : null));
  const groups = [...byName].map(([name, monitors]) => ({ name, monitors: [...monitors].sort(byState) }));
  return groups.sort(
    (a, b) => worstOf(a.monitors) - worstOf(b.monitors) || Number(a.name === UNGROUPED) - Number(b.name === UNGROUPED),
  );
}

const byState = (a: MonitorStatus, b: MonitorStatus) => rankOf(a) - rankOf(b);

const worstOf = (monitors: readonly MonitorStatus[]) => Math.min(...monitors.map(rankOf));

/** A job that was never due is as good as up. */
function rankOf(monitor: MonitorStatus): number {
  return awaitsFirstHeartbeat(monitor) ? STATES.indexOf("up") : STATES.indexOf(monitor.state);
}

function groupEntry({ name, monitors }: Group, document: StatusDocument): Markup {
  const list = (level: Level) =>
    markup`<ul class="sheet">${monitors.map((monitor) => monitorEntry(monitor, document, level))}</ul>`;
  if (name === null) return list(3);
  return markup`<details class="group" open><summary><h3>${name}</h3> <span class="counts">${groupText(monitors)}</span></summary>${list(4)}</details>`;
}

/** `all 12 up`, `1 down, 11 up` */
function groupText(monitors: readonly MonitorStatus[]): string {
  const counts = countStates(monitors);
  const parts = STATES.filter((state) => counts[state] > 0).map((state) => `${counts[state]} ${STATE_LABELS[state]}`);
  return parts.length === 1 && monitors.length > 1 ? `all ${parts.join("")}` : parts.join(", ");
}

function monitorEntry(monitor: MonitorStatus, { generatedAt }: StatusDocument, level: Level): Markup {
  const { title, state, windows, days } = monitor;
  return markup`<li class="monitor ${state}"><details><summary>${icon(state)}<h${level}>${title}</h${level}><span class="state"><b>${stateText(monitor)}</b>${sinceText(monitor, generatedAt)}</span>${historyBars(days, generatedAt)}<span class="uptime">${uptimeText(windows["90d"].uptime)}</span></summary>
${detail(monitor, generatedAt)}
</details></li>`;
}

function uptimeText(uptime: number | null): Markup {
  if (uptime === null) return markup`–`;
  return markup`${percent(uptime)}<span class="hidden"> uptime in 90 days</span>`;
}

function stateText(monitor: MonitorStatus): string {
  return awaitsFirstHeartbeat(monitor) ? "awaiting its first report" : STATE_LABELS[monitor.state];
}

/** ` 43 min`, of what is not up. */
function sinceText({ state, since }: MonitorStatus, generatedAt: string): string | false {
  if (since === null || state === "up") return false;
  const length = Date.parse(generatedAt) - Date.parse(since);
  return Number.isNaN(length) ? false : ` ${duration(length)}`;
}

/** Has the anchor: a browser opens what hides the target of a link. */
function detail(monitor: MonitorStatus, generatedAt: string): Markup {
  const { name, title, description, lastCheck, kind } = monitor;
  return markup`<div class="more" id="${anchorOf(name)}">${description !== null && markup`<p class="about wide">${description}</p>`}${
    lastCheck?.ok === false && markup`<p class="message wide">${lastCheck.message ?? "The last check failed"}</p>`
  }
<dl class="facts wide">${facts(monitor)}</dl>
${figures(monitor)}
<div>${kind === "target" && latencyTimes(monitor)}<div class="days">${notableDays(monitor.days, generatedAt)}</div></div>
<p class="calm wide">${historyText(monitor.days, generatedAt)}. <a href="badges/${name}.svg">Badge<span class="hidden"> of ${title}</span></a></p></div>`;
}

function latencyTimes({ hours, windows }: MonitorStatus): Markup {
  const { p50Ms, p95Ms } = windows["24h"];
  return markup`${latencyChart(hours)}<p class="axis"><span>Latency of 24 h</span><span>p50 ${latency(p50Ms)}, p95 ${latency(p95Ms)}</span></p>`;
}

/** What is known now, each only where it has a value. */
function facts(monitor: MonitorStatus): Markup {
  const { state, since, lastCheck, windows, monitoredSince, sampleUntil } = monitor;
  const fact = (label: string, value: string | Markup, warn = false) =>
    markup`<div><dt>${label}</dt><dd class="${warn ? "warn" : "fine"}">${value}</dd></div>`;
  const at = (iso: string) => time(iso, dayAndTime(iso));
  const days = lastCheck?.certificateDaysLeft ?? null;
  const { coverage } = windows["24h"];
  const isNew = monitoredSince !== null && monitor.days.some(({ up, down, noData }) => up + down + noData === 0);
  return markup`${[
    since !== null && fact(`${STATE_LABELS[state]} since`, at(since)),
    lastCheck !== null &&
      fact(
        "Last check",
        markup`${at(lastCheck.at)}: ${lastCheck.ok ? "passed" : "failed"} after ${latency(lastCheck.latencyMs)}`,
      ),
    monitor.kind === "cron" && heartbeatTimes(monitor, fact, at),
    monitor.kind === "target" && lastCheck === null && fact("Last check", "not checked yet"),
    days !== null && fact("Certificate", certificateText(days), days < WARN_CERTIFICATE_DAYS),
    coverage !== null && coverage < MIN_COVERAGE && fact("24 h checked", `only ${percent(coverage)}`, true),
    isNew && fact("Monitored since", at(monitoredSince)),
    sampleUntil !== undefined && fact("Sample data", markup`before ${at(sampleUntil)}`),
  ]}`;
}

/**
 * A job is not probed: it has no latency, but a time at which it reported and one at which it is due. The last report of one that is down
 * can be of a failure, which the heartbeat is not.
 */
function heartbeatTimes(
  { state, lastHeartbeat, nextDue, lastRunMs }: MonitorStatus,
  fact: (label: string, value: string | Markup) => Markup,
  at: (iso: string) => Markup,
): Markup {
  const label = state === "down" ? "Last success" : "Last report";
  if (typeof lastHeartbeat !== "string")
    return fact(label, state === "down" ? "None yet" : "Awaiting its first report");
  return markup`${fact(label, at(lastHeartbeat))}${typeof nextDue === "string" && fact("Next report due by", at(nextDue))}${typeof lastRunMs === "number" && fact("Last run took", lastRunMs < 60_000 ? latency(lastRunMs) : duration(lastRunMs))}`;
}

function certificateText(daysLeft: number): string {
  if (daysLeft < 0) return `expired ${pluralize(-daysLeft, "day")} ago`;
  return daysLeft === 0 ? "expires today" : `${pluralize(daysLeft, "day")} left`;
}

function figures({ title, kind, windows }: MonitorStatus): Markup {
  const row = (label: string, value: (window: MonitorStatus["windows"]["24h"]) => string) =>
    markup`<tr><th scope="row">${label}</th>${WINDOWS.map((window) => markup`<td>${value(windows[window])}</td>`)}</tr>`;
  return markup`<div class="scroll" role="region" tabindex="0" aria-label="Figures of ${title}"><table><thead><tr><td></td>${WINDOWS.map(
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

function legend(): Markup {
  const entry = (band: Band, label: string) =>
    markup`<li><svg class="bars" aria-hidden="true" viewBox="0 0 10 ${BAR_HEIGHT}" preserveAspectRatio="none"><path class="${band}" d="M0 ${barMiddle(band)}h10"/></svg>${label}</li>`;
  return markup`<ul class="legend" aria-label="Legend: one bar for each of 90 days, in the colour of its worst"><li>90 days and their uptime, today last. A day has the colour of its worst:</li>${[
    entry("up", "up"),
    entry("down", "down"),
    entry("degraded", "degraded"),
    entry("maintenance", "maintenance"),
    entry("none", "no data"),
    entry("before", "not monitored yet"),
  ]}</ul>`;
}
