/** Asserts what a target expects of its response: status, body, latency, certificate. No I/O. */
import { truncate, visible } from "../../shared/text";
import { DAY_MS } from "../../shared/time";
import type { Outcome, Target } from "../contract";
import { MAX_MESSAGE_CHARACTERS, type Failure } from "./failures";
import { SEARCH_LIMIT_MS, searchWithin } from "./safe-regex";

/** The last response of a check, complete. */
export interface CompleteResponse {
  readonly status: number;
  /** Decoded. Empty unless the target {@link needsBody}. */
  readonly body: string;
  readonly latencyMs: number;
  /** Redirects followed. */
  readonly redirects: number;
  /** Whole days. Over https only. */
  readonly certificateDaysLeft?: number;
  readonly certificateFingerprint?: string;
}

/** Whole days until a certificate expires; negative once it has. Both in epoch milliseconds. */
export function daysLeft(expiresAt: number, now: number): number {
  return Math.floor((expiresAt - now) / DAY_MS);
}

export function needsBody({ bodyContains, bodyMatches }: Target): boolean {
  return bodyContains !== undefined || bodyMatches !== undefined;
}

/** The first failed assertion is the reason: status, body, certificate, latency. */
export function assertResponse(target: Target, response: CompleteResponse): Outcome {
  const { status, certificateDaysLeft, certificateFingerprint } = response;
  const details = {
    status,
    ...(certificateDaysLeft === undefined ? {} : { certificateDaysLeft }),
    ...(certificateFingerprint === undefined ? {} : { certificateFingerprint }),
  };
  const failure =
    assertStatus(target, response) ??
    assertBody(target, response) ??
    assertCertificate(target, response) ??
    assertLatency(target, response);
  if (failure === undefined) return { ok: true, ...details };
  return { ok: false, ...failure, message: truncate(failure.message, MAX_MESSAGE_CHARACTERS), ...details };
}

function assertStatus({ expectedStatus }: Target, { status, redirects }: CompleteResponse): Failure | undefined {
  const expected = expectedStatus.some((range) =>
    typeof range === "number"
      ? range === status
      : Number(range.slice(0, 3)) <= status && status <= Number(range.slice(4)),
  );
  if (expected) return undefined;
  const after = redirects === 0 ? "" : ` after ${redirects} redirect${redirects === 1 ? "" : "s"}`;
  return { reason: "status", message: `status ${status}${after}, expected ${expectedStatus.join(", ")}` };
}

function assertBody({ bodyContains, bodyMatches }: Target, { body }: CompleteResponse): Failure | undefined {
  if (bodyContains !== undefined && !body.includes(bodyContains))
    return { reason: "body-mismatch", message: `the body does not contain "${shorten(bodyContains)}"` };
  const search = bodyMatches === undefined ? "found" : searchWithin(SEARCH_LIMIT_MS, bodyMatches, body);
  if (bodyMatches === undefined || search === "found") return undefined;
  const how = search === "too slow" ? `could not be searched within ${SEARCH_LIMIT_MS} ms for` : "does not match";
  return { reason: "body-mismatch", message: `the body ${how} /${shorten(bodyMatches)}/u` };
}

function assertCertificate(
  { minCertificateDays }: Target,
  { certificateDaysLeft }: CompleteResponse,
): Failure | undefined {
  if (certificateDaysLeft === undefined || certificateDaysLeft >= minCertificateDays) return undefined;
  const left = `the certificate expires in ${certificateDaysLeft} day${certificateDaysLeft === 1 ? "" : "s"}`;
  return { reason: "certificate", message: `${left}, at least ${minCertificateDays} expected` };
}

function assertLatency({ maxLatencyMs }: Target, { latencyMs }: CompleteResponse): Failure | undefined {
  if (maxLatencyMs === undefined || latencyMs <= maxLatencyMs) return undefined;
  return { reason: "slow", message: `took ${Math.round(latencyMs)} ms, at most ${maxLatencyMs} expected` };
}

function shorten(text: string): string {
  return truncate(visible(text), 80);
}
