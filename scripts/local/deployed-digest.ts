/**
 * Whether what was synthesized is what is deployed. The digest is stored beside Terraform's state, in the emulator: the two are kept, and
 * lost, together.
 */
import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { GetObjectCommand, HeadObjectCommand, PutObjectCommand, type S3Client } from "@aws-sdk/client-s3";
import * as z from "zod";
import { awsSettingsOf, digestKey, readStateBackend, type StateBackend } from "../terraform/state-bucket";
import { createS3Client } from "../shared/aws/s3-client";

const deployedSchema = z.object({ digest: z.string(), stateETag: z.string() });

/** What Terraform itself writes into the folder of the stack. */
const OF_TERRAFORM = /^\.terraform|^terraform\.tfstate|^errored\.tfstate$/;

/** Of every file of a synthesized stack, with its name. */
export async function digestOf(stackDirectory: string): Promise<string> {
  const names = await readdir(stackDirectory, { recursive: true, withFileTypes: true });
  const files = names
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(stackDirectory.length + 1))
    .filter((file) => !OF_TERRAFORM.test(file))
    .sort();
  const hash = createHash("sha256");
  for (const file of files) {
    const content = await readFile(join(stackDirectory, file));
    hash.update(`${file}\0${content.length}\0`).update(content);
  }
  return hash.digest("hex");
}

/** Whether the stack was deployed as it is now, and its state has not changed since. */
export async function isDeployed(stackDirectory: string): Promise<boolean> {
  return withBackend(stackDirectory, async (s3, { bucket, key }) => {
    try {
      const { Body } = await s3.send(new GetObjectCommand({ Bucket: bucket, Key: digestKey(key) }));
      const deployed = deployedSchema.parse(JSON.parse((await Body?.transformToString()) ?? ""));
      return (
        deployed.stateETag === (await stateETag(s3, bucket, key)) &&
        deployed.digest === (await digestOf(stackDirectory))
      );
    } catch {
      return false; // None, or not readable: an apply with nothing to do is harmless.
    }
  });
}

/** After a successful apply: remembers what was applied. */
export async function markDeployed(stackDirectory: string): Promise<void> {
  await withBackend(stackDirectory, async (s3, { bucket, key }) => {
    const deployed = { digest: await digestOf(stackDirectory), stateETag: await stateETag(s3, bucket, key) };
    await s3.send(new PutObjectCommand({ Bucket: bucket, Key: digestKey(key), Body: JSON.stringify(deployed) }));
  });
}

async function stateETag(s3: S3Client, Bucket: string, Key: string): Promise<string | undefined> {
  return (await s3.send(new HeadObjectCommand({ Bucket, Key }))).ETag;
}

async function withBackend<T>(
  stackDirectory: string,
  work: (s3: S3Client, backend: StateBackend) => Promise<T>,
): Promise<T> {
  const backend = await readStateBackend(stackDirectory);
  const s3 = createS3Client(awsSettingsOf(backend));
  try {
    return await work(s3, backend);
  } finally {
    s3.destroy();
  }
}
