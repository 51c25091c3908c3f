/** The files of the status page. No SDK, no I/O. */
import { BADGES_PREFIX, STATUS_JSON_KEY, STATUS_PAGE_KEY } from "../contract";
import { statusBadge } from "./badge";
import type { StatusDocument } from "./document";
import { statusPage } from "./html";

export interface StatusFile {
  readonly key: string;
  readonly contentType: string;
  readonly cacheControl: string;
  readonly content: string;
}

const MIN_MAX_AGE_SECONDS = 5;

/** In upload order: the page last, after everything it links to. Uncompressed; CloudFront compresses on request. */
export function statusFiles(document: StatusDocument): readonly StatusFile[] {
  const cacheControl = cacheControlOf(document);
  return [
    ...document.monitors.map((monitor) => ({
      key: `${BADGES_PREFIX}${monitor.name}.svg`,
      contentType: "image/svg+xml; charset=utf-8",
      cacheControl,
      content: statusBadge(monitor, document.generatedAt).toString(),
    })),
    {
      key: STATUS_JSON_KEY,
      contentType: "application/json; charset=utf-8",
      cacheControl,
      content: `${JSON.stringify(document)}\n`,
    },
    { key: STATUS_PAGE_KEY, contentType: "text/html; charset=utf-8", cacheControl, content: statusPage(document) },
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
