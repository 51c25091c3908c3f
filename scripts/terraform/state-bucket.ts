/** The bucket of an environment's Terraform state, which must exist before Terraform can run. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import {
  CreateBucketCommand,
  DeleteBucketCommand,
  DeleteObjectsCommand,
  HeadBucketCommand,
  ListObjectVersionsCommand,
  PutBucketEncryptionCommand,
  PutBucketLifecycleConfigurationCommand,
  PutBucketOwnershipControlsCommand,
  PutBucketPolicyCommand,
  PutBucketVersioningCommand,
  PutPublicAccessBlockCommand,
  type S3Client,
  S3ServiceException,
  type BucketLocationConstraint,
} from "@aws-sdk/client-s3";
import { z } from "zod";
import type { AwsSettings } from "../shared/aws/aws-settings";
import { keysOf } from "../shared/emulator-keys";
import { partitionOf } from "../../modules/synthesized/partition";
import { createS3Client } from "../shared/aws/s3-client";

/** How long an older version of the state is kept. */
const OLD_STATE_DAYS = 90;

export const backendSchema = z.object({
  bucket: z.string(),
  key: z.string(),
  region: z.string(),
  endpoints: z.object({ s3: z.string() }).optional(),
});

/** The S3 backend of a synthesized stack. */
export type StateBackend = z.infer<typeof backendSchema>;

const stackSchema = z.object({ terraform: z.object({ backend: z.object({ s3: backendSchema }) }) });

/** Beside a local state: what was deployed (scripts/local/deployed-digest.ts). */
export const digestKey = (stateKey: string): string => `${stateKey}.deployed.json`;

/** Another account owns the bucket's name: bucket names are globally unique. */
export class StateBucketTakenError extends Error {
  override readonly name = "StateBucketTakenError";

  constructor(bucket: string, cause: unknown) {
    super(
      `The bucket ${bucket} belongs to another account or is in another region. Set another name: stateBucket in main.ts`,
      { cause },
    );
  }
}

/** S3 refuses to delete a version of the state: the bucket has an object lock, or a policy. */
class StateNotDeletedError extends Error {
  override readonly name = "StateNotDeletedError";
}

/** Reads the backend of the stack in a synthesized folder: `cdktf.out/stacks/staging`. */
export async function readStateBackend(stackDirectory: string): Promise<StateBackend> {
  const stack: unknown = JSON.parse(await readFile(join(stackDirectory, "cdk.tf.json"), "utf8"));
  return stackSchema.parse(stack).terraform.backend.s3;
}

/** What AWS clients need to reach the backend's AWS, an emulator's included. */
export function awsSettingsOf({ region, endpoints }: StateBackend): AwsSettings {
  if (endpoints === undefined) return { region };
  return { region, endpoint: endpoints.s3, credentials: keysOf(endpoints.s3) };
}

/**
 * Creates or configures the state bucket of a synthesized stack: versioned, encrypted, TLS only, no public access. Idempotent.
 *
 * @throws StateBucketTakenError
 */
export async function ensureStateBucket(stackDirectory: string): Promise<{ bucket: string; created: boolean }> {
  const backend = await readStateBackend(stackDirectory);
  const s3 = clientOf(backend);
  try {
    const created = await createIfMissing(s3, backend);
    await configure(s3, backend);
    return { bucket: backend.bucket, created };
  } finally {
    s3.destroy();
  }
}

/** Whether a synthesized stack's state bucket exists. */
export async function stateBucketExists(stackDirectory: string): Promise<boolean> {
  const backend = await readStateBackend(stackDirectory);
  const s3 = clientOf(backend);
  try {
    return await exists(s3, backend.bucket);
  } finally {
    s3.destroy();
  }
}

export interface DeletedState {
  readonly bucket: string;
  readonly deleted: "bucket" | "state" | "nothing";
}

/**
 * Deletes an environment's state with all its versions, and the bucket, unless it holds anything else: another environment, or another
 * project, may have its state there.
 */
export async function deleteState(stackDirectory: string): Promise<DeletedState> {
  const backend = await readStateBackend(stackDirectory);
  const { bucket, key } = backend;
  const s3 = clientOf(backend);
  try {
    if (!(await exists(s3, bucket))) return { bucket, deleted: "nothing" };
    for (const own of [key, `${key}.tflock`, digestKey(key)]) await deleteObject(s3, bucket, own);
    const { Versions = [], DeleteMarkers = [] } = await s3.send(new ListObjectVersionsCommand({ Bucket: bucket }));
    if (Versions.length + DeleteMarkers.length > 0) return { bucket, deleted: "state" };
    await s3.send(new DeleteBucketCommand({ Bucket: bucket }));
    return { bucket, deleted: "bucket" };
  } finally {
    s3.destroy();
  }
}

