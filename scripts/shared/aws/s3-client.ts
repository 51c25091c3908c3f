/** The S3 client of commands. */
import { S3Client, type S3ClientConfig } from "@aws-sdk/client-s3";
import { expectBucketOwner } from "../../../functions/shared/aws/bucket-owner";
import { MINUTE_MS, SECOND_MS } from "../../../functions/shared/time";
import { s3Settings, type AwsSettings } from "./aws-settings";
import { callersAccount } from "./callers-account";

/**
 * By default the SDK waits forever for a response, also in the middle of a body. Longer than a command waits for others while it reads one: a
 * restore waits five minutes for a throttled table.
 */
export const IDLE_TIMEOUT = { connectionTimeout: 10 * SECOND_MS, socketTimeout: 6 * MINUTE_MS } as const;

/** An S3 client for buckets of the caller's own account. An emulator's buckets have one owner. */
export function createS3Client(aws: AwsSettings, options: S3ClientConfig = {}): S3Client {
  const s3 = new S3Client({ ...s3Settings(aws), requestHandler: IDLE_TIMEOUT, ...options });
  if (aws.endpoint !== undefined) return s3;
  let account: Promise<string | undefined> | undefined;
  return expectBucketOwner(s3, () => (account ??= callersAccount(aws)));
}
