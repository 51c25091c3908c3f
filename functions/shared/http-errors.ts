/** Errors that a caller over HTTP is told of. Any other is answered with 500 and no more. */
export abstract class HttpError extends Error {
  abstract readonly status: number;
}

/** The request is not what it has to be; the message says where and why, never what was sent. */
export class BadRequestError extends HttpError {
  override readonly name = "BadRequestError";
  readonly status = 400;
}

/** There is nothing of that name. */
export class NotFoundError extends HttpError {
  override readonly name = "NotFoundError";
  readonly status = 404;
}
