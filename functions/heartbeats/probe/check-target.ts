import type { Clock } from "../../shared/clock";
import { isObject } from "../../shared/errors";
import { BROKEN_REASONS, type Outcome, type Target } from "../contract";
import { CheckTimeoutError, failureOf, type Failure } from "./failures";
import type { HttpResponse, HttpRequest, SendHttp } from "./http-types";
import { daysLeft, needsBody, assertAnswer, type Answer } from "./assertions";
import { isRedirect, redirected } from "./redirects";
import { resolveHeaders, noSecrets, type ReadSecret } from "./header-secrets";

const DEFAULT_HEADERS: Readonly<Record<string, string>> = {
  "User-Agent": "almanac-heartbeat/1",
  Accept: "*/*",
  // A compressed body would have to be held and unpacked to be searched, and its length says little about the page's.
  "Accept-Encoding": "identity",
};

/** One check of one target. */
export interface ProbeResult {
  readonly target: string;
  /** When the check began, epoch milliseconds. */
  readonly at: number;
  /** From before the first name look-up to the last byte, or to the failure. */
  readonly latencyMs: number;
  readonly outcome: Outcome;
  /** What went wrong in the checker itself; only where the outcome's reason says that something did. */
  readonly fault?: unknown;
}

export interface ProbePorts {
  readonly send: SendHttp;
  readonly clock: Clock;
  /** For targets with secrets in their headers. @default none can be read */
  readonly readSecret?: ReadSecret;
}

/** What the answers so far have shown; filled in as a check goes, so that a failure half-way can still tell it. */
interface Seen {
  status?: number;
  /** The fewest of all connections made: a redirect's certificate stands in the visitor's way as much as the last one's. */
  certificateDaysLeft?: number;
  /** Of the certificate with the fewest. */
  certificateFingerprint?: string;
}

/**
 * Checks one target. Never throws: whatever happens is an outcome, so that no target can stop the others. The timeout holds for
 * the whole of it: look-up, handshake, redirects and body.
 */
export async function checkTarget(
  target: Target,
  { send, clock, readSecret = noSecrets }: ProbePorts,
): Promise<ProbeResult> {
  const at = clock.now();
  let start = clock.elapsed();
  const observed = (outcome: Outcome): ProbeResult => {
    return { target: target.name, at, latencyMs: clock.elapsed() - start, outcome };
  };
  let headers: Readonly<Record<string, string>>;
  try {
    headers = await resolveHeaders(target, readSecret);
  } catch (fault) {
    return { ...observed({ ok: false, ...failureOf(fault) }), fault };
  }
  start = clock.elapsed(); // what SSM takes is not the target's, neither in its latency nor in its timeout
  const timeout = new AbortController();
  const cancelTimer = clock.after(target.timeoutSeconds * 1_000, () => {
    timeout.abort(new CheckTimeoutError(target.timeoutSeconds));
  });
  const seen: Seen = {};
  try {
    const answer = await followRedirects(firstRequest(target, headers), target, send, timeout.signal, seen, at);
    const latencyMs = clock.elapsed() - start;
    return { ...observed(assertAnswer(target, { ...answer, latencyMs })), latencyMs };
  } catch (error) {
    // Once the timer has fired, any other error is only the way the connection came down.
    const cause: unknown = timeout.signal.aborted ? timeout.signal.reason : error;
    const failure = explained(failureOf(cause), seen);
    const observation = observed({
      ok: false,
      ...failure,
      ...seen,
      ...(failure.reason === "tls" && refusedCertificate(cause)),
    });
    return BROKEN_REASONS.has(failure.reason) ? { ...observation, fault: cause } : observation;
  } finally {
    cancelTimer();
  }
}

async function followRedirects(
  first: HttpRequest,
  target: Target,
  send: SendHttp,
  signal: AbortSignal,
  seen: Seen,
  now: number,
): Promise<Omit<Answer, "latencyMs">> {
  let request = first;
  for (let redirects = 0; ; redirects++) {
    const answer = await send(request, signal);
    note(seen, answer, now);
    if (target.followRedirects && isRedirect(answer)) {
      answer.discard();
      request = redirected(request, answer, redirects, DEFAULT_HEADERS);
    } else {
      const body = await answer.readBody({ maxBytes: target.maxBodyBytes, keep: needsBody(target) });
      return { ...seen, status: answer.status, redirects, body };
    }
  }
}

/** The certificate that a connection failed for, as far as the error tells. */
function refusedCertificate(error: unknown): Pick<Seen, "certificateFingerprint"> {
  const known = isObject(error) && "certificateFingerprint" in error ? error.certificateFingerprint : undefined;
  return typeof known === "string" ? { certificateFingerprint: known } : {};
}

function firstRequest(
  { method, url, body, certificateAuthority, private: isPrivate }: Target,
  headers: Readonly<Record<string, string>>,
): HttpRequest {
  const given = new Set(Object.keys(headers).map((name) => name.toLowerCase()));
  const defaults = Object.entries(DEFAULT_HEADERS).filter(([name]) => !given.has(name.toLowerCase()));
  return {
    method,
    url: new URL(url),
    headers: { ...Object.fromEntries(defaults), ...headers },
    body,
    certificateAuthority,
    reach: isPrivate ? "anywhere" : "public",
  };
}

/** A request that was forbidden was never answered: a status that was seen is that of the redirect that led to it. */
function explained(failure: Failure, { status }: Seen): Failure {
  if (failure.reason !== "forbidden-address" || status === undefined) return failure;
  return { ...failure, message: `a redirect (${status}) to a forbidden address: ${failure.message}` };
}

function note(seen: Seen, { status, certificateExpiresAt, certificateFingerprint }: HttpResponse, now: number): void {
  seen.status = status;
  if (certificateExpiresAt === undefined) return;
  const left = daysLeft(certificateExpiresAt, now);
  if (left >= (seen.certificateDaysLeft ?? Infinity)) return;
  seen.certificateDaysLeft = left;
  if (certificateFingerprint !== undefined) seen.certificateFingerprint = certificateFingerprint;
}
