/** Checks one target. */
import type { Clock } from "../../shared/clock";
import { isObject } from "../../shared/errors";
import { BROKEN_REASONS, type Outcome, type Target } from "../contract";
import { isSecretName } from "../../shared/plain-secret";
import { CheckTimeoutError, failureOf, type Failure } from "./failures";
import { lagOfEvents, withoutOwnLag, type LagMeter } from "./event-loop-lag";
import type { HttpResponse, HttpRequest, SendHttp } from "./http-types";
import { daysLeft, needsBody, assertResponse, type CompleteResponse } from "./assertions";
import { CookieJar } from "./cookie-jar";
import { isRedirect, redirected } from "./redirects";
import { resolveHeaders, noSecrets, type ReadSecret } from "./header-secrets";

const DEFAULT_HEADERS: Readonly<Record<string, string>> = {
  "User-Agent": "almanac-heartbeat/1",
  Accept: "*/*",
  // A compressed body must be held and decompressed to be searched, and its length says little about the page.
  "Accept-Encoding": "identity",
};

/** One check of one target. */
export interface ProbeResult {
  readonly target: string;
  /** When the check began, epoch milliseconds. */
  readonly at: number;
  /** From the first DNS lookup to the last byte, or to the failure. */
  readonly latencyMs: number;
  readonly outcome: Outcome;
  /** The error in the checker, where the outcome's reason is in {@link BROKEN_REASONS}. */
  readonly fault?: unknown;
}

export interface ProbePorts {
  readonly send: SendHttp;
  readonly clock: Clock;
  /** For targets with secret headers. @default fails */
  readonly readSecret?: ReadSecret;
  /** @default no lag */
  readonly lag?: LagMeter;
}

/** Collected during the check, so that a later failure can report it. */
interface Observed {
  status?: number;
  /** The minimum over all connections: visitors need the certificates of redirects too. */
  certificateDaysLeft?: number;
  /** Of the certificate with the minimum. */
  certificateFingerprint?: string;
}

/** Never throws: every error is an outcome. The timeout covers DNS lookup, handshake, redirects and body. */
export async function checkTarget(
  target: Target,
  { send, clock, readSecret = noSecrets, lag: readLag = () => 0 }: ProbePorts,
): Promise<ProbeResult> {
  const at = clock.now();
  let start = clock.elapsed();
  const resultOf = (outcome: Outcome): ProbeResult => {
    return { target: target.name, at, latencyMs: clock.elapsed() - start, outcome };
  };
  let headers: Readonly<Record<string, string>>;
  try {
    headers = await resolveHeaders(target, readSecret);
  } catch (fault) {
    return { ...resultOf({ ok: false, ...failureOf(fault) }), fault };
  }
  start = clock.elapsed(); // reading secrets counts neither in the latency nor in the timeout
  const lag = lagOfEvents(readLag, () => clock.elapsed());
  const judged = (outcome: Outcome, latencyMs: number) => withoutOwnLag(outcome, target, latencyMs, lag.total);
  const timeout = new AbortController();
  const cancelTimer = clock.after(target.timeoutSeconds * 1_000, () => {
    timeout.abort(new CheckTimeoutError(target.timeoutSeconds));
  });
  const observed: Observed = {};
  try {
    const first = { ...firstRequest(target, headers), onEvent: lag.onEvent };
    const response = await followRedirects(first, target, send, timeout.signal, observed, at);
    lag.onEvent();
    const latencyMs = clock.elapsed() - start;
    const outcome = assertResponse(target, { ...response, latencyMs });
    return { ...resultOf(judged(outcome, latencyMs)), latencyMs };
  } catch (error) {
    lag.onEvent();
    // After the timeout, any other error is a consequence of the abort.
    const cause: unknown = timeout.signal.aborted ? timeout.signal.reason : error;
    const failure = withRedirect(afterResponse(failureOf(cause), observed), observed);
    const certificate = failure.reason === "tls" && refusedCertificate(cause);
    const outcome: Outcome = { ok: false, ...failure, ...observed, ...certificate };
    const result = resultOf(judged(outcome, clock.elapsed() - start));
    return BROKEN_REASONS.has(failure.reason) ? { ...result, fault: cause } : result;
  } finally {
    cancelTimer();
  }
}

