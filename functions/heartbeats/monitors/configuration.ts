import { GetObjectCommand, type S3Client } from "@aws-sdk/client-s3";
import type * as z from "zod";

import { describeIssues } from "../../shared/errors";
import { TARGETS_KEY, MONITORS_KEY, targetsSchema, monitorSettingsSchema, type Target, type MonitorSettings } from "../contract";

/** The targets' object, or the one beside it, is missing, unreadable or malformed. */
export class ConfigurationError extends Error {
  override readonly name = "TargetListError";
}

/**
 * The environment's targets, as its module put them into the bucket.
 *
 * @throws {@link TargetListError}
 */
export function readTargetList(s3: S3Client, bucket: string): Promise<readonly Target[]> {
  return readObject(s3, bucket, TARGETS_KEY, targetsSchema);
}

/**
 * What is watched besides the targets, and what goes for all of them.
 *
 * @throws {@link TargetListError}
 */
export function readMonitorSettings(s3: S3Client, bucket: string): Promise<MonitorSettings> {
  return readObject(s3, bucket, MONITORS_KEY, monitorSettingsSchema);
}

async function readObject<Schema extends z.ZodType>(
  s3: S3Client,
  bucket: string,
  key: string,
  schema: Schema,
): Promise<z.output<Schema>> {
  const address = `s3://${bucket}/${key}`;
  const parsed = schema.safeParse(parseJson(await readText(s3, bucket, key, address), address));
  if (parsed.success) return parsed.data;
  throw new ConfigurationError(`${address} is malformed: ${describeIssues(parsed.error)}`);
}

async function readText(s3: S3Client, bucket: string, key: string, address: string): Promise<string> {
  try {
    const { Body } = await s3.send(new GetObjectCommand({ Bucket: bucket, Key: key }));
    return (await Body?.transformToString()) ?? "";
  } catch (cause) {
    throw new ConfigurationError(`${address} cannot be read`, { cause });
  }
}

function parseJson(text: string, address: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new ConfigurationError(`${address} is not JSON`, { cause });
  }
}
