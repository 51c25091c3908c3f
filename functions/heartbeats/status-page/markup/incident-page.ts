/** The page of one incident, with its timeline. It has no time of generation: an unchanged page is not written again. No SDK, no I/O. */
import type { StoredBrand } from "../../contract";
import type { IncidentSummary, StatusDocument, TimelineEntry } from "../document";
import { dayAndTime, duration } from "../status-format";
import { anchorOf, pageHead, pageHeader, period, time } from "./elements";
import { markup, type Markup } from "./html-escape";
import { favicon, icon, icons } from "./icons";
import { statusStyle } from "./style";

export function incidentPage(incident: IncidentSummary, document: StatusDocument, brand: StoredBrand = {}): string {
  const { monitor, severity, openedAt, closedAt, closedBecause, message, timeline, sample } = incident;
  const title = document.monitors.find(({ name }) => name === monitor)?.title ?? monitor;
  const state = closedAt === null ? severity : closedBecause === undefined ? "up" : "unknown";
  return markup`<!doctype html>
<html lang="en">
<head>
${pageHead(`${title}: ${message} · ${document.title}`, statusStyle(brand.accent))}
<link rel="icon" href="${favicon(state)}">
</head>
<body>
${icons()}
${pageHeader(document.title, brand)}
<main>
<section class="banner ${state}" aria-labelledby="incident">
<h1 id="incident">${icon(state)} ${title}: ${message}</h1>
<p class="asof">${sample === true && markup`<span class="sample">sample</span> `}From ${period(openedAt, closedAt)}${
    closedAt === null ? markup`, not over yet` : markup`, ${duration(Date.parse(closedAt) - Date.parse(openedAt))}`
  }. <a href="../index.html#${anchorOf(monitor)}">${title} now</a></p>
</section>
<section aria-labelledby="timeline"><h2 id="timeline">What happened</h2>
<ol class="sheet timeline">${[...timeline].reverse().map(entry)}</ol></section>
</main>
<footer><p>All times are UTC. <a href="../index.html">All monitors</a></p></footer>
</body>
</html>
`.toString();
}

const LABELS: Readonly<Record<TimelineEntry["kind"], string>> = {
  opened: "Began",
  changed: "Changed",
  closed: "Over",
  investigating: "Investigating",
  identified: "Identified",
  monitoring: "Monitoring",
  update: "Update",
  resolved: "Resolved",
};

function entry({ at, kind, text }: TimelineEntry): Markup {
  return markup`<li class="entry"><h3>${LABELS[kind]}</h3><p class="when">${time(at, dayAndTime(at))}</p><p>${text}</p></li>`;
}
