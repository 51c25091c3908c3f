/** Errors with an HTTP status, which REST handlers answer. */
import * as z from "zod";

/** The body of an error response, unless it is plain text. */
export const errorSchema = z.strictObject({ error: z.string(), message: z.string() });

/** Errors with an HTTP status. Every other error becomes a 500 without details. */
export abstract class HttpError extends Error {
  abstract readonly status: number;
  /** Additional response headers. */
  readonly headers: Readonly<Record<string, string>> = {};
  /** True: the response body is the message as plain text instead of JSON. */
  readonly plain: boolean = false;
}

/** The request is invalid. The message has the path and the reason, never the value. */
export class BadRequestError extends HttpError {
  override readonly name: string = "BadRequestError";
  readonly status = 400;
}

/** The request is not authenticated. */
export class UnauthorizedError extends HttpError {
  override readonly name = "UnauthorizedError";
  readonly status = 401;
}

/** The caller may not do this. */
export class ForbiddenError extends HttpError {
  override readonly name = "ForbiddenError";
  readonly status = 403;
}

export class NotFoundError extends HttpError {
  override readonly name = "NotFoundError";
  readonly status = 404;
}

/** The message has the limit. */
export class PayloadTooLargeError extends HttpError {
  override readonly name = "PayloadTooLargeError";
  readonly status = 413;
}

/** The resource's state does not allow the request. */
export class ConflictError extends HttpError {
  override readonly name = "ConflictError";
  readonly status = 409;
}

/** Seconds. Callers add their own jitter. */
const RETRY_AFTER = { "Retry-After": "1" };

export class TooManyRequestsError extends HttpError {
  override readonly name = "TooManyRequestsError";
  readonly status = 429;
  override readonly headers = RETRY_AFTER;
}

/** A dependency is temporarily unavailable. */
export class UnavailableError extends HttpError {
  override readonly name = "UnavailableError";
  readonly status = 503;
  override readonly headers = RETRY_AFTER;
}
