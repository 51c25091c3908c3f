/** AWS's error codes of what passes without anybody's action. No dependencies: users' functions load it. */

/** The SDK's `THROTTLING_ERROR_CODES`, of all services. Conflicts of concurrent requests are among them. */
export const THROTTLING_CODES = [
  "BandwidthLimitExceeded",
  "EC2ThrottledException",
  "LimitExceededException",
  "PriorRequestNotComplete",
  "ProvisionedThroughputExceededException",
  "RequestLimitExceeded",
  "RequestThrottled",
  "RequestThrottledException",
  "SlowDown",
  "ThrottledException",
  "Throttling",
  "ThrottlingException",
  "TooManyRequestsException",
  "TransactionInProgressException",
] as const;

/** The SDK's `TRANSIENT_ERROR_CODES`: the service, or a client of it, did not wait any longer. */
const TIMEOUT_CODES: ReadonlySet<string> = new Set(["RequestTimeout", "RequestTimeoutException", "TimeoutError"]);

const throttlingCodes: ReadonlySet<string> = new Set(THROTTLING_CODES);

/** Also SQS's `KmsThrottled`, and others of one service that the SDK's list lacks. */
export function isThrottlingCode(code: string): boolean {
  return throttlingCodes.has(code) || code.includes("Throttl");
}

export function isTimeoutCode(code: string): boolean {
  return TIMEOUT_CODES.has(code);
}
