/** The Step Functions client of a function. */
import { SFNClient } from "@aws-sdk/client-sfn";

import { CLIENT_SETTINGS } from "./settings";

export function createSfn(): SFNClient {
  return new SFNClient({ ...CLIENT_SETTINGS });
}
