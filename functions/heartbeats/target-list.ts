import { GetObjectCommand, type S3Client } from "@aws-sdk/client-s3";

import { describeIssues } from "../shared/errors";
import { TARGETS_KEY, targetsSchema, type Target } from "./contract";

/** The targets' object is missing, unreadable or malformed. */
export class TargetListError extends Error {
  override readonly name = "TargetListError";
}

/**
 * The environment's targets, as its module put them into the bucket.
 *
 * @throws {@link TargetListError}
 */
export async function readTargetList(s3: S3Client, bucket: string): Promise<readonly Target[]> {
  const parsed = targetsSchema.safeParse(parseJson(await readText(s3, bucket), bucket));
  if (parsed.success) return parsed.data;
  throw new TargetListError(`s3://${bucket}/${TARGETS_KEY} is malformed: ${describeIssues(parsed.error)}`);
}

async function readText(s3: S3Client, bucket: string): Promise<string> {
  try {
    const { Body } = await s3.send(new GetObjectCommand({ Bucket: bucket, Key: TARGETS_KEY }));
    return (await Body?.transformToString()) ?? "";
  } catch (cause) {
    throw new TargetListError(`s3://${bucket}/${TARGETS_KEY} cannot be read`, { cause });
  }
}

function parseJson(text: string, bucket: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new TargetListError(`s3://${bucket}/${TARGETS_KEY} is not JSON`, { cause });
  }
}
