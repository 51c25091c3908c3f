/**
 * Keeps web pages out of the servers on this machine: a page of any site can send requests to a port of it. The same rules as
 * scripts/emulator/server/guard.py.
 */
import type { IncomingMessage, ServerResponse } from "node:http";

const HOST = /^(127\.0\.0\.1|localhost|\[::1\]|([a-z0-9_-]+\.)+localhost)(:\d+)?$/;

/** Why a request is refused; undefined: it is not. */
export function refusal({ headersDistinct: headers }: Pick<IncomingMessage, "headersDistinct">): string | undefined {
  const hosts = (headers["host"] ?? []).map((host) => host.toLowerCase());
  const [host = ""] = hosts;
  // A name that its owner can point to 127.0.0.1 would make a page of that name same-origin (DNS rebinding).
  if (hosts.length !== 1 || !HOST.test(host)) return "the Host header is not 127.0.0.1, localhost or a name below it";
  if ((headers["origin"] ?? []).some((origin) => origin.toLowerCase() !== `http://${host}`))
    return "the Origin header names another origin";
  if ((headers["sec-fetch-site"] ?? []).some((site) => !["same-origin", "none"].includes(site)))
    return "a page of another origin has sent it";
  return undefined;
}

/** Answers a request that is refused. @returns whether it was */
export function refuseForeign(request: IncomingMessage, response: ServerResponse): boolean {
  const reason = refusal(request);
  if (reason === undefined) return false;
  response
    .writeHead(403, { "Content-Type": "application/json", Connection: "close" })
    .end(JSON.stringify({ message: `Refused: ${reason}.` }));
  return true;
}
