import { errorCode, errorMessage, isObject } from "../../shared/errors";
import { ForbiddenAddressError } from "./ssrf-guard";
import type { FailureReason } from "../contract";
import { BodyEncodingError, BodyTooLargeError } from "./http-types";
import { RedirectError } from "./redirects";
import { SecretReadError } from "./header-secrets";

/** The target did not answer wholly within its timeout. */
export class CheckTimeoutError extends Error {
  override readonly name = "CheckTimeoutError";
  constructor(timeoutSeconds: number) {
    super(`no whole answer within ${timeoutSeconds} s`);
  }
}

export interface Failure {
  readonly reason: FailureReason;
  readonly message: string;
}

const ERROR_CODES: Readonly<Record<string, Failure>> = {
  ENOTFOUND: { reason: "dns", message: "the name does not resolve" },
  EAI_AGAIN: { reason: "dns", message: "the name server does not answer" },
  ECONNREFUSED: { reason: "refused", message: "the connection was refused" },
  EHOSTUNREACH: { reason: "refused", message: "the host cannot be reached" },
  EHOSTDOWN: { reason: "refused", message: "the host is down" },
  ENETUNREACH: { reason: "refused", message: "the network cannot be reached" },
  EADDRNOTAVAIL: { reason: "refused", message: "the address cannot be reached from here" },
  EACCES: { reason: "refused", message: "connecting to the address is forbidden here" },
  EPERM: { reason: "refused", message: "connecting to the address is forbidden here" },
  ETIMEDOUT: { reason: "timeout", message: "the host does not answer" },
  ECONNRESET: { reason: "reset", message: "the connection broke before the answer was whole" },
  ECONNABORTED: { reason: "reset", message: "the connection broke before the answer was whole" },
  EPIPE: { reason: "reset", message: "the connection broke before the request was sent" },
  ERR_STREAM_PREMATURE_CLOSE: { reason: "reset", message: "the connection broke before the answer was whole" },
  CERT_HAS_EXPIRED: { reason: "tls", message: "the certificate has expired" },
  CERT_NOT_YET_VALID: { reason: "tls", message: "the certificate is not valid yet" },
  CERT_REVOKED: { reason: "tls", message: "the certificate is revoked" },
  DEPTH_ZERO_SELF_SIGNED_CERT: { reason: "tls", message: "the certificate is self-signed and not trusted" },
  SELF_SIGNED_CERT_IN_CHAIN: { reason: "tls", message: "the certificate's authority is self-signed and not trusted" },
  UNABLE_TO_GET_ISSUER_CERT: { reason: "tls", message: "the certificate's authority is unknown" },
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: { reason: "tls", message: "the certificate's authority is unknown" },
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: { reason: "tls", message: "the certificate's authority is unknown" },
};

/** What whole families of error codes mean, for those that have no entry of their own: the error's message explains them. */
const ERROR_CODE_FAMILIES: readonly (readonly [RegExp, FailureReason])[] = [
  [/^EAI_/, "dns"],
  [/^HPE_/, "protocol"],
  [/^EPROTO$|^ERR_(SSL|TLS|OSSL)_/, "tls"],
  // OpenSSL's names for what is wrong with a certificate, which Node passes on.
  [/^(UNABLE_TO|CERT|CRL|ERROR_IN_C(ERT|RL))_|^(HOSTNAME_MISMATCH|INVALID_(CA|PURPOSE)|PATH_LENGTH_EXCEEDED)$/, "tls"],
];

/**
 * What an error met during a check says of the target. An error known to be none of the target's doing, or not known at
 * all, is "internal": a fault of the checker is never passed off as one of the target.
 */
export function failureOf(error: unknown): Failure {
  if (error instanceof CheckTimeoutError) return { reason: "timeout", message: error.message };
  if (error instanceof SecretReadError) return { reason: "secret", message: error.message };
  if (error instanceof ForbiddenAddressError) return { reason: "forbidden-address", message: error.message };
  if (error instanceof RedirectError) return { reason: "redirect", message: error.message };
  if (error instanceof BodyTooLargeError) return { reason: "body-too-large", message: error.message };
  if (error instanceof BodyEncodingError) return { reason: "protocol", message: error.message };

  const code = codeOf(error);
  const known = ERROR_CODES[code];
  if (known !== undefined) return { reason: known.reason, message: `${known.message} (${code})` };
  const family = ERROR_CODE_FAMILIES.find(([pattern]) => pattern.test(code));
  if (family !== undefined) return { reason: family[1], message: `${explanation(error)} (${code})` };
  return { reason: "internal", message: `the check broke: ${errorMessage(error)}` };
}

/** A name with several addresses fails with one error each, in an AggregateError: the first speaks for all. */
function codeOf(error: unknown): string {
  const code = errorCode(error);
  if (code !== undefined) return code;
  const errors: unknown = isObject(error) && "errors" in error ? error.errors : undefined;
  return (Array.isArray(errors) ? errorCode(errors[0]) : undefined) ?? "";
}

function explanation(error: unknown): string {
  const reason = isObject(error) && "reason" in error && typeof error.reason === "string" ? error.reason : "";
  // OpenSSL's messages are full of its own source lines; what they mean is in `reason`.
  return errorMessage(error).includes("SSL routines") && reason !== "" ? reason : errorMessage(error).trim();
}
