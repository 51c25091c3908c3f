/** Deletes log groups that were created again after a destroy. */
import {
  CloudWatchLogsClient,
  DeleteLogGroupCommand,
  paginateDescribeLogGroups,
  ResourceNotFoundException,
} from "@aws-sdk/client-cloudwatch-logs";
import type { AwsSettings } from "../shared/aws/aws-settings";
import { collect } from "./orphaned-resources";

/**
 * Deletes functions' log groups that were created again after Terraform deleted them, by invocations that were still running. On
 * AWS the functions' roles may not create log groups; the emulator creates them all the same.
 *
 * @param prefix `almanac-alice`
 * @returns their names
 */
export async function deleteLateLogs(prefix: string, aws: AwsSettings): Promise<readonly string[]> {
  const client = new CloudWatchLogsClient(aws);
  const names = await collect(
    paginateDescribeLogGroups({ client }, { logGroupNamePrefix: `/aws/lambda/${prefix}-` }),
    (page) => page.logGroups?.map(({ logGroupName }) => logGroupName),
  );
  for (const logGroupName of names)
    try {
      await client.send(new DeleteLogGroupCommand({ logGroupName }));
    } catch (error) {
      if (!(error instanceof ResourceNotFoundException)) throw error;
    }
  return names;
}
