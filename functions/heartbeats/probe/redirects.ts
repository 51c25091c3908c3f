import type { Reach } from "./ssrf-guard";
import type { HttpResponse, HttpRequest } from "./http-types";

export const MAX_REDIRECTS = 5;

const REDIRECT_STATUSES = new Set([301, 302, 303, 307, 308]);

/** A redirect that cannot be followed. */
export class RedirectError extends Error {
  override readonly name = "RedirectError";
}

export function isRedirect({ status }: Pick<HttpResponse, "status">): boolean {
  return REDIRECT_STATUSES.has(status);
}

/**
 * The request a redirect leads to, by the rules of fetch: a 303, and a POST met with 301 or 302, becomes a GET without
 * body. Headers people gave for one origin are never shown to another, so only `plainHeaders` go there.
 *
 * @param followed how many redirects came before this one
 * @throws {@link RedirectError} when it is one too many or leads nowhere
 */
export function redirected(
  request: HttpRequest,
  answer: Pick<HttpResponse, "status" | "location">,
  followed: number,
  plainHeaders: Readonly<Record<string, string>>,
): HttpRequest {
  if (followed >= MAX_REDIRECTS) throw new RedirectError(`more than ${MAX_REDIRECTS} redirects`);
  const url = destination(request.url, answer);
  const headers = url.origin === request.url.origin ? request.headers : plainHeaders;
  const next = { ...request, url, headers, reach: reachOf(request, url) };
  if (!losesBody(request.method, answer.status)) return next;
  const method = request.method === "HEAD" ? "HEAD" : "GET";
  return { ...next, method, headers: withoutContent(headers), body: undefined };
}

/**
 * That somebody marked a target as private says where it is, and that its network is one it may redirect into. It does not say
 * that whoever breaks into that one server may have the checker ask its own machine for things.
 */
function reachOf({ reach, url }: HttpRequest, to: URL): Reach {
  return reach === "anywhere" && to.hostname !== url.hostname ? "private" : reach;
}

function destination(from: URL, { status, location }: Pick<HttpResponse, "status" | "location">): URL {
  if (location === undefined) throw new RedirectError(`a redirect (${status}) to nowhere: it has no Location`);
  if (!URL.canParse(location, from.href))
    throw new RedirectError(`a redirect (${status}) to nowhere: Location is no URL`);
  const url = new URL(location, from);
  if (url.protocol === "http:" || url.protocol === "https:") return url;
  throw new RedirectError(`a redirect (${status}) to an address that is not http(s): ${url.protocol}`);
}

function losesBody(method: string, status: number): boolean {
  return status === 303 || (method === "POST" && (status === 301 || status === 302));
}

/** A body's own headers go where the body goes. */
function withoutContent(headers: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !/^(content-|transfer-encoding$)/i.test(name)));
}
