import { GetObjectCommand, type S3Client } from "@aws-sdk/client-s3";

import { describeIssues } from "../../shared/errors";
import {
  CONFIGURATION_KEY,
  configurationSchema,
  type Configuration,
  type ExportConfig,
  type RunRequest,
} from "../contract";

/** There is no such export, or the list of exports is not one. */
export class ConfigurationError extends Error {
  override readonly name = "ConfigurationError";
}

/** @throws {@link ConfigurationError} */
export async function readConfiguration(s3: S3Client, bucket: string): Promise<Configuration> {
  const { Body } = await s3.send(new GetObjectCommand({ Bucket: bucket, Key: CONFIGURATION_KEY }));
  const parsed = configurationSchema.safeParse(JSON.parse((await Body?.transformToString()) ?? ""));
  if (parsed.success) return parsed.data;
  throw new ConfigurationError(`${CONFIGURATION_KEY}: ${describeIssues(parsed.error)}`);
}

/**
 * What a request is for: one of the tables, or a job.
 *
 * @throws {@link ConfigurationError}
 */
export function exportOf({ tables, jobs }: Configuration, request: Pick<RunRequest, "export" | "job">): ExportConfig {
  const found = request.job === undefined ? tables.find(({ name }) => name === request.export) : jobs;
  if (found !== undefined) return found;
  throw new ConfigurationError(
    `there is no export "${request.export}"${request.job ? " for jobs" : `: ${tables.map(({ name }) => name).join(", ")}`}`,
  );
}
