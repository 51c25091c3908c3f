/** The S3 client of a function. */
import { S3Client, type S3ClientConfig } from "@aws-sdk/client-s3";

import type { EnvironmentSource } from "../../environment";
import { expectBucketOwner } from "../bucket-owner";
import { CLIENT_SETTINGS } from "./settings";

/** @param account the account of the buckets: {@link expectBucketOwner} */
export function createS3(
  account: string,
  overrides: S3ClientConfig = {},
  environment: EnvironmentSource = process.env,
): S3Client {
  // An emulator's endpoint has no wildcard DNS, so that bucket.host would not resolve.
  const forcePathStyle = Boolean(environment["AWS_ENDPOINT_URL_S3"] ?? environment["AWS_ENDPOINT_URL"]);
  return expectBucketOwner(new S3Client({ ...CLIENT_SETTINGS, forcePathStyle, ...overrides }), () => account);
}
