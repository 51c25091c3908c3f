/** Maps errors to failure reasons. */
import { errorCode, errorMessage, isObject } from "../../shared/errors";
import { truncate, visible } from "../../shared/text";
import { ForbiddenAddressError } from "./ssrf-guard";
import type { FailureReason } from "../contract";
import { BodyEncodingError, BodyTooLargeError } from "./http-types";
import { RedirectError } from "./redirects";
import { SecretReadError } from "./header-secrets";

export class CheckTimeoutError extends Error {
  override readonly name = "CheckTimeoutError";
  constructor(timeoutSeconds: number) {
    super(`no complete response within ${timeoutSeconds} s`);
  }
}

/** Longer ones are cut: they are stored with each check. */
export const MAX_MESSAGE_CHARACTERS = 300;

export interface Failure {
  readonly reason: FailureReason;
  readonly message: string;
}

const ERROR_CODES: Readonly<Record<string, Failure>> = {
  ENOTFOUND: { reason: "dns", message: "the name does not resolve" },
  EAI_AGAIN: { reason: "dns", message: "the name server does not respond" },
  ECONNREFUSED: { reason: "refused", message: "the connection was refused" },
  EHOSTUNREACH: { reason: "refused", message: "the host is unreachable" },
  EHOSTDOWN: { reason: "refused", message: "the host is down" },
  ENETUNREACH: { reason: "refused", message: "the network is unreachable" },
  EADDRNOTAVAIL: { reason: "refused", message: "the address is not available" },
  EACCES: { reason: "refused", message: "the connection is not permitted" },
  EPERM: { reason: "refused", message: "the connection is not permitted" },
  ETIMEDOUT: { reason: "timeout", message: "the host does not respond" },
  ECONNRESET: { reason: "reset", message: "the connection closed before the response was complete" },
  ECONNABORTED: { reason: "reset", message: "the connection closed before the response was complete" },
  EPIPE: { reason: "reset", message: "the connection closed before the request was sent" },
  ERR_STREAM_PREMATURE_CLOSE: { reason: "reset", message: "the connection closed before the response was complete" },
  HPE_INVALID_CONSTANT: { reason: "protocol", message: "the response is not HTTP/1" },
  HPE_INVALID_VERSION: { reason: "protocol", message: "the response is not HTTP/1" },
  HPE_HEADER_OVERFLOW: { reason: "protocol", message: "the response's headers are too long" },
  HPE_INVALID_CHUNK_SIZE: { reason: "protocol", message: "the response's chunks have no valid size" },
  CERT_HAS_EXPIRED: { reason: "tls", message: "the certificate has expired" },
  CERT_NOT_YET_VALID: { reason: "tls", message: "the certificate is not valid yet" },
  CERT_REVOKED: { reason: "tls", message: "the certificate is revoked" },
  DEPTH_ZERO_SELF_SIGNED_CERT: { reason: "tls", message: "the certificate is self-signed and not trusted" },
  SELF_SIGNED_CERT_IN_CHAIN: { reason: "tls", message: "the certificate's authority is self-signed and not trusted" },
  UNABLE_TO_GET_ISSUER_CERT: { reason: "tls", message: "the certificate's authority is unknown" },
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: { reason: "tls", message: "the certificate's authority is unknown" },
  ERR_TLS_CERT_ALTNAME_INVALID: { reason: "tls", message: "the certificate is for other names" },
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: { reason: "tls", message: "the certificate's authority is unknown" },
};

/** For codes without an entry above. The message is the error's own. */
const ERROR_CODE_FAMILIES: readonly (readonly [RegExp, FailureReason])[] = [
  [/^EAI_/, "dns"],
  [/^HPE_/, "protocol"],
  [/^EPROTO$|^ERR_(SSL|TLS|OSSL)_/, "tls"],
  // OpenSSL's certificate errors.
  [/^(UNABLE_TO|CERT|CRL|ERROR_IN_C(ERT|RL))_|^(HOSTNAME_MISMATCH|INVALID_(CA|PURPOSE)|PATH_LENGTH_EXCEEDED)$/, "tls"],
];

/** Node's code for OpenSSL's certificate errors that it does not name: weak signatures and keys, name constraints, unknown extensions. */
const UNNAMED_CERTIFICATE_ERROR = "UNSPECIFIED";

