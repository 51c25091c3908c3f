/** AWS's limits on what Almanac creates: one table. What is beyond them would fail in the middle of a deployment. */
import * as z from "zod";
import type { Resource } from "./resources";

export interface Limit {
  readonly type: string;
  /** Path of the values: `destination_config.on_failure.destination`. `*` is each value of a map; lists are entered. */
  readonly path: string;
  /** Completes "<n> <unit>": characters of a text and the number itself by default. The names of a map are looked at as texts. */
  readonly unit?: "characters" | "bytes" | "statements" | "items" | "names";
  readonly least?: number;
  readonly most?: number;
  /** The whole value. */
  readonly pattern?: RegExp;
  /** Service that has the limit. */
  readonly service: string;
  /** Page or service model that states it. */
  readonly source: string;
}

/** A limit on several resources together. */
export interface SumLimit {
  readonly type: string;
  /** Resources with the same value of this argument belong together. @default all of the environment */
  readonly by?: string;
  /** What each resource adds. */
  readonly size: (values: Resource["values"]) => number;
  readonly unit: string;
  readonly most: number;
  /** True: AWS raises it on request, so that the account may have more. @default false */
  readonly adjustable?: boolean;
  readonly service: string;
  readonly source: string;
}

const DOCS = "https://docs.aws.amazon.com";
const SQS_POLICY = `${DOCS}/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-policies.html`;
const SQS_QUEUE = `${DOCS}/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-queues.html`;
const IAM = `${DOCS}/IAM/latest/UserGuide/reference_iam-quotas.html`;
const LAMBDA = `${DOCS}/lambda/latest/dg/gettingstarted-limits.html`;
const EVENTS = `${DOCS}/eventbridge/latest/userguide/eb-quota.html`;
const DYNAMODB = `${DOCS}/amazondynamodb/latest/developerguide/ServiceQuotas.html`;
const S3_NAMES = `${DOCS}/AmazonS3/latest/userguide/bucketnamingrules.html`;
const S3_POLICY = `${DOCS}/AmazonS3/latest/userguide/bucket-policies.html`;
const S3_LIFECYCLE = `${DOCS}/AmazonS3/latest/userguide/intro-lifecycle-rules.html`;
const S3_KEYS = `${DOCS}/AmazonS3/latest/userguide/object-keys.html`;
const ALARMS = `${DOCS}/AmazonCloudWatch/latest/monitoring/cloudwatch_limits.html`;
const API_GATEWAY = `${DOCS}/apigateway/latest/developerguide/api-gateway-execution-service-limits-table.html`;
const API_RESOURCES = `${DOCS}/apigateway/latest/api/API_CreateResource.html`;
const CLOUDFRONT = `${DOCS}/AmazonCloudFront/latest/DeveloperGuide/cloudfront-limits.html`;
const SNS = `${DOCS}/general/latest/gr/sns.html`;
const KMS = `${DOCS}/kms/latest/developerguide/resource-limits.html`;
const GLUE = `${DOCS}/athena/latest/ug/tables-databases-columns-names.html`;

/** botocore 1.43's model of the service: the input of this operation. */
const model = (operation: string) => `botocore service model, ${operation}`;

const NAME = /[.\-_A-Za-z0-9]+/;
/** Policies and descriptions in IAM and KMS. */
const LATIN = /[\t\n\r\u0020-\u00FF]+/;

