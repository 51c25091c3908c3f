/** Follows redirects by the rules of fetch. */
import type { Reach } from "./ssrf-guard";
import type { HttpResponse, HttpRequest } from "./http-types";

const MAX_REDIRECTS = 5;

const REDIRECT_STATUSES = new Set([301, 302, 303, 307, 308]);

export class RedirectError extends Error {
  override readonly name = "RedirectError";
}

export function isRedirect({ status }: Pick<HttpResponse, "status">): boolean {
  return REDIRECT_STATUSES.has(status);
}

/**
 * The next request. A 303, and a 301 or 302 to a POST, becomes a GET without body. Credentials are not sent to another origin;
 * other headers are (User-Agent, Content-Type).
 *
 * @param followed number of redirects before this one
 * @param credentials lower-case names of headers
 * @throws {@link RedirectError} when there are too many or Location is invalid
 */
export function redirected(
  request: HttpRequest,
  response: Pick<HttpResponse, "status" | "location">,
  followed: number,
  credentials: ReadonlySet<string>,
): HttpRequest {
  if (followed >= MAX_REDIRECTS) throw new RedirectError(`more than ${MAX_REDIRECTS} redirects`);
  const url = destination(request.url, response);
  const headers = headersFor(request, url, credentials);
  const next = { ...request, url, headers, reach: reachOf(request, url) };
  if (!losesBody(request.method, response.status)) return next;
  const method = request.method === "HEAD" ? "HEAD" : "GET";
  return { ...next, method, headers: withoutContent(headers), body: undefined };
}

/** Host names the origin that was configured, so it is dropped with the credentials. */
function headersFor(
  { url, headers }: HttpRequest,
  to: URL,
  credentials: ReadonlySet<string>,
): Readonly<Record<string, string>> {
  if (to.origin === url.origin) return headers;
  const kept = Object.entries(headers).filter(
    ([name]) => !credentials.has(name.toLowerCase()) && !/^host$/i.test(name),
  );
  return Object.fromEntries(kept);
}

/**
 * A private target may redirect to its own host and into private networks. Elsewhere on localhost and link-local addresses, a
 * compromised target could make the checker call its own runtime.
 */
function reachOf({ reach, url }: HttpRequest, to: URL): Reach {
  return reach === "anywhere" && to.hostname !== url.hostname ? "private" : reach;
}

function destination(from: URL, response: Pick<HttpResponse, "status" | "location">): URL {
  const { status } = response;
  if (response.location === undefined) throw new RedirectError(`redirect (${status}) without Location`);
  const location = withEncodedBytes(response.location);
  if (!URL.canParse(location, from.href)) throw new RedirectError(`redirect (${status}) with an invalid Location`);
  const url = new URL(location, from);
  if (url.protocol === "http:" || url.protocol === "https:") return url;
  throw new RedirectError(`redirect (${status}) to a URL that is not http(s): ${url.protocol}`);
}

/** Node reads a header as Latin-1. Servers that do not encode a path or a host send UTF-8, which the URL would encode a second time. */
function withEncodedBytes(header: string): string {
  return header.replace(/[\x80-\xff]/g, (byte) => `%${byte.charCodeAt(0).toString(16).toUpperCase()}`);
}

function losesBody(method: string, status: number): boolean {
  return status === 303 || (method === "POST" && (status === 301 || status === 302));
}

function withoutContent(headers: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !/^(content-|transfer-encoding$)/i.test(name)));
}
