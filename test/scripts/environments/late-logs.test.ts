import {
  CloudWatchLogsClient,
  DeleteLogGroupCommand,
  DescribeLogGroupsCommand,
  ResourceNotFoundException,
} from "@aws-sdk/client-cloudwatch-logs";
import { mockClient } from "aws-sdk-client-mock";
import { deleteLateLogs } from "../../../scripts/environments/late-logs";

it("deletes functions' log groups of one environment, also one that is gone by then", async () => {
  const logs = mockClient(CloudWatchLogsClient);
  const [first, second] = ["/aws/lambda/almanac-alice-timers-callback", "/aws/lambda/almanac-alice-timers-dispatch"];
  logs
    .on(DescribeLogGroupsCommand, { logGroupNamePrefix: "/aws/lambda/almanac-alice-" })
    .resolvesOnce({ logGroups: [{ logGroupName: first }], nextToken: "more" })
    .resolvesOnce({ logGroups: [{ logGroupName: second }] });
  logs
    .on(DeleteLogGroupCommand)
    .resolves({})
    .on(DeleteLogGroupCommand, { logGroupName: first })
    .rejects(new ResourceNotFoundException({ message: "gone", $metadata: {} }));
  await expect(deleteLateLogs("almanac-alice", { region: "eu-central-1" })).resolves.toEqual([first, second]);
  expect(logs.commandCalls(DeleteLogGroupCommand).map(({ args: [{ input }] }) => input.logGroupName)).toEqual([
    first,
    second,
  ]);
});
