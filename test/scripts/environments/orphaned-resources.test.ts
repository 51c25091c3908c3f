import { dashboardUrl } from "../../../scripts/shared/aws/console-url";
import { isNamedAfter } from "../../../scripts/environments/orphaned-resources";

describe("what is named after an environment", () => {
  it.each([
    "almanac-alice",
    "almanac-alice-heartbeats",
    "/aws/lambda/almanac-alice-heartbeats-check",
    "alias/almanac-alice-alarms",
    "arn:aws:sns:eu-central-1:000000000000:almanac-alice-alarms",
    "https://sqs.eu-central-1.amazonaws.com/000000000000/almanac-alice-timers",
  ])("%s is", (name) => {
    expect(isNamedAfter(name, "almanac-alice")).toBe(true);
  });

  it.each(["almanac-alice2-heartbeats", "my-almanac-alice", "almanac", "almanac-bob-alice", ""])(
    "%j is not",
    (name) => {
      expect(isNamedAfter(name, "almanac-alice")).toBe(false);
    },
  );
});

it.each([
  ["eu-central-1", "https://eu-central-1.console.aws.amazon.com/"],
  ["cn-north-1", "https://console.amazonaws.cn/"],
  ["us-gov-west-1", "https://console.amazonaws-us-gov.com/"],
])("a dashboard in %s is at %s", (region, console) => {
  expect(dashboardUrl(region, "almanac-staging")).toBe(
    `${console}cloudwatch/home?region=${region}#dashboards/dashboard/almanac-staging`,
  );
});
