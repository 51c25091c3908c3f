import { DAY_MS } from "../../shared/time";
import type { Outcome, Target } from "../contract";
import type { Failure } from "./failures";
import { SEARCH_LIMIT_MS, searchWithin } from "./safe-regex";

/** A target's last answer, read to its end. */
export interface Answer {
  readonly status: number;
  /** Decoded; empty unless the target {@link examinesBody}. */
  readonly body: string;
  readonly latencyMs: number;
  /** Redirects followed on the way. */
  readonly redirects: number;
  /** Whole days; over https. */
  readonly certificateDaysLeft?: number;
  readonly certificateFingerprint?: string;
}

/** Whole days until a certificate expires; negative once it has. Both in epoch milliseconds. */
export function daysLeft(expiresAt: number, now: number): number {
  return Math.floor((expiresAt - now) / DAY_MS);
}

/** Whether the body must be kept to judge the answer. */
export function examinesBody({ bodyContains, bodyMatches }: Target): boolean {
  return bodyContains !== undefined || bodyMatches !== undefined;
}

/** Whether a whole answer is a good one. What matters most is looked at first. */
export function judge(target: Target, answer: Answer): Outcome {
  const { status, certificateDaysLeft, certificateFingerprint } = answer;
  const seen = {
    status,
    ...(certificateDaysLeft === undefined ? {} : { certificateDaysLeft }),
    ...(certificateFingerprint === undefined ? {} : { certificateFingerprint }),
  };
  const failure =
    judgeStatus(target, answer) ??
    judgeBody(target, answer) ??
    judgeCertificate(target, answer) ??
    judgeLatency(target, answer);
  return failure === undefined ? { ok: true, ...seen } : { ok: false, ...failure, ...seen };
}

function judgeStatus({ expectedStatus }: Target, { status, redirects }: Answer): Failure | undefined {
  const expected = expectedStatus.some((range) =>
    typeof range === "number"
      ? range === status
      : Number(range.slice(0, 3)) <= status && status <= Number(range.slice(4)),
  );
  if (expected) return undefined;
  const after = redirects === 0 ? "" : ` after ${redirects} redirect${redirects === 1 ? "" : "s"}`;
  return { reason: "status", message: `status ${status}${after}, expected ${expectedStatus.join(", ")}` };
}

function judgeBody({ bodyContains, bodyMatches }: Target, { body }: Answer): Failure | undefined {
  if (bodyContains !== undefined && !body.includes(bodyContains))
    return { reason: "body-mismatch", message: `the body does not contain "${shorten(bodyContains)}"` };
  const search = bodyMatches === undefined ? "found" : searchWithin(SEARCH_LIMIT_MS, bodyMatches, body);
  if (bodyMatches === undefined || search === "found") return undefined;
  const how = search === "too slow" ? `could not be searched within ${SEARCH_LIMIT_MS} ms for` : "does not match";
  return { reason: "body-mismatch", message: `the body ${how} /${shorten(bodyMatches)}/u` };
}

function judgeCertificate({ minCertificateDays }: Target, { certificateDaysLeft }: Answer): Failure | undefined {
  if (certificateDaysLeft === undefined || certificateDaysLeft >= minCertificateDays) return undefined;
  const left = `the certificate expires in ${certificateDaysLeft} day${certificateDaysLeft === 1 ? "" : "s"}`;
  return { reason: "certificate", message: `${left}, at least ${minCertificateDays} expected` };
}

function judgeLatency({ maxLatencyMs }: Target, { latencyMs }: Answer): Failure | undefined {
  if (maxLatencyMs === undefined || latencyMs <= maxLatencyMs) return undefined;
  return { reason: "slow", message: `took ${Math.round(latencyMs)} ms, at most ${maxLatencyMs} expected` };
}

function shorten(text: string): string {
  return text.length <= 80 ? text : `${text.slice(0, 80)}...`;
}
