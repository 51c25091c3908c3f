/** The files that a status page is made of. No SDK, no I/O. */
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

/** Shorter than this, caching is not worth its while. */
const MIN_MAX_AGE_SECONDS = 5;

/**
 * All files, in the order in which they are to be put: the page comes last, when all it links to is there. Content is stored as it
 * is; CloudFront compresses it for those who ask for that, and `curl` needs no flag.
 */
export function statusFiles(document: StatusDocument): readonly StatusFile[] {
  const cacheControl = cacheControlOf(document);
  return [
    ...document.targets.map((target) => ({
      key: `${BADGES_PREFIX}${target.name}.svg`,
      contentType: "image/svg+xml; charset=utf-8",
      cacheControl,
      content: statusBadge(target, document.generatedAt).toString(),
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
 * Half an interval fresh, and one more while a newer one is fetched: whatever a cache answers is younger than the three intervals
 * after which the page calls itself out of date, unless there is no newer one.
 */
function cacheControlOf({ intervalSeconds }: StatusDocument): string {
  const maxAge = Math.max(MIN_MAX_AGE_SECONDS, Math.floor(intervalSeconds / 2));
  return `public, max-age=${maxAge}, stale-while-revalidate=${intervalSeconds}`;
}
