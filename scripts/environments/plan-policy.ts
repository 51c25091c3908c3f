/**
 * What a plan reads of AWS: settings, by the calls of Terraform's provider for each type of resource. Never what is stored: no item,
 * object, message, log line, parameter or secret.
 */
import { groupBy } from "../../functions/shared/group-by";

export interface Statement {
  readonly Sid: string;
  readonly Effect: "Allow" | "Deny";
  readonly Action: readonly string[];
  readonly Resource: readonly string[];
}

/** Of provider 5.100. Types that share a service's reads share its entry. */
const READS: Readonly<Record<string, readonly string[]>> = {
  aws_api_gateway: ["apigateway:GET"],
  aws_cloudfront: [
    "cloudfront:GetDistribution",
    "cloudfront:GetOriginAccessControl",
    "cloudfront:GetResponseHeadersPolicy",
    "cloudfront:ListTagsForResource",
  ],
  aws_cloudwatch_dashboard: ["cloudwatch:GetDashboard"],
  aws_cloudwatch_event_rule: ["events:DescribeRule", "events:ListTagsForResource"],
  aws_cloudwatch_event_target: ["events:ListTargetsByRule"],
  aws_cloudwatch_log_group: ["logs:DescribeLogGroups", "logs:ListTagsForResource"],
  aws_cloudwatch_metric_alarm: ["cloudwatch:DescribeAlarms", "cloudwatch:ListTagsForResource"],
  aws_dynamodb_table: [
    "dynamodb:DescribeContinuousBackups",
    "dynamodb:DescribeTable",
    "dynamodb:DescribeTimeToLive",
    "dynamodb:ListTagsOfResource",
  ],
  aws_glue_catalog: ["glue:GetDatabase", "glue:GetPartitionIndexes", "glue:GetTable", "glue:GetTags"],
  aws_iam_role: ["iam:GetRole", "iam:GetRolePolicy", "iam:ListAttachedRolePolicies", "iam:ListRolePolicies"],
  aws_kms: [
    "kms:DescribeKey",
    "kms:GetKeyPolicy",
    "kms:GetKeyRotationStatus",
    "kms:ListAliases",
    "kms:ListResourceTags",
  ],
  aws_lambda: [
    "lambda:GetEventSourceMapping",
    "lambda:GetFunction",
    "lambda:GetFunctionCodeSigningConfig",
    "lambda:GetFunctionEventInvokeConfig",
    "lambda:GetPolicy",
    "lambda:ListTags",
    "lambda:ListVersionsByFunction",
  ],
  aws_s3_bucket: [
    "s3:GetAccelerateConfiguration",
    "s3:GetBucketAcl",
    "s3:GetBucketCORS",
    "s3:GetBucketLogging",
    "s3:GetBucketObjectLockConfiguration",
    "s3:GetBucketOwnershipControls",
    "s3:GetBucketPolicy",
    "s3:GetBucketPublicAccessBlock",
    "s3:GetBucketRequestPayment",
    "s3:GetBucketTagging",
    "s3:GetBucketVersioning",
    "s3:GetBucketWebsite",
    "s3:GetEncryptionConfiguration",
    "s3:GetLifecycleConfiguration",
    "s3:GetReplicationConfiguration",
    // HeadBucket. It lists names of the environment's objects too.
    "s3:ListBucket",
  ],
  // Below: of the objects that Terraform itself has written.
  aws_s3_object: [],
  aws_sfn_state_machine: [
    "states:DescribeStateMachine",
    "states:ListStateMachineVersions",
    "states:ListTagsForResource",
    "states:ValidateStateMachineDefinition",
  ],
  aws_sns_topic: ["sns:GetSubscriptionAttributes", "sns:GetTopicAttributes", "sns:ListTagsForResource"],
  aws_sqs_queue: ["sqs:GetQueueAttributes", "sqs:ListQueueTags"],
  // Terraform's own, which reads nothing.
  terraform_data: [],
};

/** A resource of a type whose reads are not known. */
export class UnknownReadsError extends Error {
  override readonly name = "UnknownReadsError";
  constructor(type: string) {
    super(`Which calls read a resource of type ${type} is not known: add them to scripts/environments/plan-policy.ts`);
  }
}

/**
 * Whose settings they read, by the service of the action. An account has more than this environment: other functions' variables, keys of
 * other APIs and names of others' objects are no business of a plan. Ids that AWS assigns tell no environment.
 */
const OF_THE_ENVIRONMENT: Readonly<Record<string, (scope: PlanScope) => readonly string[]>> = {
  // Not /apikeys: a GET of it can return their values.
  apigateway: () => ["apigateway:*::/restapis/*"],
  dynamodb: ({ prefix }) => [`dynamodb:*:*:table/${prefix}-*`],
  events: ({ prefix }) => [`events:*:*:rule/${prefix}-*`],
  iam: ({ prefix }) => [`iam::*:role/${prefix}-*`],
  lambda: ({ prefix }) => [`lambda:*:*:function:${prefix}-*`, "lambda:*:*:event-source-mapping:*"],
  s3: ({ prefix }) => [`s3:::${prefix}-*`],
  sns: ({ prefix }) => [`sns:*:*:${prefix}-*`],
  sqs: ({ prefix }) => [`sqs:*:*:${prefix}-*`],
  states: ({ prefix }) => [`states:*:*:stateMachine:${prefix}-*`],
};

/** They have no resource. */
const OF_NO_RESOURCE: ReadonlySet<string> = new Set(["states:ValidateStateMachineDefinition"]);

export interface PlanScope {
  /** `almanac-staging`: names of the environment's resources begin with it. */
  readonly prefix: string;
  readonly partition: string;
  readonly state: { readonly bucket: string; readonly key: string };
  /** Of the stack. */
  readonly types: ReadonlySet<string>;
  /** ARNs of the objects that Terraform writes and compares: code, configuration. */
  readonly objects: readonly string[];
}

/** @throws UnknownReadsError */
export function planStatements(scope: PlanScope): readonly Statement[] {
  const { partition, state, types, objects } = scope;
  const bucket = `arn:${partition}:s3:::${state.bucket}`;
  const actions = new Set(
    [...types].flatMap((type) => {
      const known = Object.keys(READS).filter((name) => type === name || type.startsWith(`${name}_`));
      const longest = known.sort((a, b) => b.length - a.length)[0];
      if (longest === undefined) throw new UnknownReadsError(type);
      return READS[longest] ?? [];
    }),
  );
  const serviceOf = (action: string) => {
    const [service = ""] = action.split(":");
    return service in OF_THE_ENVIRONMENT && !OF_NO_RESOURCE.has(action) ? service : "";
  };
  const settings = [...groupBy([...actions].sort(), serviceOf)].map(([service, Action]): Statement => ({
    Sid: `Settings${service.charAt(0).toUpperCase()}${service.slice(1)}`,
    Effect: "Allow",
    Action,
    Resource: OF_THE_ENVIRONMENT[service]?.(scope).map((each) => `arn:${partition}:${each}`) ?? ["*"],
  }));
  return [
    { Sid: "State", Effect: "Allow", Action: ["s3:GetObject"], Resource: [`${bucket}/${state.key}`] },
    { Sid: "StateBucket", Effect: "Allow", Action: ["s3:ListBucket"], Resource: [bucket] },
    ...settings,
    ...(objects.length === 0
      ? []
      : [
          {
            Sid: "DeployedObjects",
            Effect: "Allow" as const,
            Action: ["s3:GetObject", "s3:GetObjectTagging"],
            Resource: objects,
          },
        ]),
  ];
}
