/** A request failed. The message says why; the subclass says how to react. */
export class TimersError extends Error {
  override readonly name: string = "TimersError";

  /** @param status HTTP status; undefined when there was no response */
  constructor(
    message: string,
    readonly status?: number,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** 400: the request is invalid. The message names the field and the reason. */
export class InvalidRequestError extends TimersError {
  override readonly name = "InvalidRequestError";
}

/** 403: the credentials are invalid or lack `execute-api:Invoke`. */
export class AccessDeniedError extends TimersError {
  override readonly name = "AccessDeniedError";
}

/** 409: the stored version differs from `ifVersion`. Read the timer and decide again. */
export class ConflictError extends TimersError {
  override readonly name = "ConflictError";
}

/** 429 in every attempt. */
export class ThrottledError extends TimersError {
  override readonly name = "ThrottledError";
}

/** 5xx or no response in every attempt. The request may have taken effect. */
export class UnavailableError extends TimersError {
  override readonly name = "UnavailableError";
}

export function errorForStatus(status: number, message: string): TimersError {
  if (status === 400) return new InvalidRequestError(message, status);
  if (status === 403) return new AccessDeniedError(message, status);
  if (status === 409) return new ConflictError(message, status);
  if (status === 429) return new ThrottledError(message, status);
  return status >= 500 ? new UnavailableError(message, status) : new TimersError(message, status);
}

export function isRetryable(error: unknown): boolean {
  return error instanceof ThrottledError || error instanceof UnavailableError;
}
