/** The S3 client of commands. */
import { S3Client, type S3ClientConfig } from "@aws-sdk/client-s3";
import { GetCallerIdentityCommand, STSClient } from "@aws-sdk/client-sts";
import { expectBucketOwner } from "../../../functions/shared/aws/bucket-owner";
import { s3Settings, type AwsSettings } from "./aws-settings";

/** An S3 client for buckets of the caller's own account. An emulator's buckets have one owner. */
export function createS3Client(aws: AwsSettings, options: S3ClientConfig = {}): S3Client {
  const s3 = new S3Client({ ...s3Settings(aws), ...options });
  if (aws.endpoint !== undefined) return s3;
  let account: Promise<string | undefined> | undefined;
  return expectBucketOwner(s3, () => (account ??= callersAccount(aws)));
}

async function callersAccount(aws: AwsSettings): Promise<string | undefined> {
  const sts = new STSClient(aws);
  try {
    return (await sts.send(new GetCallerIdentityCommand())).Account;
  } finally {
    sts.destroy();
  }
}
