import {
  CloudWatchLogsClient,
  DeleteLogGroupCommand,
  paginateDescribeLogGroups,
  ResourceNotFoundException,
} from "@aws-sdk/client-cloudwatch-logs";
import type { AwsSettings } from "./deployed";
import { collect } from "./orphaned-resources";

/**
 * Deletes functions' log groups that have come back since Terraform deleted them: what was still running then has written its last
 * lines. AWS makes no group for our roles, but the emulator does.
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
