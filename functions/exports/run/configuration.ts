/** Reads the configuration of exports, `exports.json`, from S3. */
import { GetObjectCommand, type S3Client } from "@aws-sdk/client-s3";

import { errorMessage } from "../../shared/errors";
import { parseInput, parseJson } from "../../shared/input";
import {
  CONFIGURATION_KEY,
  configurationSchema,
  type Configuration,
  type RunRequest,
  type ScheduledExport,
} from "../contract";

/** `exports.json` is malformed or does not contain the export. */
export class ConfigurationError extends Error {
  override readonly name = "ConfigurationError";
}

/** @throws {@link ConfigurationError} */
export async function readConfiguration(s3: S3Client, bucket: string): Promise<Configuration> {
  const { Body } = await s3.send(new GetObjectCommand({ Bucket: bucket, Key: CONFIGURATION_KEY }));
  const text = (await Body?.transformToString()) ?? "";
  try {
    return parseInput(configurationSchema, parseJson(text));
  } catch (cause) {
    throw new ConfigurationError(`s3://${bucket}/${CONFIGURATION_KEY} ${errorMessage(cause)}`, { cause });
  }
}

/**
 * The configuration for a request: that of the named export, or that of jobs.
 *
 * @throws {@link ConfigurationError}
 */
export function findExport(
  { tables, jobs }: Configuration,
  request: Pick<RunRequest, "export" | "job">,
): ScheduledExport {
  const config = request.job === undefined ? tables.find(({ name }) => name === request.export) : jobs;
  if (config !== undefined) return config;
  throw new ConfigurationError(
    request.job
      ? "jobs are not configured"
      : `no export is named "${request.export}". Exports: ${tables.map(({ name }) => name).join(", ")}`,
  );
}
