import http from "node:http";
import https from "node:https";
import { isIP, type TcpSocketConnectOpts } from "node:net";
import { TLSSocket } from "node:tls";

import { bareHost, forbiddenRange, assertAddressesAllowed, assertHostAllowed } from "./ssrf-guard";
import type { HttpResponse, HttpRequest, SendHttp } from "./http-types";
import { readBody } from "./http-body";
import type { Lookup, ResolvedAddress } from "./dns";

/**
 * How long each of a name's addresses but the last is tried. Node's own 250 ms is less than an address far away, met by a busy
 * function, may take.
 */
const ATTEMPT_MS = 1_000;

/**
 * {@link SendHttp} over node:http and node:https, chosen over fetch because a check needs the certificate and must connect to
 * exactly the addresses that were looked up and judged: there is no second look-up that could say otherwise. A connection serves
 * one request: a check is to see what a new visitor sees, and a resumed TLS session would show no certificate.
 *
 * Any port will do. At a public address whatever listens can be reached by anybody, so a list of allowed ports would protect
 * nothing there, and would shut out what teams do check: :8443, :9200.
 *
 * @param judge which addresses are not public
 */
export function httpClient(lookUp: Lookup, judge = forbiddenRange): SendHttp {
  return async (request, signal) => {
    const { hostname } = request.url;
    assertHostAllowed(hostname, request.reach, judge);
    // The final dot of a fully qualified name matters to the look-up, and to nothing else.
    const addresses = isIP(bareHost(hostname)) ? [] : await lookUp(hostname, signal);
    assertAddressesAllowed(hostname, addresses, request.reach, judge);
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
    headers,
    signal,
    // An agent of its own, which knows nothing of HTTP_PROXY and its like: Node's shared one may be told to heed them
    // (NODE_USE_ENV_PROXY), and a proxy would look names up for itself.
    agent: false,
    lookup: (_hostname, { all }, found) => {
      const [first] = addresses;
      // Node asks for one address only where trying several (autoSelectFamily) has been switched off.
      if (all === true || first === undefined) found(null, [...addresses]);
      else found(null, first.address, first.family);
    },
    autoSelectFamilyAttemptTimeout: ATTEMPT_MS,
    // A server name is for names only (RFC 6066); an empty one keeps Node from deriving one from a Host header.
    servername: isIP(hostname) ? "" : hostname,
    ...(certificateAuthority === undefined ? {} : { ca: certificateAuthority }),
  };
  return new Promise((resolve, reject) => {
    const outgoing = url.protocol === "https:" ? https.request(options) : http.request(options);
    let refused: string | undefined;
    // Node drops a connection whose certificate it refuses before anybody can see the certificate, except here.
    outgoing.on("socket", (socket) => {
      socket.prependOnceListener("secure", () => (refused = certificateOf({ socket }).certificateFingerprint));
    });
    outgoing.on("error", (error) => {
      reject(refused === undefined ? error : Object.assign(error, { certificateFingerprint: refused }));
    });
    outgoing.on("response", (incoming) => {
      resolve(answerOf(outgoing, incoming));
    });
    // Without a listener Node takes 101 Switching Protocols for a broken connection. It is the whole answer here.
    outgoing.on("upgrade", (incoming) => {
      const answer = answerOf(outgoing, incoming);
      outgoing.destroy();
      resolve({ ...answer, readBody: () => Promise.resolve("") });
    });
    outgoing.end(body);
  });
}

function answerOf(outgoing: http.ClientRequest, incoming: http.IncomingMessage): HttpResponse {
  // Dropping a connection is reported on the answer as well, where nobody may be listening any more.
  incoming.on("error", () => undefined);
  return {
    status: incoming.statusCode ?? 0,
    location: incoming.headers.location,
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
  const certificate = socket.getPeerCertificate();
  const expiry = Date.parse(certificate.valid_to);
  if (Number.isNaN(expiry)) return { certificateExpiresAt: undefined };
  return {
    certificateExpiresAt: expiry,
    certificateFingerprint: certificate.fingerprint256.replaceAll(":", "").toLowerCase(),
  };
}
