/** HTTP as a port: one request, one response, no redirects followed. No I/O. */
import type { Reach } from "./ssrf-guard";

export interface HttpRequest {
  readonly method: string;
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string | undefined;
  /** CA certificates (PEM) to trust instead of the public ones. */
  readonly certificateAuthority?: string | undefined;
  /** Addresses beyond it are refused. */
  readonly reach: Reach;
  /** Called at each event that the response depends on: resolved, connected, secured, headers and each part of the body received. */
  readonly onEvent?: (() => void) | undefined;
}

/** Headers received, body not read yet: call either `readBody` or `discard`. */
export interface HttpResponse {
  readonly status: number;
  readonly location: string | undefined;
  /** Values of Set-Cookie. @default none */
  readonly setCookies?: readonly string[];
  /** When the first certificate of the chain expires, epoch milliseconds. Over https only. */
  readonly certificateExpiresAt: number | undefined;
  /** SHA-256 of that certificate in hexadecimal. Over https only. */
  readonly certificateFingerprint?: string | undefined;
  /**
   * Reads the complete body. Returns it decoded (Content-Encoding, charset) with `keep`, else an empty string.
   *
   * @throws {@link BodyTooLargeError}, {@link BodyEncodingError}, or Node's connection errors
   */
  readBody(options: { readonly maxBytes: number; readonly keep: boolean }): Promise<string>;
  /** Closes the connection without reading the body. */
  discard(): void;
}

/**
 * Rejects with Node's errors, with ForbiddenAddressError before connecting beyond the request's reach, and when the signal
 * aborts. Certificate errors have the property `certificateFingerprint`.
 */
export type SendHttp = (request: HttpRequest, signal: AbortSignal) => Promise<HttpResponse>;

export class BodyTooLargeError extends Error {
  override readonly name = "BodyTooLargeError";
  constructor(maxBytes: number, options?: ErrorOptions) {
    super(`the body is longer than ${maxBytes} bytes`, options);
  }
}

/** The body does not match its Content-Encoding, or the encoding is not supported. */
export class BodyEncodingError extends Error {
  override readonly name = "BodyEncodingError";
}
