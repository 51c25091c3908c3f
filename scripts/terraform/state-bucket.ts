/** The bucket of an environment's Terraform state, which must exist before Terraform can run. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import {
  CreateBucketCommand,
  DeleteBucketCommand,
  DeleteObjectsCommand,
  GetBucketEncryptionCommand,
  GetBucketLifecycleConfigurationCommand,
  GetBucketOwnershipControlsCommand,
  GetBucketPolicyCommand,
  GetBucketVersioningCommand,
  GetPublicAccessBlockCommand,
  HeadBucketCommand,
  HeadObjectCommand,
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
  type LifecycleRule,
} from "@aws-sdk/client-s3";
import * as z from "zod";
import type { AwsSettings } from "../shared/aws/aws-settings";
import { keysOf } from "../shared/emulator-keys";
import { parseJson } from "../shared/fields";
import { partitionOf } from "../../modules/synthesized/partition";
import { createS3Client } from "../shared/aws/s3-client";
import { lifecycleWeaknesses, OLD_STATE_DAYS } from "./state-lifecycle";

export const backendSchema = z.object({
  bucket: z.string(),
  key: z.string(),
  region: z.string(),
  endpoints: z.object({ s3: z.string() }).optional(),
});

/** The S3 backend of a synthesized stack. */
export type StateBackend = z.infer<typeof backendSchema>;

const stackSchema = z.object({ terraform: z.object({ backend: z.object({ s3: backendSchema }) }) });

/** Terraform's own (use_lockfile). */
const lockKey = (stateKey: string): string => `${stateKey}.tflock`;

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

export interface StateBucket {
  readonly bucket: string;
  readonly created: boolean;
  /** What protects the state less than Almanac's own settings, each as a sentence that says what to do. */
  readonly weaknesses: readonly string[];
}

/**
 * Creates the state bucket of a synthesized stack: versioned, encrypted, TLS only, no public access. In a bucket that exists, which may be
 * others' as well, it sets only what is not set, and reports what others have set otherwise. Idempotent.
 *
 * @throws StateBucketTakenError
 */
