/** The status page's feeds: RSS 2.0 and JSON Feed 1.1, with incidents and announced maintenance. No SDK, no I/O. */
import { JSON_FEED_KEY, incidentKey } from "../contract";
import type { IncidentSummary, MaintenanceSummary, StatusDocument } from "./document";
import { fnv1a } from "../../shared/hash";
import { visible, visibleLines } from "../../shared/text";
import { joined, markup, trusted } from "./markup/html-escape";
import { dayAndTime } from "./status-format";

/** Readers remember what they have seen. */
const MAX_ITEMS = 50;

interface Item {
  readonly id: string;
  readonly title: string;
  readonly text: string;
  /** ISO 8601. Undefined of what is to come: readers show an item of a later date from then on. */
  readonly published?: string;
  readonly modified?: string;
  /** Relative to the page. */
  readonly path: string;
}

/** @param pageUrl `https://status.example.org/`; anything else gives items without links */
export function rssFeed(document: StatusDocument, pageUrl = ""): string {
  const link = httpsUrl(pageUrl);
  const items = itemsOf(document).map(
    ({
      id,
      title,
      text,
      published,
      path,
    }) => markup`<item><guid isPermaLink="false">${id}</guid><title>${title}</title>${
      link !== undefined && markup`<link>${new URL(path, link).href}</link>`
    }${
      published !== undefined && markup`<pubDate>${new Date(published).toUTCString()}</pubDate>`
    }<description>${asHtml(text)}</description></item>
`,
  );
  return markup`<?xml version="1.0" encoding="UTF-8"?>
<rss version="2.0"><channel><title>${document.title} status</title><link>${link ?? "about:blank"}</link><description>Incidents and announced maintenance</description>
${items}</channel></rss>
`.toString();
}

/** A description is HTML, which is text in XML: so it is escaped twice. A line break of text is none of HTML. */
function asHtml(text: string): string {
  return joined(text.split("\n"), trusted("<br>")).toString();
}

export function jsonFeed(document: StatusDocument, pageUrl = ""): string {
  const link = httpsUrl(pageUrl);
  const feed = {
    version: "https://jsonfeed.org/version/1.1",
    title: visible(`${document.title} status`),
    ...(link !== undefined && { home_page_url: link, feed_url: new URL(JSON_FEED_KEY, link).href }),
    items: itemsOf(document).map(({ id, title, text, published, modified, path }) => ({
      id,
      title: visible(title),
      content_text: visibleLines(text),
      ...(published !== undefined && { date_published: published, date_modified: modified }),
      ...(link !== undefined && { url: new URL(path, link).href }),
    })),
  };
  return `${JSON.stringify(feed)}\n`;
}

function httpsUrl(url: string): string | undefined {
  return url.startsWith("https://") && URL.canParse(url) ? url : undefined;
}

/** What is to come, then the latest. Times of generation are in none: an unchanged feed is not written again. */
function itemsOf(document: StatusDocument): readonly Item[] {
  const titles = new Map(document.monitors.map(({ name, title }) => [name, title]));
  const titleOf = (name: string) => titles.get(name) ?? name;
  const items = [
    ...document.incidents.map((incident) => incidentItem(incident, titleOf(incident.monitor))),
    ...document.maintenance.map((maintenance) => maintenanceItem(maintenance, titleOf, document.generatedAt)),
  ];
  const order = ({ published = "~" }: Item) => published;
  return items.sort((a, b) => (order(a) < order(b) ? 1 : order(a) > order(b) ? -1 : 0)).slice(0, MAX_ITEMS);
}

function incidentItem(
  { id, openedAt, closedAt, closedBecause = "resolved", message, timeline, sample }: IncidentSummary,
  title: string,
): Item {
  const lines = timeline.map(({ at, kind, text }) => `${dayAndTime(at)}: ${isHuman(kind) ? `${kind}: ` : ""}${text}`);
  return {
    id,
    title: `${sample === true ? "Sample: " : ""}${title}: ${closedAt === null ? message : `${message} (${closedBecause})`}`,
    text: [...lines].reverse().join("\n"),
    published: openedAt,
    modified: timeline.at(-1)?.at ?? openedAt,
    path: incidentKey(id),
  };
}

const isHuman = (kind: string): boolean => !["opened", "changed", "closed"].includes(kind);

/** Windows that begin at the same time differ by their notes. */
function maintenanceItem(
  { from, to, note, monitors }: MaintenanceSummary,
  titleOf: (name: string) => string,
  generatedAt: string,
): Item {
  return {
    id: `maintenance.${from}.${(monitors ?? ["all"]).join(".")}.${fnv1a(note)}`,
    title: `Maintenance from ${dayAndTime(from)}: ${note}`,
    text: `From ${dayAndTime(from)} to ${dayAndTime(to)}, ${monitors === null ? "all monitors" : monitors.map(titleOf).join(", ")}: ${note}`,
    ...(from <= generatedAt && { published: from, modified: from }),
    path: "",
  };
}
