/** The STS client of a function. */
import { STSClient } from "@aws-sdk/client-sts";

import { CLIENT_SETTINGS } from "./settings";

export function createSts(): STSClient {
  return new STSClient({ ...CLIENT_SETTINGS });
}