/** `rate(1 minute)`, `rate(5 minutes)`: EventBridge refuses the other number of each. */
const SCHEDULE =
  /rate\((?:1 (?:minute|hour|day)|(?!1 )[1-9]\d* (?:minutes|hours|days))\)|cron\((?:[\w*/,?#-]+ ){5}[\w*/,?#-]+\)/;

/** Labels of at most 63 characters. */
const DOMAIN = /(?:\*\.)?(?:[A-Za-z0-9_-]{1,63}\.)+[A-Za-z0-9-]{2,63}/;

/** Lambda sets some itself, and refuses a function that does. */
const VARIABLE =
  /(?!(?:AWS_(?:DEFAULT_)?REGION|AWS_EXECUTION_ENV|AWS_LAMBDA_(?:FUNCTION|INITIALIZATION|LOG|RUNTIME)_\w+|AWS_ACCESS_KEY(?:_ID)?|AWS_SECRET_ACCESS_KEY|AWS_SESSION_TOKEN|LAMBDA_(?:TASK_ROOT|RUNTIME_DIR))$)[a-zA-Z][a-zA-Z0-9_]+/;

type Row = readonly [path: string, limit: Pick<Limit, "least" | "most" | "pattern" | "unit">, source: string];

const rows = (type: string, service: string, limits: readonly Row[]): readonly Limit[] =>
  limits.map(([path, limit, source]) => ({ type, path, service, source, ...limit }));

export const LIMITS: readonly Limit[] = [
  ...rows("aws_sqs_queue", "SQS", [
    ["name", { least: 1, most: 80, pattern: /[A-Za-z0-9_-]+/ }, SQS_QUEUE],
    ["policy", { most: 8_192, unit: "bytes" }, SQS_POLICY],
    ["policy", { most: 20, unit: "statements" }, SQS_POLICY],
    ["policy.Statement.Action", { most: 7, unit: "items" }, SQS_POLICY],
    ["policy.Statement.Principal.*", { most: 50, unit: "items" }, SQS_POLICY],
    ["delay_seconds", { least: 0, most: 900 }, SQS_QUEUE],
    ["max_message_size", { least: 1_024, most: 1_048_576 }, SQS_QUEUE],
    ["receive_wait_time_seconds", { least: 0, most: 20 }, SQS_QUEUE],
    ["kms_data_key_reuse_period_seconds", { least: 60, most: 86_400 }, SQS_QUEUE],
    ["redrive_policy.maxReceiveCount", { least: 1, most: 1_000 }, SQS_QUEUE],
    ["message_retention_seconds", { least: 60, most: 1_209_600 }, SQS_QUEUE],
    ["visibility_timeout_seconds", { least: 0, most: 43_200 }, SQS_QUEUE],
  ]),
  ...rows("aws_iam_role", "IAM", [
    ["name", { least: 1, most: 64, pattern: /[\w+=,.@-]+/ }, model("CreateRole")],
    ["assume_role_policy", { most: 2_048, pattern: LATIN }, IAM],
  ]),
  ...rows("aws_iam_role_policy", "IAM", [
    ["name", { least: 1, most: 128, pattern: /[\w+=,.@-]+/ }, model("PutRolePolicy")],
    ["policy", { pattern: LATIN }, model("PutRolePolicy")],
  ]),
  ...rows("aws_lambda_function", "Lambda", [
    ["function_name", { least: 1, most: 64, pattern: /[a-zA-Z0-9-_]+/ }, model("CreateFunction")],
    ["environment.variables", { most: 4_096, unit: "bytes" }, LAMBDA],
    ["environment.variables", { unit: "names", pattern: VARIABLE }, model("CreateFunction")],
    ["timeout", { least: 1, most: 900 }, LAMBDA],
    ["memory_size", { least: 128, most: 10_240 }, LAMBDA],
    ["ephemeral_storage.size", { least: 512, most: 10_240 }, LAMBDA],
    ["description", { most: 256 }, model("CreateFunction")],
    ["handler", { most: 128, pattern: /\S+/ }, model("CreateFunction")],
    ["s3_key", { least: 1, most: 1_024, unit: "bytes" }, S3_KEYS],
    ["layers", { most: 5, unit: "items" }, LAMBDA],
  ]),
  ...rows("aws_lambda_permission", "Lambda", [
    ["statement_id", { least: 1, most: 100, pattern: /[a-zA-Z0-9-_]+/ }, model("AddPermission")],
  ]),
  ...rows("aws_lambda_event_source_mapping", "Lambda", [
    ["batch_size", { least: 1, most: 10_000 }, model("CreateEventSourceMapping")],
    ["maximum_batching_window_in_seconds", { least: 0, most: 300 }, model("CreateEventSourceMapping")],
    ["maximum_retry_attempts", { least: -1, most: 10_000 }, model("CreateEventSourceMapping")],
    ["scaling_config.maximum_concurrency", { least: 2, most: 1_000 }, model("CreateEventSourceMapping")],
    ["destination_config.on_failure.destination_arn", { most: 350 }, model("CreateEventSourceMapping")],
  ]),
  ...rows("aws_lambda_function_event_invoke_config", "Lambda", [
    ["maximum_retry_attempts", { least: 0, most: 2 }, model("PutFunctionEventInvokeConfig")],
    ["maximum_event_age_in_seconds", { least: 60, most: 21_600 }, model("PutFunctionEventInvokeConfig")],
    ["destination_config.on_failure.destination", { most: 350 }, model("PutFunctionEventInvokeConfig")],
  ]),
  ...rows("aws_cloudwatch_event_rule", "EventBridge", [
    ["name", { least: 1, most: 64, pattern: NAME }, model("PutRule")],
    ["description", { most: 512 }, model("PutRule")],
    ["schedule_expression", { most: 256, pattern: SCHEDULE }, model("PutRule")],
    ["event_pattern", { most: 2_048 }, EVENTS],
  ]),
  ...rows("aws_cloudwatch_event_target", "EventBridge", [
    ["target_id", { least: 1, most: 64, pattern: NAME }, model("PutTargets")],
    ["input", { most: 8_192 }, model("PutTargets")],
    ["input_transformer.input_template", { least: 1, most: 8_192 }, model("PutTargets")],
    ["input_transformer.input_paths", { most: 100, unit: "items" }, model("PutTargets")],
    ["retry_policy.maximum_retry_attempts", { least: 0, most: 185 }, model("PutTargets")],
    ["retry_policy.maximum_event_age_in_seconds", { least: 60, most: 86_400 }, model("PutTargets")],
  ]),
  ...rows("aws_dynamodb_table", "DynamoDB", [
    ["name", { least: 3, most: 255, pattern: NAME }, DYNAMODB],
    ["attribute.name", { least: 1, most: 255, unit: "bytes" }, DYNAMODB],
    ["ttl.attribute_name", { least: 1, most: 255 }, model("UpdateTimeToLive")],
    ["global_secondary_index", { most: 20, unit: "items" }, DYNAMODB],
    ["global_secondary_index.name", { least: 3, most: 255, pattern: NAME }, model("CreateTable")],
    ["global_secondary_index.non_key_attributes", { most: 100, unit: "items" }, DYNAMODB],
  ]),
  ...rows("aws_cloudwatch_metric_alarm", "CloudWatch", [
    ["alarm_name", { least: 1, most: 255 }, model("PutMetricAlarm")],
    ["alarm_description", { most: 1_024 }, model("PutMetricAlarm")],
    ["alarm_actions", { most: 5, unit: "items" }, model("PutMetricAlarm")],
    ["ok_actions", { most: 5, unit: "items" }, model("PutMetricAlarm")],
    ["dimensions", { most: 30, unit: "items" }, model("PutMetricAlarm")],
    ["dimensions.*", { least: 1, most: 1_024 }, model("PutMetricAlarm")],
    ["metric_name", { least: 1, most: 255 }, model("PutMetricAlarm")],
    ["period", { least: 10, most: 86_400 }, ALARMS],
    ["evaluation_periods", { least: 1 }, model("PutMetricAlarm")],
  ]),
  ...rows("aws_cloudwatch_dashboard", "CloudWatch", [
    ["dashboard_name", { least: 1, most: 255, pattern: /[A-Za-z0-9_-]+/ }, ALARMS],
    ["dashboard_body.widgets", { most: 500, unit: "items" }, ALARMS],
    ["dashboard_body.widgets.properties.metrics", { most: 500, unit: "items" }, ALARMS],
  ]),
  ...rows("aws_cloudwatch_log_group", "CloudWatch Logs", [
    ["name", { least: 1, most: 512, pattern: /[.\-_/#A-Za-z0-9]+/ }, model("CreateLogGroup")],
  ]),
  ...rows("aws_s3_bucket", "S3", [
    ["bucket", { least: 3, most: 63, pattern: /[a-z0-9]([a-z0-9.-]*[a-z0-9])?/ }, S3_NAMES],
  ]),
  ...rows("aws_s3_bucket_policy", "S3", [["policy", { most: 20_480, unit: "bytes" }, S3_POLICY]]),
  ...rows("aws_s3_object", "S3", [["key", { least: 1, most: 1_024, unit: "bytes" }, S3_KEYS]]),
  ...rows("aws_s3_bucket_lifecycle_configuration", "S3", [
    ["rule", { most: 1_000, unit: "items" }, S3_LIFECYCLE],
    ["rule.id", { most: 255 }, model("PutBucketLifecycleConfiguration")],
  ]),
  ...rows("aws_sns_topic", "SNS", [["name", { least: 1, most: 256, pattern: /[A-Za-z0-9_-]+/ }, SNS]]),
  ...rows("aws_sns_topic_policy", "SNS", [["policy", { most: 30_720, unit: "bytes" }, SNS]]),
  ...rows("aws_kms_key", "KMS", [
    ["description", { most: 8_192 }, model("CreateKey")],
    ["policy", { most: 32_768, unit: "bytes", pattern: LATIN }, KMS],
    ["deletion_window_in_days", { least: 7, most: 30 }, `${DOCS}/kms/latest/APIReference/API_ScheduleKeyDeletion.html`],
  ]),
  ...rows("aws_kms_alias", "KMS", [
    ["name", { least: 1, most: 256, pattern: /alias\/(?!aws\/)[a-zA-Z0-9/_-]+/ }, model("CreateAlias")],
  ]),
  ...rows("aws_sfn_state_machine", "Step Functions", [
    ["name", { least: 1, most: 80, pattern: /[A-Za-z0-9_-]+/ }, model("CreateStateMachine")],
    ["definition", { least: 1, most: 1_048_576 }, model("CreateStateMachine")],
    ["logging_configuration.log_destination", { most: 256 }, model("CreateStateMachine")],
  ]),
  ...rows("aws_api_gateway_rest_api", "API Gateway", [
    ["name", { least: 1, most: 1_024 }, API_GATEWAY],
    ["description", { most: 1_024 }, API_GATEWAY],
    ["binary_media_types", { most: 25, unit: "items" }, API_GATEWAY],
    ["policy", { most: 8_192, unit: "bytes" }, API_GATEWAY],
  ]),
  ...rows("aws_api_gateway_resource", "API Gateway", [
    // A name, or a parameter that may take the rest of the path.
    ["path_part", { least: 1, pattern: /[\w.:-]+|\{[\w.-]+\+?\}/ }, API_RESOURCES],
  ]),
  ...rows("aws_api_gateway_integration", "API Gateway", [
    ["timeout_milliseconds", { least: 50, most: 29_000 }, API_GATEWAY],
    ["request_templates.*", { most: 307_200, unit: "bytes" }, API_GATEWAY],
  ]),
  ...rows("aws_api_gateway_integration_response", "API Gateway", [
    ["response_templates.*", { most: 307_200, unit: "bytes" }, API_GATEWAY],
  ]),
  ...rows("aws_api_gateway_gateway_response", "API Gateway", [
    ["response_templates.*", { most: 307_200, unit: "bytes" }, API_GATEWAY],
  ]),
  ...rows("aws_api_gateway_stage", "API Gateway", [
    ["stage_name", { least: 1, most: 128, pattern: /[A-Za-z0-9_-]+/ }, API_GATEWAY],
    ["access_log_settings.format", { most: 3_072, unit: "bytes" }, API_GATEWAY],
  ]),
  ...rows("aws_glue_catalog_database", "Athena", [
    ["name", { least: 1, most: 255, pattern: /[a-z0-9_]+/ }, GLUE],
    ["description", { most: 2_048 }, model("CreateDatabase")],
  ]),
  ...rows("aws_glue_catalog_table", "Athena", [
    ["name", { least: 1, most: 255, pattern: /[a-z0-9_]+/ }, GLUE],
    ["description", { most: 2_048 }, model("CreateTable")],
    ["storage_descriptor.location", { most: 2_056 }, model("CreateTable")],
    ["storage_descriptor.columns.name", { least: 1, most: 255 }, model("CreateTable")],
    ["partition_keys.name", { least: 1, most: 255 }, model("CreateTable")],
    ["storage_descriptor.columns.comment", { most: 255 }, model("CreateTable")],
    ["storage_descriptor.columns.type", { most: 131_072 }, model("CreateTable")],
    ["parameters.*", { most: 512_000 }, model("CreateTable")],
  ]),
  ...rows("aws_cloudfront_distribution", "CloudFront", [
    ["default_root_object", { most: 255 }, `${DOCS}/cloudfront/latest/APIReference/API_DistributionConfig.html`],
    ["comment", { most: 128 }, CLOUDFRONT],
    ["aliases", { most: 100, unit: "items" }, CLOUDFRONT],
    ["aliases", { most: 253, pattern: DOMAIN }, "https://www.rfc-editor.org/rfc/rfc1035#section-2.3.4"],
  ]),
  ...rows("aws_cloudfront_origin_access_control", "CloudFront", [
    ["name", { least: 1, most: 64 }, `${DOCS}/cloudfront/latest/APIReference/API_OriginAccessControlConfig.html`],
    ["description", { most: 256 }, `${DOCS}/cloudfront/latest/APIReference/API_OriginAccessControlConfig.html`],
  ]),
  ...rows("aws_cloudfront_response_headers_policy", "CloudFront", [
    ["name", { least: 1, most: 128 }, CLOUDFRONT],
    ["comment", { most: 128 }, CLOUDFRONT],
  ]),
];

const textOf = (value: unknown) => (typeof value === "string" ? value : "");
const one = () => 1;

/** A statement as Lambda adds it to the function's policy. */
const permissionBytes = (values: Resource["values"]) =>
  JSON.stringify({
    Sid: values["statement_id"],
    Effect: "Allow",
    Principal: { Service: values["principal"] },
    Action: values["action"],
    Resource: `arn:aws-us-gov:lambda:us-gov-west-1:123456789012:function:${textOf(values["function_name"])}`,
    Condition: { ArnLike: { "AWS:SourceArn": values["source_arn"] } },
  }).length;

/** The lines of all graphs. */
const graphedMetrics = ({ dashboard_body: body }: Resource["values"]) => textOf(body).match(/"stat":/g)?.length ?? 0;

/** As Step Functions receives it: JSON within JSON. */
const definitionBytes = ({ definition }: Resource["values"]) => Buffer.byteLength(JSON.stringify(textOf(definition)));

const indexSchema = z.looseObject({ non_key_attributes: z.array(z.unknown()).default([]) });

const projectedAttributes = ({ global_secondary_index: indexes }: Resource["values"]) =>
  [indexes ?? []].flat().flatMap((index) => indexSchema.parse(index).non_key_attributes).length;

/** Seconds over which an alarm looks back. */
const evaluationSeconds = ({ period, evaluation_periods: periods }: Resource["values"]) =>
  Number(period) * Number(periods);

export const SUM_LIMITS: readonly SumLimit[] = [
  {
    type: "aws_iam_role_policy",
    by: "role",
    size: ({ policy }) => textOf(policy).replace(/\s/g, "").length,
    unit: "characters in the policies of the role",
    most: 10_240,
    service: "IAM",
    source: IAM,
  },
  {
    type: "aws_lambda_permission",
    by: "function_name",
    size: permissionBytes,
    unit: "bytes in the resource policy of the function",
    most: 20_480,
    service: "Lambda",
    source: LAMBDA,
  },
  {
    type: "aws_cloudwatch_event_target",
    by: "rule",
    size: one,
    unit: "targets of the rule",
    most: 5,
    service: "EventBridge",
    source: EVENTS,
  },
  {
    type: "aws_cloudwatch_event_rule",
    size: one,
    unit: "rules",
    most: 300,
    adjustable: true,
    service: "EventBridge",
    source: EVENTS,
  },
  {
    type: "aws_cloudwatch_dashboard",
    by: "dashboard_name",
    size: graphedMetrics,
    unit: "metrics in all graphs of the dashboard",
    most: 2_500,
    service: "CloudWatch",
    source: ALARMS,
  },
  {
    type: "aws_sfn_state_machine",
    by: "name",
    size: definitionBytes,
    unit: "bytes in the request that creates the machine",
    // The request has its role, name and logging, too.
    most: 1_048_576 - 8_192,
    service: "Step Functions",
    source: `${DOCS}/step-functions/latest/dg/service-quotas.html`,
  },
  {
    type: "aws_cloudwatch_metric_alarm",
    by: "alarm_name",
    size: evaluationSeconds,
    unit: "seconds that the alarm looks back",
    most: 86_400,
    service: "CloudWatch",
    source: ALARMS,
  },
  {
    type: "aws_api_gateway_resource",
    by: "rest_api_id",
    size: one,
    unit: "resources of an API",
    most: 300,
    adjustable: true,
    service: "API Gateway",
    source: API_GATEWAY,
  },
  {
    type: "aws_api_gateway_rest_api",
    size: one,
    unit: "regional APIs",
    most: 600,
    adjustable: true,
    service: "API Gateway",
    source: `${DOCS}/apigateway/latest/developerguide/limits.html`,
  },
  {
    type: "aws_api_gateway_stage",
    by: "rest_api_id",
    size: one,
    unit: "stages of an API",
    most: 10,
    adjustable: true,
    service: "API Gateway",
    source: API_GATEWAY,
  },
  {
    type: "aws_dynamodb_table",
    by: "name",
    size: projectedAttributes,
    unit: "attributes in the projections of all indexes of the table",
    most: 100,
    service: "DynamoDB",
    source: DYNAMODB,
  },
  { type: "aws_iam_role", size: one, unit: "roles", most: 1_000, adjustable: true, service: "IAM", source: IAM },
  {
    type: "aws_dynamodb_table",
    size: one,
    unit: "tables",
    most: 2_500,
    adjustable: true,
    service: "DynamoDB",
    source: DYNAMODB,
  },
  {
    type: "aws_cloudwatch_metric_alarm",
    size: one,
    unit: "alarms",
    most: 5_000,
    adjustable: true,
    service: "CloudWatch",
    source: ALARMS,
  },
  {
    type: "aws_lambda_event_source_mapping",
    by: "event_source_arn",
    size: one,
    unit: "mappings of one source",
    most: 5,
    service: "Lambda",
    source: LAMBDA,
  },
];
