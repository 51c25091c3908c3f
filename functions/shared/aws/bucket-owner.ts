/** Makes S3 requests name the account that owns the bucket. */
import type { S3Client } from "@aws-sdk/client-s3";

/**
 * Makes each request of a client name the account that owns its bucket. S3 refuses the request when another account does: names of buckets
 * are free again once a bucket is deleted, and anybody can take one to receive what is written to it, or to choose what is read from it.
 *
 * @param account undefined: not known, so that any account may be the owner
 */
export function expectBucketOwner(s3: S3Client, account: () => Promise<string | undefined> | string): S3Client {
  s3.middlewareStack.add(
    (next) => async (request) =>
      next({ ...request, input: { ExpectedBucketOwner: await account(), ...request.input } }),
    { step: "initialize", name: "expectBucketOwner" },
  );
  return s3;
}
