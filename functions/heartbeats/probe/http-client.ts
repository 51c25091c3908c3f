/** Sends one HTTP request to one address, without redirects. */
import http from "node:http";
import https from "node:https";
import { isIP, type TcpSocketConnectOpts } from "node:net";
import { createSecureContext, type SecureContext } from "node:tls";

import { assertAddressesAllowed, assertHostAllowed, bareHost, forbiddenRange, type AddressFilter } from "./ssrf-guard";
import { CertificateRecorder } from "./certificates";
import type { HttpResponse, HttpRequest, SendHttp } from "./http-types";
import { readBody } from "./http-body";
import { ATTEMPT_MS, givenAddresses, type Lookup, type ResolvedAddress } from "./dns";

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
    request.onEvent?.();
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
  const { url, method, headers, body, certificateAuthority, onEvent = () => undefined } = request;
  const isSecure = url.protocol === "https:";
  const certificates = new CertificateRecorder(certificateAuthority);
  const options: https.RequestOptions & Pick<TcpSocketConnectOpts, "autoSelectFamilyAttemptTimeout"> = {
    method,
    hostname,
    port: url.port,
    path: url.pathname + url.search,
    // Node frames bodies of POST, PUT and PATCH only: without a length, the body of a GET is another request.
    headers: body === undefined ? headers : { ...headers, "Content-Length": String(Buffer.byteLength(body)) },
    signal,
    lookup: givenAddresses(addresses),
    autoSelectFamilyAttemptTimeout: ATTEMPT_MS,
    // SNI is for names only (RFC 6066); the empty string keeps Node from using the Host header.
    servername: isIP(hostname) ? "" : hostname,
    agent: isSecure ? secureAgent : plainAgent,
    ...(isSecure && { ...certificates.tlsOptions, secureContext: sharedContext(certificateAuthority) }),
  };
  return new Promise((resolve, reject) => {
    const outgoing = isSecure ? https.request(options) : http.request(options);
    let received: http.IncomingMessage | undefined;
    outgoing.on("socket", (socket) => {
      certificates.readLeaf(socket);
      onEvent();
      socket.once("connect", onEvent).once("secureConnect", onEvent);
    });
    outgoing.on("error", (error) => {
      // Of the body: without its cause, it would only be a connection that closed.
      received?.destroy(error);
      reject(certificates.addTo(error));
    });
    outgoing.on("response", (incoming) => {
      received = incoming;
      onEvent();
      resolve(responseOf(outgoing, incoming, certificates, onEvent));
    });
    // Without a listener Node treats 101 Switching Protocols as a connection error.
    outgoing.on("upgrade", (incoming) => {
      const response = responseOf(outgoing, incoming, certificates, onEvent);
      outgoing.destroy();
      resolve({ ...response, readBody: () => Promise.resolve("") });
    });
    outgoing.end(body);
  });
}

// Each connection is new, and no TLS session is resumed: a resumed one has no certificate. Node's global agents may use HTTP_PROXY
// (NODE_USE_ENV_PROXY), and a proxy would resolve names itself.
const plainAgent = new http.Agent({ keepAlive: false });
const secureAgent = new https.Agent({ keepAlive: false, maxCachedSessions: 0 });

const contexts = new Map<string | undefined, SecureContext>();

/** Loading the public authorities costs more than a handshake, so connections share them. */
function sharedContext(certificateAuthority: string | undefined): SecureContext {
  const existing = contexts.get(certificateAuthority);
  if (existing !== undefined) return existing;
  const context = createSecureContext(certificateAuthority === undefined ? {} : { ca: certificateAuthority });
  contexts.set(certificateAuthority, context);
  return context;
}

function responseOf(
  outgoing: http.ClientRequest,
  incoming: http.IncomingMessage,
  certificates: CertificateRecorder,
  onEvent: () => void,
): HttpResponse {
  // Without a listener, the error event of a dropped connection would be thrown.
  incoming.on("error", () => undefined);
  return {
    status: incoming.statusCode ?? 0,
    location: incoming.headers.location,
    setCookies: incoming.headers["set-cookie"] ?? [],
    ...certificates.first,
    readBody: (limits) => readBody(incoming, incoming.headers, { ...limits, onChunk: onEvent }),
    discard: () => {
      outgoing.destroy();
    },
  };
}
