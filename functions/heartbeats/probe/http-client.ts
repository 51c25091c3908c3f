/** Sends one HTTP request to one address, without redirects. */
import http from "node:http";
import https from "node:https";
import { isIP, type TcpSocketConnectOpts } from "node:net";
import { createSecureContext, TLSSocket, type DetailedPeerCertificate, type SecureContext } from "node:tls";

import { assertAddressesAllowed, assertHostAllowed, bareHost, forbiddenRange, type AddressFilter } from "./ssrf-guard";
import type { HttpResponse, HttpRequest, SendHttp } from "./http-types";
import { readBody } from "./http-body";
import type { Lookup, ResolvedAddress } from "./dns";

/** Connection attempt timeout for each address but the last. Node's default of 250 ms is too short for distant hosts. */
const ATTEMPT_MS = 1_000;

/**
 * {@link SendHttp} over node:http and node:https, not fetch: a check needs the certificate, and must connect to exactly the
 * addresses that passed the SSRF guard, without a second lookup. Each connection serves one request, like a new visitor's, and
 * because a resumed TLS session has no certificate.
 *
 * Any port is allowed: public ports are reachable anyway, and teams do check :8443 and :9200.
 */
export function httpClient(lookup: Lookup, filter: AddressFilter = forbiddenRange): SendHttp {
  return async (request, signal) => {
    const { hostname } = request.url;
    assertHostAllowed(hostname, request.reach, filter);
    // Only the lookup needs the final dot of a fully qualified name.
    const addresses = isIP(bareHost(hostname)) ? [] : await lookup(hostname, signal);
    assertAddressesAllowed(hostname, addresses, request.reach, filter);
    return send(request, bareHost(hostname), addresses, signal);
  };
}

function send(
  request: HttpRequest,
  hostname: string,
  addresses: readonly ResolvedAddress[],
  signal: AbortSignal,
): Promise<HttpResponse> {
  const { url, method, headers, body, certificateAuthority } = request;
  const options: https.RequestOptions & Pick<TcpSocketConnectOpts, "autoSelectFamilyAttemptTimeout"> = {
    method,
    hostname,
    port: url.port,
    path: url.pathname + url.search,
    // Node frames bodies of POST, PUT and PATCH only: without a length, the body of a GET is another request.
    headers: body === undefined ? headers : { ...headers, "Content-Length": String(Buffer.byteLength(body)) },
    signal,
    // Node's global agent may use HTTP_PROXY (NODE_USE_ENV_PROXY), and a proxy would resolve names itself.
    agent: false,
    lookup: (_hostname, { all }, callback) => {
      const [first] = addresses;
      // Node asks for a single address only if autoSelectFamily is disabled.
      if (all === true || first === undefined) callback(null, [...addresses]);
      else callback(null, first.address, first.family);
    },
    autoSelectFamilyAttemptTimeout: ATTEMPT_MS,
    // SNI is for names only (RFC 6066); the empty string keeps Node from using the Host header.
    servername: isIP(hostname) ? "" : hostname,
    ...(url.protocol === "https:" && { secureContext: sharedContext(certificateAuthority) }),
  };
  return new Promise((resolve, reject) => {
    const outgoing = url.protocol === "https:" ? https.request(options) : http.request(options);
    let fingerprint: string | undefined;
    // The only event at which the certificate of a failed handshake can be read.
    outgoing.on("socket", (socket) => {
      socket.prependOnceListener("secure", () => (fingerprint = certificateOf({ socket }).certificateFingerprint));
    });
    outgoing.on("error", (error) => {
      reject(fingerprint === undefined ? error : Object.assign(error, { certificateFingerprint: fingerprint }));
    });
    outgoing.on("response", (incoming) => {
      resolve(responseOf(outgoing, incoming));
    });
    // Without a listener Node treats 101 Switching Protocols as a connection error.
    outgoing.on("upgrade", (incoming) => {
      const response = responseOf(outgoing, incoming);
      outgoing.destroy();
      resolve({ ...response, readBody: () => Promise.resolve("") });
    });
    outgoing.end(body);
  });
}

const contexts = new Map<string | undefined, SecureContext>();

/** Loading the public authorities costs more than a handshake, so connections share them. */
function sharedContext(certificateAuthority: string | undefined): SecureContext {
  const existing = contexts.get(certificateAuthority);
  if (existing !== undefined) return existing;
  const context = createSecureContext(certificateAuthority === undefined ? {} : { ca: certificateAuthority });
  contexts.set(certificateAuthority, context);
  return context;
}

function responseOf(outgoing: http.ClientRequest, incoming: http.IncomingMessage): HttpResponse {
  // Without a listener, the error event of a dropped connection would be thrown.
  incoming.on("error", () => undefined);
  return {
    status: incoming.statusCode ?? 0,
    location: incoming.headers.location,
    setCookies: incoming.headers["set-cookie"] ?? [],
    ...certificateOf(incoming),
    readBody: (limits) => readBody(incoming, incoming.headers, limits),
    discard: () => {
      outgoing.destroy();
    },
  };
}

function certificateOf({
  socket,
}: Pick<http.IncomingMessage, "socket">): Pick<HttpResponse, "certificateExpiresAt" | "certificateFingerprint"> {
  if (!(socket instanceof TLSSocket)) return { certificateExpiresAt: undefined };
  const [first] = chainOf(socket.getPeerCertificate(true))
    .map((certificate) => ({ certificate, expiresAt: Date.parse(certificate.valid_to) }))
    .filter(({ expiresAt }) => !Number.isNaN(expiresAt))
    .sort((a, b) => a.expiresAt - b.expiresAt);
  if (first === undefined) return { certificateExpiresAt: undefined };
  return {
    certificateExpiresAt: first.expiresAt,
    certificateFingerprint: first.certificate.fingerprint256.replaceAll(":", "").toLowerCase(),
  };
}

/** The leaf and its intermediates. Without the root: it is trusted whatever its dates, and is its own issuer. */
function chainOf(leaf: DetailedPeerCertificate): readonly DetailedPeerCertificate[] {
  const chain = [leaf];
  for (let next = issuerOf(leaf); next !== undefined && !chain.includes(next); next = issuerOf(next)) {
    if (issuerOf(next) === next) break;
    chain.push(next);
  }
  return chain;
}

/** Absent, against its type, where the server did not send it. */
function issuerOf({ issuerCertificate }: Partial<DetailedPeerCertificate>): DetailedPeerCertificate | undefined {
  return issuerCertificate;
}
