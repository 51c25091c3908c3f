/** The cron monitors of an environment. */
import { readMonitorSettings } from "../../../functions/heartbeats/monitors/configuration";
import type { CronMonitor } from "../../../functions/heartbeats/contract";
import type { AwsSettings } from "../../shared/aws/aws-settings";
import { UsageError } from "../../shared/terminal/command-line";
import { nearest } from "../../../modules/constructs/nearest";
import { createS3Client } from "../../shared/aws/s3-client";

/** @throws UsageError where there is none of this name */
export async function cronMonitorNamed(name: string, bucket: string, aws: AwsSettings): Promise<CronMonitor> {
  const { cronMonitors } = await readMonitorSettings(createS3Client(aws), bucket);
  const found = cronMonitors.find((each) => each.name === name);
  if (found !== undefined) return found;
  const names = cronMonitors.map((each) => each.name);
  const meant = nearest(name, names);
  throw new UsageError(
    `There is no cron monitor "${name}". ${meant === undefined ? `There are: ${names.join(", ") || "none"}` : `Did you mean ${meant}?`}`,
  );
}
