import * as z from "zod";

import { errorCode, errorName } from "../errors";
import { TooManyRequestsError, UnavailableError, type HttpError } from "../handlers/http-errors";

/** As AWS's services call it when they are asked too often. */
const THROTTLED = new Set([
  "LimitExceededException",
  "ProvisionedThroughputExceededException",
  "RequestLimitExceeded",
  "RequestThrottled",
  "RequestThrottledException",
  "SlowDown",
  "Throttling",
  "ThrottlingException",
  "TooManyRequestsException",
]);

/** As Node and the SDK call it when there was no answer. */
const UNANSWERED = new Set(["ECONNREFUSED", "ECONNRESET", "EPIPE", "ETIMEDOUT", "EAI_AGAIN", "ENOTFOUND"]);

const metadataSchema = z.looseObject({ $metadata: z.looseObject({ httpStatusCode: z.number() }) });

/** What a caller over HTTP is told of an AWS service's failure, or undefined when the fault is ours. Neither names the service. */
export function awsHttpError(cause: unknown): HttpError | undefined {
  const name = errorName(cause);
  const status = metadataSchema.safeParse(cause).data?.$metadata.httpStatusCode;
  if (THROTTLED.has(name) || status === 429)
    return new TooManyRequestsError("Too many requests at this time; try again.", { cause });
  if ((status !== undefined && status >= 500) || name === "TimeoutError" || UNANSWERED.has(errorCode(cause) ?? ""))
    return new UnavailableError("The service is not available at this time; try again.", { cause });
  return undefined;
}
