/** The SSM client of a function. */
import { SSMClient } from "@aws-sdk/client-ssm";

import { CLIENT_SETTINGS } from "./settings";

export function createSsm(): SSMClient {
  return new SSMClient({ ...CLIENT_SETTINGS });
}