/** Of the checker's process. */
const OWN_LIMITS: ReadonlySet<string> = new Set(["EMFILE", "ENFILE", "ENOMEM"]);

function syscallOf(error: unknown): unknown {
  return isObject(error) && "syscall" in error ? error.syscall : undefined;
}

/** Unknown errors are "internal": a fault of the checker is never reported as the target's. */
export function failureOf(error: unknown): Failure {
  const { reason, message } = describe(error);
  // The target words a part of some: its Content-Encoding, its certificate's names.
  return { reason, message: truncate(visible(message), MAX_MESSAGE_CHARACTERS) };
}

function describe(error: unknown): Failure {
  if (error instanceof CheckTimeoutError) return { reason: "timeout", message: error.message };
  if (error instanceof SecretReadError) return { reason: "secret", message: error.message };
  if (error instanceof ForbiddenAddressError) return { reason: "forbidden-address", message: error.message };
  if (error instanceof RedirectError) return { reason: "redirect", message: error.message };
  if (error instanceof BodyTooLargeError) return { reason: "body-too-large", message: error.message };
  if (error instanceof BodyEncodingError) return { reason: "protocol", message: error.message };

  const code = codeOf(error);
  const known = ERROR_CODES[code];
  if (known !== undefined) return { reason: known.reason, message: `${known.message} (${code})` };
  // The resolver's other codes are about the name: EINVAL for one that is too long.
  if (syscallOf(error) === "getaddrinfo" && !OWN_LIMITS.has(code))
    return { reason: "dns", message: `the name cannot be resolved (${code})` };
  if (code === UNNAMED_CERTIFICATE_ERROR)
    return { reason: "tls", message: `the certificate is not accepted: ${explanation(error)}` };
  const family = ERROR_CODE_FAMILIES.find(([pattern]) => pattern.test(code));
  if (family !== undefined) return { reason: family[1], message: `${explanation(error)} (${code})` };
  return { reason: "internal", message: `the check broke: ${errorMessage(error)}` };
}

/** Says more about this network than about the target: it has no route to some addresses (IPv6). */
const NO_ROUTE: ReadonlySet<string> = new Set(["ENETUNREACH", "EADDRNOTAVAIL", "EAFNOSUPPORT", "EHOSTUNREACH"]);

/** A name with several addresses fails with an AggregateError: the most telling address counts. */
function codeOf(error: unknown): string {
  const code = errorCode(error);
  const errors: unknown = isObject(error) && "errors" in error ? error.errors : undefined;
  const codes = Array.isArray(errors) ? errors.flatMap((each: unknown) => errorCode(each) ?? []) : [];
  return codes.find((each) => !NO_ROUTE.has(each)) ?? code ?? codes[0] ?? "";
}

/** OpenSSL's reasons that people would have to look up. */
const TLS_REASONS: Readonly<Record<string, string>> = {
  "wrong version number": "the server does not respond with TLS",
  "packet length too long": "the server does not respond with TLS",
  "tlsv1 alert protocol version": "the server supports no TLS version of the checker",
  "unsupported protocol": "the server supports no TLS version of the checker",
  "sslv3 alert handshake failure": "the server refuses the handshake",
  "ssl/tls alert handshake failure": "the server refuses the handshake",
  "tlsv1 unrecognized name": "the server does not know the name",
  "tlsv13 alert certificate required": "the server asks for a client certificate",
};

function explanation(error: unknown): string {
  // llhttp's and OpenSSL's.
  const text = explanationOf(error).replace(/^Parse Error: /, "the response is not valid HTTP/1: ");
  return TLS_REASONS[text] ?? text;
}

/** OpenSSL's messages contain source locations; `reason`, also part of the message, is readable. */
function explanationOf(error: unknown): string {
  const reason = isObject(error) && "reason" in error && typeof error.reason === "string" ? error.reason : "";
  const message = errorMessage(error).trim();
  if (!/(^|:)error:|openssl/i.test(message)) return message;
  const [, described = ""] = /error:[^:]*:[^:]*:[^:]*:([^:]+)/.exec(message) ?? [];
  return reason || described.trim() || "the TLS handshake failed";
}
