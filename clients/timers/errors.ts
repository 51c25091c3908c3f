/** A request did not come to what was asked for. The message says why; subclasses tell what to do about it. */
export class TimersError extends Error {
  override readonly name: string = "TimersError";

  /** @param status of the answer; undefined: there was none */
  constructor(
    message: string,
    readonly status?: number,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** 400: the request is wrong. The message names the field and the reason. */
export class InvalidRequestError extends TimersError {
  override readonly name = "InvalidRequestError";
}

/** 403: the credentials are wrong, or lack `execute-api:Invoke` on this. */
export class AccessDeniedError extends TimersError {
  override readonly name = "AccessDeniedError";
}

/** 409: the timer is no longer of the version that `ifVersion` names. Get it, and decide anew. */
export class ConflictError extends TimersError {
  override readonly name = "ConflictError";
}

/** 429, in every try. */
export class ThrottledError extends TimersError {
  override readonly name = "ThrottledError";
}

/** 5xx, or no answer at all, in every try. It may have been done all the same. */
export class UnavailableError extends TimersError {
  override readonly name = "UnavailableError";
}

/** The error that an answer of this status stands for. */
export function errorOf(status: number, message: string): TimersError {
  if (status === 400) return new InvalidRequestError(message, status);
  if (status === 403) return new AccessDeniedError(message, status);
  if (status === 409) return new ConflictError(message, status);
  if (status === 429) return new ThrottledError(message, status);
  return status >= 500 ? new UnavailableError(message, status) : new TimersError(message, status);
}

/** Whether another try may go better. */
export function mayPass(error: unknown): boolean {
  return error instanceof ThrottledError || error instanceof UnavailableError;
}
