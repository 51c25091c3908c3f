/** The SQS client of a function. */
import { SQSClient } from "@aws-sdk/client-sqs";

import { CLIENT_SETTINGS } from "./settings";

export function createSqs(): SQSClient {
  return new SQSClient({ ...CLIENT_SETTINGS });
}
