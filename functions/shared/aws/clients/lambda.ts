/** The Lambda client of a function. */
import { LambdaClient } from "@aws-sdk/client-lambda";

import { CLIENT_SETTINGS } from "./settings";

export function createLambda(): LambdaClient {
  return new LambdaClient({ ...CLIENT_SETTINGS });
}
