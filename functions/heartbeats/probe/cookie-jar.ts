/** The cookies of one check: set by a redirect, sent to the next URL, forgotten afterwards. No I/O. */
import { HEADER_VALUE } from "../contract";

interface Cookie {
  readonly name: string;
  readonly value: string;
  readonly domain: string;
  /** False: subdomains of the domain get it too. */
  readonly hostOnly: boolean;
  readonly path: string;
  readonly secure: boolean;
}

/** More than any redirect sets. */
const MAX_COOKIES = 50;
const MAX_COOKIE_LENGTH = 4_096;

export class CookieJar {
  private cookies: readonly Cookie[] = [];

  /** @param now of the check, which takes seconds; epoch milliseconds */
  constructor(private readonly now: number) {}

  /** @param headers values of Set-Cookie */
  store(url: URL, headers: readonly string[]): void {
    for (const header of headers) {
      const cookie = header.length > MAX_COOKIE_LENGTH ? undefined : parse(url, header, this.now);
      if (cookie === undefined) continue;
      const { cookie: added, expired } = cookie;
      const others = this.cookies.filter(
        ({ name, domain, path }) => name !== added.name || domain !== added.domain || path !== added.path,
      );
      this.cookies = expired ? others : [...others, added].slice(-MAX_COOKIES);
    }
  }

  /** The value of Cookie for a request; undefined where no cookie matches. */
  header(url: URL): string | undefined {
    const matching = this.cookies.filter(
      ({ domain, hostOnly, path, secure }) =>
        (url.hostname === domain || (!hostOnly && url.hostname.endsWith(`.${domain}`))) &&
        (url.pathname === path || url.pathname.startsWith(path.endsWith("/") ? path : `${path}/`)) &&
        (!secure || url.protocol === "https:"),
    );
    if (matching.length === 0) return undefined;
    // Of cookies with one name, servers take the first: the one of the nearest path.
    const nearestFirst = [...matching].sort((a, b) => b.path.length - a.path.length);
    return nearestFirst.map(({ name, value }) => `${name}=${value}`).join("; ");
  }
}

/** As RFC 6265 says, 5.2 and 5.3. */
function parse(
  url: URL,
  header: string,
  now: number,
): { readonly cookie: Cookie; readonly expired: boolean } | undefined {
  const [pair = "", ...attributes] = header.split(";");
  const equals = pair.indexOf("=");
  if (equals < 1 || !HEADER_VALUE.test(pair)) return undefined;
  const of = new Map(
    attributes.map((attribute) => {
      const [name = "", ...value] = attribute.split("=");
      return [name.trim().toLowerCase(), value.join("=").trim()] as const;
    }),
  );
  const domain = (of.get("domain") ?? "").replace(/^\./, "").toLowerCase();
  // A cookie for a whole top-level domain is refused. An address has no domain above it; no other host name ends in digits.
  const isParent = domain.includes(".") && url.hostname.endsWith(`.${domain}`) && !/\.\d+$/.test(url.hostname);
  if (domain !== "" && domain !== url.hostname && !isParent) return undefined;
  const path = of.get("path") ?? "";
  const expires = Date.parse(of.get("expires") ?? "");
  const maxAge = of.get("max-age") ?? "";
  return {
    cookie: {
      name: pair.slice(0, equals).trim(),
      value: pair.slice(equals + 1).trim(),
      domain: domain === "" ? url.hostname : domain,
      hostOnly: domain === "",
      path: path.startsWith("/") ? path : url.pathname.replace(/\/[^/]*$/, "") || "/",
      secure: of.has("secure"),
    },
    expired: /^-?\d+$/.test(maxAge) ? Number(maxAge) <= 0 : expires <= now,
  };
}
