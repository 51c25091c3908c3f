/** Finds the resources that a destroyed environment has left in an account, in every service that Almanac uses. */
import { APIGatewayClient, paginateGetRestApis } from "@aws-sdk/client-api-gateway";
import { CloudFrontClient, paginateListDistributions } from "@aws-sdk/client-cloudfront";
import { CloudWatchClient, paginateDescribeAlarms, paginateListDashboards } from "@aws-sdk/client-cloudwatch";
import { CloudWatchLogsClient, paginateDescribeLogGroups } from "@aws-sdk/client-cloudwatch-logs";
import { DynamoDBClient, paginateListTables } from "@aws-sdk/client-dynamodb";
import { EventBridgeClient, ListRulesCommand } from "@aws-sdk/client-eventbridge";
import { IAMClient, paginateListRoles } from "@aws-sdk/client-iam";
import { KMSClient, paginateListAliases } from "@aws-sdk/client-kms";
import { LambdaClient, paginateListFunctions } from "@aws-sdk/client-lambda";
import { ListBucketsCommand } from "@aws-sdk/client-s3";
import { SFNClient, paginateListStateMachines } from "@aws-sdk/client-sfn";
import { SNSClient, paginateListTopics } from "@aws-sdk/client-sns";
import { SQSClient, paginateListQueues } from "@aws-sdk/client-sqs";
import type { AwsSettings } from "../shared/aws/aws-settings";
import { createS3Client } from "../shared/aws/s3-client";

/** A kind of resource, and the names of all of that kind. */
interface List {
  readonly kind: string;
  readonly names: () => Promise<readonly string[]>;
}

export interface Orphans {
  /** `table almanac-alice-heartbeats`. */
  readonly found: readonly string[];
  /** The kinds of resources that were searched. */
  readonly kinds: readonly string[];
}

/**
 * Everything whose name is an environment's prefix (`almanac-alice`) or begins with it and a hyphen.
 *
 * KMS keys have no names, so aliases are searched: a key itself is deleted after seven days, and costs nothing until then.
 */
export async function findOrphans(prefix: string, aws: AwsSettings): Promise<Orphans> {
  const all = listsOf(prefix, aws);
  const found = await Promise.all(
    all.map(async ({ kind, names }) =>
      (await names()).filter((name) => isNamedAfter(name, prefix)).map((name) => `${kind} ${name}`),
    ),
  );
  return { found: found.flat().sort(), kinds: all.map(({ kind }) => kind) };
}

/** Whether a part of a name, an ARN, a path or a URL begins with the prefix: `/aws/lambda/almanac-alice-check`. */
export function isNamedAfter(name: string, prefix: string): boolean {
  return name.split(/[/:]/).some((part) => part === prefix || part.startsWith(`${prefix}-`));
}

function listsOf(prefix: string, aws: AwsSettings): readonly List[] {
  const client = new CloudWatchClient(aws);
  return [
    {
      kind: "table",
      names: () => collect(paginateListTables({ client: new DynamoDBClient(aws) }, {}), (page) => page.TableNames),
    },
    {
      kind: "function",
      names: () =>
        collect(paginateListFunctions({ client: new LambdaClient(aws) }, {}), (page) =>
          page.Functions?.map(({ FunctionName }) => FunctionName),
        ),
    },
    {
      kind: "queue",
      names: () =>
        collect(
          paginateListQueues({ client: new SQSClient(aws) }, { QueueNamePrefix: prefix }),
          (page) => page.QueueUrls,
        ),
    },
    { kind: "rule", names: () => listRules(new EventBridgeClient(aws), prefix) },
    {
      kind: "log group",
      names: () =>
        collect(paginateDescribeLogGroups({ client: new CloudWatchLogsClient(aws) }, {}), (page) =>
          page.logGroups?.map(({ logGroupName }) => logGroupName),
        ),
    },
    {
      kind: "bucket",
      names: async () => {
        const s3 = createS3Client(aws);
        const { Buckets = [] } = await s3.send(new ListBucketsCommand({}));
        return Buckets.map(({ Name = "" }) => Name);
      },
    },
    {
      kind: "role",
      names: () =>
        collect(paginateListRoles({ client: new IAMClient(aws) }, {}), (page) =>
          page.Roles?.map(({ RoleName }) => RoleName),
        ),
    },
    {
      kind: "topic",
      names: () =>
        collect(paginateListTopics({ client: new SNSClient(aws) }, {}), (page) =>
          page.Topics?.map(({ TopicArn }) => TopicArn),
        ),
    },
    {
      kind: "alarm",
      names: () =>
        collect(paginateDescribeAlarms({ client }, { AlarmNamePrefix: prefix }), (page) => [
          ...(page.MetricAlarms ?? []).map(({ AlarmName }) => AlarmName),
          ...(page.CompositeAlarms ?? []).map(({ AlarmName }) => AlarmName),
        ]),
    },
    {
      kind: "dashboard",
      names: () =>
        collect(paginateListDashboards({ client }, { DashboardNamePrefix: prefix }), (page) =>
          page.DashboardEntries?.map(({ DashboardName }) => DashboardName),
        ),
    },
    {
      kind: "key alias",
      names: () =>
        collect(paginateListAliases({ client: new KMSClient(aws) }, {}), (page) =>
          page.Aliases?.map(({ AliasName }) => AliasName),
        ),
    },
    {
      kind: "REST API",
      names: () =>
        collect(paginateGetRestApis({ client: new APIGatewayClient(aws) }, {}), (page) =>
          page.items?.map(({ name }) => name),
        ),
    },
    {
      kind: "state machine",
      names: () =>
        collect(paginateListStateMachines({ client: new SFNClient(aws) }, {}), (page) =>
          page.stateMachines?.map(({ name }) => name),
        ),
    },
    {
      kind: "CloudFront distribution",
      names: () =>
        collect(paginateListDistributions({ client: new CloudFrontClient(aws) }, {}), (page) =>
          page.DistributionList?.Items?.map(({ Comment }) => Comment),
        ),
    },
  ];
}

/** The names on all pages. */
export async function collect<Page>(
  pages: AsyncIterable<Page>,
  namesOf: (page: Page) => readonly (string | undefined)[] | undefined,
): Promise<readonly string[]> {
  const names: string[] = [];
  for await (const page of pages) names.push(...(namesOf(page) ?? []).filter((name) => name !== undefined));
  return names;
}

async function listRules(events: EventBridgeClient, prefix: string): Promise<readonly string[]> {
  const names: string[] = [];
  let token: string | undefined;
  do {
    const { Rules = [], NextToken } = await events.send(
      new ListRulesCommand({ NamePrefix: prefix, ...(token !== undefined && { NextToken: token }) }),
    );
    names.push(...Rules.map(({ Name = "" }) => Name));
    token = NextToken;
  } while (token !== undefined);
  return names;
}