/** With every version. */
async function deleteObject(s3: S3Client, bucket: string, key: string): Promise<void> {
  for (;;) {
    const list = await s3.send(new ListObjectVersionsCommand({ Bucket: bucket, Prefix: key }));
    // First in the list, which has names with more behind the key too.
    const versions = [...(list.Versions ?? []), ...(list.DeleteMarkers ?? [])].filter(({ Key }) => Key === key);
    if (versions.length === 0) return;
    const objects = versions.map(({ Key, VersionId }) => ({ Key, VersionId }));
    const { Errors = [] } = await s3.send(
      new DeleteObjectsCommand({ Bucket: bucket, Delete: { Objects: objects, Quiet: true } }),
    );
    const [refused] = Errors;
    if (refused !== undefined)
      throw new StateNotDeletedError(`S3 does not delete ${bucket}/${key}: ${refused.Message ?? refused.Code ?? ""}`);
  }
}

function clientOf(backend: StateBackend): S3Client {
  return createS3Client(awsSettingsOf(backend));
}

async function createIfMissing(s3: S3Client, { bucket, region }: StateBackend): Promise<boolean> {
  if (await exists(s3, bucket)) return false;
  // S3 rejects us-east-1 as a constraint: it is the default.
  const place = region === "us-east-1" ? undefined : { LocationConstraint: region as BucketLocationConstraint };
  try {
    await s3.send(new CreateBucketCommand({ Bucket: bucket, ...(place && { CreateBucketConfiguration: place }) }));
    return true;
  } catch (error) {
    if (error instanceof S3ServiceException && error.name === "BucketAlreadyOwnedByYou") return false; // created concurrently
    if (error instanceof S3ServiceException && error.name === "BucketAlreadyExists")
      throw new StateBucketTakenError(bucket, error);
    throw error;
  }
}

async function exists(s3: S3Client, bucket: string): Promise<boolean> {
  try {
    await s3.send(new HeadBucketCommand({ Bucket: bucket }));
    return true;
  } catch (error) {
    const status = error instanceof S3ServiceException ? error.$metadata.httpStatusCode : undefined;
    if (status === 404) return false;
    if (status === 403 || status === 301) throw new StateBucketTakenError(bucket, error);
    throw error;
  }
}

async function configure(s3: S3Client, { bucket: Bucket, region }: StateBackend): Promise<void> {
  const arn = `arn:${partitionOf(region)}:s3:::${Bucket}`;
  await s3.send(
    new PutPublicAccessBlockCommand({
      Bucket,
      PublicAccessBlockConfiguration: {
        BlockPublicAcls: true,
        BlockPublicPolicy: true,
        IgnorePublicAcls: true,
        RestrictPublicBuckets: true,
      },
    }),
  );
  await s3.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status: "Enabled" } }));
  await s3.send(
    new PutBucketEncryptionCommand({
      Bucket,
      ServerSideEncryptionConfiguration: {
        Rules: [{ ApplyServerSideEncryptionByDefault: { SSEAlgorithm: "AES256" } }],
      },
    }),
  );
  await s3.send(
    new PutBucketOwnershipControlsCommand({
      Bucket,
      OwnershipControls: { Rules: [{ ObjectOwnership: "BucketOwnerEnforced" }] },
    }),
  );
  await s3.send(
    new PutBucketPolicyCommand({
      Bucket,
      Policy: JSON.stringify({
        Version: "2012-10-17",
        Statement: [
          {
            Sid: "TlsOnly",
            Effect: "Deny",
            Principal: "*",
            Action: "s3:*",
            Resource: [arn, `${arn}/*`],
            Condition: { Bool: { "aws:SecureTransport": "false" } },
          },
        ],
      }),
    }),
  );
  await s3.send(
    new PutBucketLifecycleConfigurationCommand({
      Bucket,
      LifecycleConfiguration: {
        Rules: [
          {
            ID: "old-states",
            Status: "Enabled",
            Filter: { Prefix: "" },
            NoncurrentVersionExpiration: { NoncurrentDays: OLD_STATE_DAYS },
          },
        ],
      },
    }),
  );
}
