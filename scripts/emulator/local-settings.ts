/** Settings of AWS clients for the emulator. */
import type { AwsSettings } from "../shared/aws/aws-settings";
import { keysOf } from "../shared/emulator-keys";
import { LOCAL_REGION } from "./run";

/** What AWS clients need to reach the emulator. */
export function localSettings(endpoint: string): AwsSettings {
  return { endpoint, region: LOCAL_REGION, credentials: keysOf(endpoint) };
}
