/** Creates what Terraform needs before it can run on an environment. */
import { ensureApiLogsRole } from "./api-logs-role";
import { requireAccount } from "../terraform/account";
import { ensureStateBucket, type StateBucket } from "../terraform/state-bucket";
import type { EnvironmentStack } from "./stack";

export interface Bootstrapped extends StateBucket {
  /** API Gateway's role for access logs, which belongs to the account. Undefined on an emulator. */
  readonly apiLogs?: { readonly role: string; readonly set: boolean };
}

/**
 * Creates the state bucket, and the account's role. Idempotent.
 *
 * @throws WrongAccountError
 */
export async function bootstrap({ directory, aws }: EnvironmentStack): Promise<Bootstrapped> {
  await requireAccount(directory);
  const state = await ensureStateBucket(directory);
  if (aws.endpoint !== undefined) return state;
  return { ...state, apiLogs: await ensureApiLogsRole(aws.region) };
}
