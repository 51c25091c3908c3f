/** What an environment needs before Terraform can work on it, and cannot make for itself. */
import { ensureApiLogsRole } from "./api-logs-role";
import { ensureStateBucket } from "../terraform/state-bucket";
import type { EnvironmentStack } from "./deployed";

export interface Bootstrapped {
  readonly bucket: string;
  readonly created: boolean;
  /** API Gateway's role for access logs, which is the account's. Undefined: an emulator needs none. */
  readonly apiLogs?: { readonly role: string; readonly set: boolean };
}

/** Makes the state bucket, and the account's role. As often as you like. */
export async function bootstrap({ directory, aws }: EnvironmentStack): Promise<Bootstrapped> {
  const state = await ensureStateBucket(directory);
  if (aws.endpoint !== undefined) return state;
  return { ...state, apiLogs: await ensureApiLogsRole(aws.region) };
}
