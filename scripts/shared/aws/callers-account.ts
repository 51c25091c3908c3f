/** The account of the caller's credentials. */
import { GetCallerIdentityCommand, STSClient } from "@aws-sdk/client-sts";
import type { AwsSettings } from "./aws-settings";

export async function callersAccount(aws: AwsSettings): Promise<string | undefined> {
  const sts = new STSClient(aws);
  try {
    return (await sts.send(new GetCallerIdentityCommand())).Account;
  } finally {
    sts.destroy();
  }
}
