import type { AwsSettings } from "../shared/aws-settings";
import { LOCAL_REGION } from "./run";

/** What AWS clients need to reach the emulator. */
export function localSettings(endpoint: string): AwsSettings {
  return { endpoint, region: LOCAL_REGION, credentials: { accessKeyId: "test", secretAccessKey: "test" } };
}
