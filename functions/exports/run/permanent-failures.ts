/** Errors that a retry cannot fix are returned, not thrown: the state machine retries everything that is thrown. */
import { errorMessage, errorName } from "../../shared/errors";
import type { Logger } from "../../shared/telemetry/logger";
import type { Invocation } from "../../shared/handlers/invocation-handler";
import type { StepFailure } from "../contract";

const PERMANENT_ERRORS: ReadonlySet<string> = new Set([
  "ConfigurationError",
  "CursorMismatchError",
  "DocumentTooLargeError",
  "ExportPeriodTooShortError",
  // The bucket is shared with another deployment
  "FolderTakenError",
  "ManifestError",
  "NativeExportError",
  // A newer run has superseded this one, it has failed meanwhile, or its files are lost or of two tables: the next run starts over
  "ObjectExistsError",
  "RunFailedError",
  "RunSupersededError",
  "TableRecreatedError",
  "UnreadableRowError",
  "UploadLostError",
  // Permissions: IAM, S3, STS, KMS
  "AccessDenied",
  "AccessDeniedException",
  "AllAccessDisabled",
  "InvalidAccessKeyId",
  "KMS.DisabledException",
  "KMS.InvalidKeyUsageException",
  // A key that is pending deletion
  "KMS.KMSInvalidStateException",
  "KMS.InvalidStateException",
  "KMS.NotFoundException",
  "UnrecognizedClientException",
  // Missing, or in another region
  "AuthorizationHeaderMalformed",
  "NoSuchBucket",
  "PermanentRedirect",
  "ResourceNotFoundException",
  "TableNotFoundException",
  // Invalid requests
  "InvalidBucketName",
  "InvalidExportTimeException",
  "PointInTimeRecoveryUnavailableException",
  "ValidationException",
]);

/** Wraps a step: permanent errors become its result, all others are thrown. */
export function returnPermanentFailures<Input, Output>(
  logger: Pick<Logger, "error">,
  step: (input: Input, invocation: Invocation) => Promise<Output>,
): (input: Input, invocation: Invocation) => Promise<Output | StepFailure> {
  return async (input, invocation) => {
    try {
      return await step(input, invocation);
    } catch (error) {
      if (!PERMANENT_ERRORS.has(errorName(error))) throw error;
      logger.error("permanent failure", { error });
      return { failure: { error: errorName(error), cause: errorMessage(error) } };
    }
  };
}
