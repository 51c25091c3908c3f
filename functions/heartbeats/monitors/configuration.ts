/** Reads the configuration that Terraform writes to S3. */
import { GetObjectCommand, type S3Client } from "@aws-sdk/client-s3";
import type * as z from "zod";

import { describeIssues, parseJson } from "../../shared/input";
import { MONITORS_KEY, TARGETS_KEY, storedSettingsSchema, targetsSchema } from "../contract";
import type { Configuration } from "./policy";

/** A configuration object is missing, unreadable or malformed. */
class ConfigurationError extends Error {
  override readonly name = "ConfigurationError";
}

/** @throws {@link ConfigurationError} */
export async function readConfiguration(s3: S3Client, bucket: string): Promise<Configuration> {
  const [targets, settings] = await Promise.all([
    readObject(s3, bucket, TARGETS_KEY, targetsSchema),
    readMonitorSettings(s3, bucket),
  ]);
  return { targets, ...settings };
}

/** @throws {@link ConfigurationError} */
export function readMonitorSettings(s3: S3Client, bucket: string): Promise<Omit<Configuration, "targets">> {
  return readObject(s3, bucket, MONITORS_KEY, storedSettingsSchema);
}

async function readObject<Schema extends z.ZodType>(
  s3: S3Client,
  bucket: string,
  key: string,
  schema: Schema,
): Promise<z.output<Schema>> {
  const address = `s3://${bucket}/${key}`;
  const parsed = schema.safeParse(jsonOf(await readText(s3, bucket, key, address), address));
  if (parsed.success) return parsed.data;
  throw new ConfigurationError(`${address} is malformed: ${describeIssues(parsed.error, schema)}`);
}

async function readText(s3: S3Client, bucket: string, key: string, address: string): Promise<string> {
  try {
    const { Body } = await s3.send(new GetObjectCommand({ Bucket: bucket, Key: key }));
    return (await Body?.transformToString()) ?? "";
  } catch (cause) {
    throw new ConfigurationError(`${address} cannot be read`, { cause });
  }
}

function jsonOf(text: string, address: string): unknown {
  try {
    return parseJson(text);
  } catch (cause) {
    throw new ConfigurationError(`${address} is not JSON`, { cause });
  }
}
