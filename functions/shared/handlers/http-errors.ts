/** Errors that a caller over HTTP is told of. Any other is answered with 500 and no more. */
export abstract class HttpError extends Error {
  abstract readonly status: number;
  /** Of the answer, beside those that all have. */
  readonly headers: Readonly<Record<string, string>> = {};
  /** True: the message alone is the answer's body, rather than JSON. */
  readonly plain: boolean = false;
}

/** The request is not what it has to be; the message says where and why, never what was sent. */
export class BadRequestError extends HttpError {
  override readonly name: string = "BadRequestError";
  readonly status = 400;
}

/** There is nothing of that name. */
export class NotFoundError extends HttpError {
  override readonly name = "NotFoundError";
  readonly status = 404;
}

/** The body is longer than what can be taken; the message says how long it may be. */
export class PayloadTooLargeError extends HttpError {
  override readonly name = "PayloadTooLargeError";
  readonly status = 413;
}

/** What it was to change is no longer as the caller knew it. */
export class ConflictError extends HttpError {
  override readonly name = "ConflictError";
  readonly status = 409;
}

/** Seconds until another try may go well; callers spread theirs themselves. */
const RETRY_AFTER = { "Retry-After": "1" };

/** More than can be taken at this time. */
export class TooManyRequestsError extends HttpError {
  override readonly name = "TooManyRequestsError";
  readonly status = 429;
  override readonly headers = RETRY_AFTER;
}

/** Something that it takes is not there at this time. */
export class UnavailableError extends HttpError {
  override readonly name = "UnavailableError";
  readonly status = 503;
  override readonly headers = RETRY_AFTER;
}
