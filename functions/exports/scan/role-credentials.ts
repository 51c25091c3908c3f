/** Credentials of a role in another account, which a job names. */
import { AssumeRoleCommand, type STSClient } from "@aws-sdk/client-sts";

import { HOUR_SECONDS } from "../../shared/time";

/** STS returned no credentials. */
export class RoleNotAssumedError extends Error {
  override readonly name = "RoleNotAssumedError";
}

/** Longer than any invocation. STS's minimum is 900. */
const DURATION_SECONDS = HOUR_SECONDS;

/** @throws {@link RoleNotAssumedError}, and STS's own errors */
export async function roleCredentials(
  sts: STSClient,
  role: string,
): Promise<{ readonly accessKeyId: string; readonly secretAccessKey: string; readonly sessionToken: string }> {
  const { Credentials } = await sts.send(
    new AssumeRoleCommand({ RoleArn: role, RoleSessionName: "almanac-exports", DurationSeconds: DURATION_SECONDS }),
  );
  const { AccessKeyId, SecretAccessKey, SessionToken } = Credentials ?? {};
  if (AccessKeyId === undefined || SecretAccessKey === undefined || SessionToken === undefined)
    throw new RoleNotAssumedError(`STS returned no credentials for ${role}`);
  return { accessKeyId: AccessKeyId, secretAccessKey: SecretAccessKey, sessionToken: SessionToken };
}
