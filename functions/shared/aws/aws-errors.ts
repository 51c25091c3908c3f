/** Maps AWS's errors to HTTP errors: throttled, unavailable. */
import * as z from "zod";

import { errorCode, errorName } from "../errors";
import { isThrottlingCode, isTimeoutCode } from "./error-codes";
import { TooManyRequestsError, UnavailableError, type HttpError } from "../handlers/http-errors";

/** Node's codes for requests without a response: those that the SDK retries. */
const CONNECTION_ERRORS: ReadonlySet<string> = new Set([
  "EAI_AGAIN",
  "ECONNREFUSED",
  "ECONNRESET",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "ENOTFOUND",
  "EPIPE",
  "ETIMEDOUT",
]);

const metadataSchema = z.looseObject({ $metadata: z.looseObject({ httpStatusCode: z.number() }) });

/** Whether a service has refused a request because there are too many. */
export function isThrottlingError(error: unknown): boolean {
  return isThrottlingCode(errorName(error)) || metadataSchema.safeParse(error).data?.$metadata.httpStatusCode === 429;
}

/** Maps an AWS service's error to 429 or 503, without naming the service. Undefined for errors that are Almanac's fault. */
export function awsHttpError(cause: unknown): HttpError | undefined {
  const status = metadataSchema.safeParse(cause).data?.$metadata.httpStatusCode;
  if (isThrottlingError(cause))
    return new TooManyRequestsError("Too many requests at this time; try again.", { cause });
  if (
    (status !== undefined && status >= 500) ||
    isTimeoutCode(errorName(cause)) ||
    CONNECTION_ERRORS.has(errorCode(cause) ?? "")
  )
    return new UnavailableError("The service is not available at this time; try again.", { cause });
  return undefined;
}
