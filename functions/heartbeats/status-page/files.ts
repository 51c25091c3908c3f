/** The files of the status page. No SDK, no I/O. */
import {
  BADGES_PREFIX,
  JSON_FEED_KEY,
  RSS_KEY,
  STATUS_JSON_KEY,
  STATUS_PAGE_KEY,
  incidentKey,
  type StoredBrand,
} from "../contract";
import type { StatusDocument } from "./document";
import { jsonFeed, rssFeed } from "./feeds";
import { statusBadge } from "./markup/badge";
import { linkedIncidents } from "./markup/incident-list";
import { incidentPage } from "./markup/incident-page";
import { statusPage } from "./markup/page";

export interface StatusFile {
  readonly key: string;
  readonly contentType: string;
  readonly cacheControl: string;
  readonly content: string;
}

const MIN_MAX_AGE_SECONDS = 5;

const HTML = "text/html; charset=utf-8";

/**
 * In upload order: the page last, after everything it links to. Uncompressed; CloudFront compresses on request.
 *
 * @param pageUrl of the published page
 */
export function statusFiles(
  document: StatusDocument,
  brand: StoredBrand = {},
  pageUrl?: string,
): readonly StatusFile[] {
  const cacheControl = cacheControlOf(document);
  const file = (key: string, contentType: string, content: string): StatusFile => ({
    key,
    contentType,
    cacheControl,
    content,
  });
  return [
    ...document.monitors.map((monitor) =>
      file(
        `${BADGES_PREFIX}${monitor.name}.svg`,
        "image/svg+xml; charset=utf-8",
        statusBadge(monitor, document.generatedAt).toString(),
      ),
    ),
    ...linkedIncidents(document).map((incident) =>
      file(incidentKey(incident.id), HTML, incidentPage(incident, document, brand)),
    ),
    file(RSS_KEY, "application/rss+xml; charset=utf-8", rssFeed(document, pageUrl)),
    file(JSON_FEED_KEY, "application/feed+json; charset=utf-8", jsonFeed(document, pageUrl)),
    file(STATUS_JSON_KEY, "application/json; charset=utf-8", `${JSON.stringify(document)}\n`),
    file(STATUS_PAGE_KEY, HTML, statusPage(document, brand)),
  ];
}

/**
 * Fresh for half an interval, then stale for one more during revalidation: less than the three intervals after which the page
 * reports itself out of date.
 */
function cacheControlOf({ intervalSeconds }: StatusDocument): string {
  const maxAge = Math.max(MIN_MAX_AGE_SECONDS, Math.floor(intervalSeconds / 2));
  return `public, max-age=${maxAge}, stale-while-revalidate=${intervalSeconds}`;
}
