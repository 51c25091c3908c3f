/** The guard of the console: only its own page may send requests, in a browser that has exchanged a one-time token. */
import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { refusal } from "../../shared/loopback-guard";

/** `127.0.0.1:4570` and `localhost:4570`: stricter than the other servers on this machine, which read no AWS account. */
export function refusedByConsole(request: Pick<IncomingMessage, "headersDistinct">, port: number): string | undefined {
  const [host = ""] = request.headersDistinct["host"] ?? [];
  if (![`127.0.0.1:${port}`, `localhost:${port}`].includes(host.toLowerCase()))
    return "the Host header is not the console's own";
  return refusal(request);
}

/** Nothing but the page's own script and style runs or loads, and no text becomes markup. */
export const SECURITY_HEADERS: Readonly<Record<string, string>> = {
  "Content-Security-Policy": [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "connect-src 'self'",
    "img-src 'self' data:",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    // An assignment to innerHTML throws, also in a library.
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
  ].join("; "),
  "X-Content-Type-Options": "nosniff",
  "X-Frame-Options": "DENY",
  "Referrer-Policy": "no-referrer",
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Resource-Policy": "same-origin",
  "Cache-Control": "no-store",
};

const TOKEN_BYTES = 24;

/**
 * One-time tokens, which an address contains, and the sessions that they are exchanged for. A session is sent in a header, not in a cookie:
 * cookies of 127.0.0.1 are sent to every port of it.
 */
export class Sessions {
  readonly #tokens = new Set<string>();
  readonly #sessions = new Set<string>();

  /** @returns a token that is good for one exchange */
  issue(): string {
    const token = randomBytes(TOKEN_BYTES).toString("base64url");
    this.#tokens.add(digest(token));
    return token;
  }

  /** @returns a session; undefined: the token is unknown or was used */
  exchange(token: string): string | undefined {
    if (!this.#tokens.delete(digest(token))) return undefined;
    const session = randomBytes(TOKEN_BYTES).toString("base64url");
    this.#sessions.add(digest(session));
    return session;
  }

  /** @param authorization the header: `Bearer <session>` */
  has(authorization: string | undefined): boolean {
    const session = bearerOf(authorization);
    return session !== undefined && this.#sessions.has(digest(session));
  }
}

/** Whether the header has this key. */
export function isBearer(authorization: string | undefined, key: string): boolean {
  const given = bearerOf(authorization);
  return given !== undefined && timingSafeEqual(Buffer.from(digest(given)), Buffer.from(digest(key)));
}

function bearerOf(authorization: string | undefined): string | undefined {
  return /^Bearer ([\w-]{1,200})$/.exec(authorization ?? "")?.[1];
}

/** Sets of digests are looked up in a time that says nothing about the secret. */
function digest(secret: string): string {
  return createHash("sha256").update(secret).digest("base64url");
}