export async function ensureStateBucket(stackDirectory: string): Promise<StateBucket> {
  const backend = await readStateBackend(stackDirectory);
  const s3 = clientOf(backend);
  try {
    const created = await createIfMissing(s3, backend);
    const weaknesses: string[] = [];
    for (const { find, set } of settingsOf(s3, backend)) {
      const found = created ? "unset" : await find();
      if (found === "unset") await set();
      else if (found !== "kept") weaknesses.push(`${backend.bucket}: ${found.weakness}`);
    }
    return { bucket: backend.bucket, created, weaknesses };
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

/** Whether a Terraform holds the state of a synthesized stack, or has left its lock. */
export async function isStateLocked(stackDirectory: string): Promise<boolean> {
  const backend = await readStateBackend(stackDirectory);
  const s3 = clientOf(backend);
  try {
    await s3.send(new HeadObjectCommand({ Bucket: backend.bucket, Key: lockKey(backend.key) }));
    return true;
  } catch (error) {
    if (error instanceof S3ServiceException && error.$metadata.httpStatusCode === 404) return false;
    throw error;
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
    for (const own of [key, lockKey(key), digestKey(key)]) await deleteObject(s3, bucket, own);
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

/** Kept: it was set by others, or by an earlier run, or may not be read. */
type Found = "unset" | "kept" | { readonly weakness: string };

/** One of a bucket's settings. */
interface Setting {
  readonly find: () => Promise<Found>;
  readonly set: () => Promise<unknown>;
}

/** Rules of ours begin with this. */
const OLD_STATES = "old-states";

function settingsOf(s3: S3Client, { bucket: Bucket, region, key }: StateBackend): readonly Setting[] {
  const arn = `arn:${partitionOf(region)}:s3:::${Bucket}`;
  const tlsOnly = {
    Sid: "TlsOnly",
    Effect: "Deny",
    Principal: "*",
    Action: "s3:*",
    Resource: [arn, `${arn}/*`],
    Condition: { Bool: { "aws:SecureTransport": "false" } },
  };
  let rules: readonly LifecycleRule[] = [];
  return [
    {
      find: () =>
        find(
          s3.send(new GetPublicAccessBlockCommand({ Bucket })),
          ({ PublicAccessBlockConfiguration: blocked = {} }) => {
            const { BlockPublicAcls, BlockPublicPolicy, IgnorePublicAcls, RestrictPublicBuckets } = blocked;
            return BlockPublicAcls && BlockPublicPolicy && IgnorePublicAcls && RestrictPublicBuckets
              ? "kept"
              : { weakness: "it may be made public, and the state has secrets. Block all public access to it." };
          },
        ),
      set: () =>
        s3.send(
          new PutPublicAccessBlockCommand({
            Bucket,
            PublicAccessBlockConfiguration: {
              BlockPublicAcls: true,
              BlockPublicPolicy: true,
              IgnorePublicAcls: true,
              RestrictPublicBuckets: true,
            },
          }),
        ),
    },
    {
      find: () =>
        find(s3.send(new GetBucketVersioningCommand({ Bucket })), ({ Status }) => {
          if (Status === undefined) return "unset";
          if (Status === "Enabled") return "kept";
          return { weakness: "its versioning is suspended, so that a lost state cannot be restored. Enable it." };
        }),
      set: () => s3.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status: "Enabled" } })),
    },
    {
      find: () => find(s3.send(new GetBucketEncryptionCommand({ Bucket }))),
      set: () =>
        s3.send(
          new PutBucketEncryptionCommand({
            Bucket,
            ServerSideEncryptionConfiguration: {
              Rules: [{ ApplyServerSideEncryptionByDefault: { SSEAlgorithm: "AES256" } }],
            },
          }),
        ),
    },
    {
      find: () => find(s3.send(new GetBucketOwnershipControlsCommand({ Bucket }))),
      set: () =>
        s3.send(
          new PutBucketOwnershipControlsCommand({
            Bucket,
            OwnershipControls: { Rules: [{ ObjectOwnership: "BucketOwnerEnforced" }] },
          }),
        ),
    },
    {
      find: () =>
        find(s3.send(new GetBucketPolicyCommand({ Bucket })), ({ Policy = "" }) =>
          isTlsOnly(Policy, arn)
            ? "kept"
            : {
                weakness: `its policy allows requests without TLS. Add this statement to it: ${JSON.stringify(tlsOnly)}`,
              },
        ),
      set: () =>
        s3.send(
          new PutBucketPolicyCommand({
            Bucket,
            Policy: JSON.stringify({
              Version: "2012-10-17",
              Statement: [tlsOnly],
            }),
          }),
        ),
    },
    {
      // Each environment of a bucket has its own rule. Beside others' rules there is none.
      find: () =>
        find(s3.send(new GetBucketLifecycleConfigurationCommand({ Bucket })), ({ Rules = [] }) => {
          rules = Rules;
          const weaknesses = lifecycleWeaknesses(rules, key);
          if (weaknesses.length > 0) return { weakness: weaknesses.join(" And ") };
          return rules.every(({ ID = "" }) => ID.startsWith(OLD_STATES) && ID !== oldStatesOf(key).ID)
            ? "unset"
            : "kept";
        }),
      set: () =>
        s3.send(
          new PutBucketLifecycleConfigurationCommand({
            Bucket,
            LifecycleConfiguration: { Rules: [...rules, oldStatesOf(key)] },
          }),
        ),
    },
  ];
}

/** Of one state only: others may keep something else in the bucket. */
const oldStatesOf = (key: string) =>
  ({
    ID: `${OLD_STATES} ${key}`,
    Status: "Enabled",
    Filter: { Prefix: key },
    NoncurrentVersionExpiration: { NoncurrentDays: OLD_STATE_DAYS },
  }) as const;

/** A setting that these credentials may not read is not theirs to change. */
async function find<T>(answer: Promise<T>, meaning: (answer: T) => Found = () => "kept"): Promise<Found> {
  try {
    return meaning(await answer);
  } catch (error) {
    const status = error instanceof S3ServiceException ? error.$metadata.httpStatusCode : undefined;
    if (status === 404) return "unset";
    if (status === 403) return "kept";
    throw error;
  }
}

const policySchema = z.object({ Statement: z.union([z.array(z.unknown()), z.unknown().transform((one) => [one])]) });
const oneOf = (...accepted: readonly string[]) =>
  z.union([z.string(), z.array(z.string())]).refine((given) => [given].flat().some((each) => accepted.includes(each)));
const withoutTls = z.object({ "aws:SecureTransport": z.union([z.literal(false), oneOf("false")]) });

/** Whether a policy denies every request for the objects of a bucket without TLS. */
function isTlsOnly(policy: string, bucketArn: string): boolean {
  const denial = z.object({
    Effect: z.literal("Deny"),
    Principal: z.union([oneOf("*"), z.object({ AWS: oneOf("*") })]),
    Action: oneOf("*", "s3:*"),
    Resource: oneOf("*", `${bucketArn}*`, `${bucketArn}/*`),
    Condition: z.union([z.object({ Bool: withoutTls }), z.object({ BoolIfExists: withoutTls })]),
  });
  const { Statement = [] } = policySchema.safeParse(parseJson(policy)).data ?? {};
  return Statement.some((each) => denial.safeParse(each).success);
}
