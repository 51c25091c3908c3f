/** Open and past incidents on the status page. No SDK, no I/O. */
import { incidentKey } from "../../contract";
import type { IncidentSummary, StatusDocument, TimelineEntry } from "../document";
import { dayAndTime, duration } from "../status-format";
import { anchorOf, period, time } from "./elements";
import { markup, type Markup } from "./html-escape";
import { icon } from "./icons";

/** Unfolded past incidents. */
const LATEST_INCIDENTS = 8;

/** The others are in status.json only. */
const MAX_PAST_INCIDENTS = 50;

/** Those that the page links to: open ones, and the latest past ones. */
export function linkedIncidents({ incidents }: StatusDocument): readonly IncidentSummary[] {
  const past = incidents.filter(({ closedAt }) => closedAt !== null);
  return [...incidents.filter(({ closedAt }) => closedAt === null), ...past.slice(0, MAX_PAST_INCIDENTS)];
}

export function openIncidents(document: StatusDocument): Markup {
  const open = document.incidents.filter(({ closedAt }) => closedAt === null);
  if (open.length === 0) return markup``;
  return markup`<section aria-labelledby="open"><h2 id="open">Open incidents</h2>${listOf(open, document)}</section>`;
}

export function pastIncidents(document: StatusDocument): Markup {
  const past = document.incidents.filter(({ closedAt }) => closedAt !== null);
  const latest = past.slice(0, LATEST_INCIDENTS);
  const older = past.slice(LATEST_INCIDENTS, MAX_PAST_INCIDENTS);
  const more = past.length - MAX_PAST_INCIDENTS;
  return markup`<section aria-labelledby="past"><h2 id="past">Past incidents</h2>${
    past.length === 0 ? markup`<p class="calm">None recorded in the last 90 days.</p>` : listOf(latest, document)
  }${
    older.length > 0 &&
    markup`<details class="older"><summary>${older.length} older</summary>${listOf(older, document)}${
      more > 0 && markup`<p class="calm">And ${more} more, in <a href="status.json">status.json</a>.</p>`
    }</details>`
  }</section>`;
}

function listOf(incidents: readonly IncidentSummary[], document: StatusDocument): Markup {
  return markup`<ul class="sheet incidents">${incidents.map((each) => incident(each, document))}</ul>`;
}

function incident(
  { id, monitor, openedAt, closedAt, closedBecause, severity, message, timeline, sample }: IncidentSummary,
  { generatedAt, monitors }: StatusDocument,
): Markup {
  const lasted = duration(Date.parse(closedAt ?? generatedAt) - Date.parse(openedAt));
  const end = closedAt === null ? markup`, open for ${lasted}` : markup`, ${lasted}`;
  const state = closedAt === null ? severity : closedBecause === undefined ? "up" : "unknown";
  const outcome = { degraded: "is degraded", down: "is down", up: "recovered", unknown: "was down" }[state];
  const title = monitors.find(({ name }) => name === monitor)?.title ?? monitor;
  return markup`<li class="incident ${state}"><h3>${icon(state)} <a href="#${anchorOf(
    monitor,
  )}">${title}</a> <span class="hidden">${outcome}</span>${sample === true && markup` <span class="sample">sample</span>`}</h3><p class="when">${period(openedAt, closedAt)}${end}</p><p class="message"><a href="${incidentKey(id)}">${message}<span class="hidden">: timeline</span></a>${closedBecause !== undefined && ` (then ${closedBecause})`}</p>${said(timeline)}</li>`;
}

/** The latest that people said. */
function said(timeline: readonly TimelineEntry[]): Markup | false {
  const last = timeline.findLast(({ kind }) => kind !== "opened" && kind !== "changed" && kind !== "closed");
  if (last === undefined) return false;
  return markup`<p class="said">${last.text} <span class="when">${time(last.at, dayAndTime(last.at))}</span></p>`;
}
