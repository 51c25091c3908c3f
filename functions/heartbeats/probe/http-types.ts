/** The port through which a check reaches its target: one request, one answer, no redirects followed. No I/O here. */

import type { Reach } from "./ssrf-guard";

export interface HttpRequest {
  readonly method: string;
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string | undefined;
  /** Certificates (PEM) to trust in place of the public ones. */
  readonly certificateAuthority?: string | undefined;
  /** It is refused where it would lead further. */
  readonly reach: Reach;
}

/** An answer whose head has come and whose body has not been read yet: call either `readBody` or `discard`. */
export interface HttpResponse {
  readonly status: number;
  readonly location: string | undefined;
  /** Epoch milliseconds; over https. */
  readonly certificateExpiresAt: number | undefined;
  /** SHA-256, in hexadecimal; over https. */
  readonly certificateFingerprint?: string | undefined;
  /**
   * Reads the body to its end. With `keep` it is returned decoded (Content-Encoding, charset), else thrown away as it comes and
   * the empty string returned.
   *
   * @throws {@link BodyTooLargeError}, {@link BodyEncodingError}, or what Node says of a broken connection
   */
  readBody(options: { readonly maxBytes: number; readonly keep: boolean }): Promise<string>;
  /** Drops the connection, whatever of the body is still to come. */
  discard(): void;
}

/**
 * Sends a request. Rejects with what Node says when there is no answer, or once the signal aborts, and with
 * ForbiddenAddressError before anything is sent beyond the request's reach. Where the certificate is the reason, the error's
 * `certificateFingerprint` tells which.
 */
export type SendHttp = (request: HttpRequest, signal: AbortSignal) => Promise<HttpResponse>;

export class BodyTooLargeError extends Error {
  override readonly name = "BodyTooLargeError";
  constructor(maxBytes: number, options?: ErrorOptions) {
    super(`the body is longer than ${maxBytes} bytes`, options);
  }
}

/** The body is not what its Content-Encoding says, or that encoding is unknown here. */
export class BodyEncodingError extends Error {
  override readonly name = "BodyEncodingError";
}