async function followRedirects(
  first: HttpRequest,
  target: Target,
  send: SendHttp,
  signal: AbortSignal,
  observed: Observed,
  now: number,
): Promise<Omit<CompleteResponse, "latencyMs">> {
  let request = first;
  const cookies = new CookieJar(now);
  const credentials = credentialsOf(target);
  for (let redirects = 0; ; redirects++) {
    const response = await send(withCookies(request, cookies), signal);
    observe(observed, response, now);
    if (target.followRedirects && isRedirect(response)) {
      response.discard();
      cookies.store(request.url, response.setCookies ?? []);
      request = redirected(request, response, redirects, credentials);
    } else {
      const body = await response.readBody({ maxBytes: target.maxBodyBytes, keep: needsBody(target) });
      return { ...observed, status: response.status, redirects, body };
    }
  }
}

/** Lower-case names of the headers that no other origin may see. */
function credentialsOf({ headers }: Target): ReadonlySet<string> {
  const credentials = Object.entries(headers).filter(
    ([name, value]) => typeof value !== "string" || isSecretName(name),
  );
  return new Set(credentials.map(([name]) => name.toLowerCase()));
}

function withCookies(request: HttpRequest, cookies: CookieJar): HttpRequest {
  const stored = cookies.header(request.url);
  if (stored === undefined) return request;
  const [name = "Cookie", configured] =
    Object.entries(request.headers).find(([each]) => each.toLowerCase() === "cookie") ?? [];
  const value = configured === undefined ? stored : `${configured}; ${stored}`;
  return { ...request, headers: { ...request.headers, [name]: value } };
}

/** The certificate that failed the TLS handshake, if the error has it. */
function refusedCertificate(error: unknown): Pick<Observed, "certificateFingerprint"> {
  const fingerprint = isObject(error) && "certificateFingerprint" in error ? error.certificateFingerprint : undefined;
  return typeof fingerprint === "string" ? { certificateFingerprint: fingerprint } : {};
}

function firstRequest(
  { method, url, body, certificateAuthority, private: isPrivate }: Target,
  headers: Readonly<Record<string, string>>,
): HttpRequest {
  const configured = new Set(Object.keys(headers).map((name) => name.toLowerCase()));
  const defaults = Object.entries(DEFAULT_HEADERS).filter(([name]) => !configured.has(name.toLowerCase()));
  return {
    method,
    url: new URL(url),
    headers: { ...Object.fromEntries(defaults), ...headers },
    body,
    certificateAuthority,
    reach: isPrivate ? "anywhere" : "public",
  };
}

/** A forbidden request has no response: an observed status is that of the redirect to it. */
function withRedirect(failure: Failure, { status }: Observed): Failure {
  if (failure.reason !== "forbidden-address" || status === undefined) return failure;
  return { ...failure, message: `redirect (${status}) to a forbidden address: ${failure.message}` };
}

/** Once the target has responded, an unknown error is caused by its response. */
function afterResponse(failure: Failure, { status }: Observed): Failure {
  if (failure.reason !== "internal" || status === undefined) return failure;
  const isFollowed = isRedirect({ status });
  const message = isFollowed ? `redirect (${status}) to a URL that cannot be requested` : "the response cannot be read";
  return { reason: isFollowed ? "redirect" : "protocol", message };
}

function observe(
  observed: Observed,
  { status, certificateExpiresAt, certificateFingerprint }: HttpResponse,
  now: number,
): void {
  observed.status = status;
  if (certificateExpiresAt === undefined) return;
  const left = daysLeft(certificateExpiresAt, now);
  if (left >= (observed.certificateDaysLeft ?? Infinity)) return;
  observed.certificateDaysLeft = left;
  if (certificateFingerprint !== undefined) observed.certificateFingerprint = certificateFingerprint;
}
