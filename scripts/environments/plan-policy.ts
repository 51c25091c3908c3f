/**
 * What a plan reads of AWS: settings, by the calls of Terraform's provider for each type of resource. Never what is stored: no item,
 * object, message, log line, parameter or secret.
 */
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
    // HeadBucket. It lists names of objects too.
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

export interface PlanScope {
  readonly partition: string;
  readonly state: { readonly bucket: string; readonly key: string };
  /** Of the stack. */
  readonly types: ReadonlySet<string>;
  /** ARNs of the objects that Terraform writes and compares: code, configuration. */
  readonly objects: readonly string[];
}

/** @throws UnknownReadsError */
export function planStatements({ partition, state, types, objects }: PlanScope): readonly Statement[] {
  const bucket = `arn:${partition}:s3:::${state.bucket}`;
  const actions = [...types].flatMap((type) => {
    const known = Object.keys(READS).filter((name) => type === name || type.startsWith(`${name}_`));
    const longest = known.sort((a, b) => b.length - a.length)[0];
    if (longest === undefined) throw new UnknownReadsError(type);
    return READS[longest] ?? [];
  });
  return [
    { Sid: "State", Effect: "Allow", Action: ["s3:GetObject"], Resource: [`${bucket}/${state.key}`] },
    { Sid: "StateBucket", Effect: "Allow", Action: ["s3:ListBucket"], Resource: [bucket] },
    { Sid: "Settings", Effect: "Allow", Action: [...new Set(actions)].sort(), Resource: ["*"] },
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
