/** What fails for good is told at once, as an answer: the state machine tries again only what was thrown. */
import { errorMessage, errorName } from "../../shared/errors";
import type { Logger } from "../../shared/logger";
import type { Invocation } from "../../shared/handlers/invocation-handler";
import type { Failed } from "../contract";

/** As AWS's services, and we ourselves, call what will be no better in a minute: somebody has to change something first. */
const FOR_GOOD: ReadonlySet<string> = new Set([
  "ConfigurationError",
  "DocumentTooLargeError",
  "NativeExportError",
  "TooSoonError",
  // No permission: IAM, S3, STS, KMS
  "AccessDenied",
  "AccessDeniedException",
  "AllAccessDisabled",
  "InvalidAccessKeyId",
  "KMS.DisabledException",
  "KMS.InvalidStateException",
  "KMS.NotFoundException",
  "UnrecognizedClientException",
  // Not there, or elsewhere
  "AuthorizationHeaderMalformed",
  "NoSuchBucket",
  "PermanentRedirect",
  "ResourceNotFoundException",
  "TableNotFoundException",
  // Not to be done
  "InvalidBucketName",
  "InvalidExportTimeException",
  "PointInTimeRecoveryUnavailableException",
  "ValidationException",
]);

/** Work that answers what fails for good, and throws what another try may mend. */
export function answeringFailures<Input, Answer>(
  logger: Logger,
  work: (input: Input, invocation: Invocation) => Promise<Answer>,
): (input: Input, invocation: Invocation) => Promise<Answer | Failed> {
  return async (input, invocation) => {
    try {
      return await work(input, invocation);
    } catch (error) {
      if (!FOR_GOOD.has(errorName(error))) throw error;
      logger.error("failed for good", { error });
      return { failure: { error: errorName(error), cause: errorMessage(error) } };
    }
  };
}
