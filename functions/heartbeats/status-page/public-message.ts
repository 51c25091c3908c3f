/**
 * What the public page and status.json say about a failure: a sentence for each reason. Messages name addresses, parameters and what a body
 * should contain; those go to notifications, telemetry and logs only. No SDK, no I/O.
 */
import type { CheckResult } from "../monitors/check-result";
import type { FailureReason } from "../contract";

type RunReason = "run-failed" | "run-missed" | "run-overdue";

const SENTENCES: Readonly<
  Record<FailureReason | "missing-heartbeat" | "job-failed" | "job-too-long" | RunReason, string>
> = {
  dns: "the name does not resolve",
  refused: "the connection fails",
  "forbidden-address": "the address may not be checked",
  tls: "the TLS handshake fails",
  timeout: "no response in time",
  reset: "the connection closes early",
  protocol: "the response is not valid HTTP",
  redirect: "the redirects cannot be followed",
  status: "unexpected status",
  "body-too-large": "the response is too large",
  "body-mismatch": "unexpected content",
  slow: "the response is slow",
  certificate: "the certificate expires soon",
  secret: "the check could not run",
  internal: "the check could not run",
  unmeasured: "the check could not run",
  "missing-heartbeat": "no heartbeat in time",
  "job-failed": "the job failed",
  "job-too-long": "the job takes too long",
  "run-failed": "a scheduled run failed",
  "run-missed": "a scheduled run was missed",
  "run-overdue": "a scheduled run is overdue",
};

/** Messages that have nothing but numbers are public. */
const NUMBERS_ONLY: readonly RegExp[] = [
  /^status \d{3}( after \d+ redirects?)?, expected [\d, -]+$/,
  /^took \d+ ms, at most [\d.]+ expected$/,
  /^the certificate expires in -?\d+ days?, at least \d+ expected$/,
  /^no complete response within [\d.]+ s$/,
  /^no heartbeat since [\dTZ:.-]+, expected every \d+ s$/,
];

const isReason = (reason: string): reason is keyof typeof SENTENCES => Object.hasOwn(SENTENCES, reason);

export function publicMessage({ reason = "", message = "" }: Pick<CheckResult, "reason" | "message">): string {
  if (NUMBERS_ONLY.some((pattern) => pattern.test(message))) return message;
  // A stored result may be of another version.
  return isReason(reason) ? SENTENCES[reason] : "the check failed";
}
