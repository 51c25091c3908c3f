/** The SNS client of a function. */
import { SNSClient } from "@aws-sdk/client-sns";

import { CLIENT_SETTINGS } from "./settings";

export function createSns(): SNSClient {
  return new SNSClient({ ...CLIENT_SETTINGS });
}
