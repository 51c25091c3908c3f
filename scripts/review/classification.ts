/**
 * What a change of each attribute means, for every attribute of the AWS provider's schema of the resource types that Almanac uses.
 * test/modules/classification.test.ts compares the table with the schema. An attribute outside it is reported as unclassified.
 */
import {
  either,
  withAny,
  withCaller,
  withMeasured,
  withMethod,
  withRoute,
  withTarget,
  withTargets,
  withUsers,
  type GoesWith,
} from "./companions";
import { UNKNOWN } from "./values";
import { fieldsOf, type Fields } from "../shared/fields";

/** data: it is lost, or kept for a shorter time. exposure: more principals can read or change it, or a failure goes unnoticed. identity: a resource has a new address. */
export type Verdict = "data" | "exposure" | "identity";

/** Refused unless the address is allowed; or only reported. */
type Severity = "refuse" | "warn";

export interface Removal {
  readonly verdict: Verdict;
  readonly severity: Severity;
  /** Completes "<address> ...". */
  readonly what: string;
}

export interface TypeClass {
  /** When it is destroyed. Types whose data is lost are in HOLDS (report.ts). */
  readonly destroyed?: Removal;
  /** Its own destruction is no finding when what it serves is destroyed too. @default it is one in any case */
  readonly goesWith?: GoesWith;
  /** When it is replaced. @default nothing: its attributes are judged */
  readonly replaced?: Removal;
  /** When its policy no longer allows something. @default refused: what needs it fails */
  readonly revoked?: Removal;
  /** Attributes by class, separated by spaces. A change of one is reported, unless a rule of {@link RULES} says when. */
  readonly exposure?: string;
  readonly durability?: string;
  /** What others know it by. */
  readonly identity?: string;
  /** The resource that it belongs to or uses. */
  readonly address?: string;
  /** Changes are in the report's list of values, without a verdict unless a rule of {@link RULES} has one. Policies are in its permissions. */
  readonly settings?: string;
}

const identity = (what: string, severity: Severity = "refuse"): Removal => ({ verdict: "identity", severity, what });
const exposure = (what: string, severity: Severity = "refuse"): Removal => ({ verdict: "exposure", severity, what });
const data = (what: string, severity: Severity = "refuse"): Removal => ({ verdict: "data", severity, what });

const NO_LONGER_ALLOWED = data("no longer allows its role this: what needs it fails", "warn");

export const TYPES: Readonly<Record<string, TypeClass>> = {
  aws_api_gateway_account: {
    destroyed: exposure("no longer lets API Gateway write access logs", "warn"),
    exposure: "cloudwatch_role_arn",
    settings: "reset_on_delete",
  },
  aws_api_gateway_deployment: {
    address: "rest_api_id",
    settings: "description stage_description stage_name triggers variables canary_settings",
  },
  aws_api_gateway_gateway_response: {
    destroyed: identity("no longer changes the errors that API Gateway returns", "warn"),
    goesWith: withAny(["aws_api_gateway_rest_api", "rest_api_id"]),
    address: "rest_api_id",
    identity: "response_type",
    settings: "response_parameters response_templates status_code",
  },
  aws_api_gateway_integration: {
    destroyed: identity("no longer invokes the function of its route: callers get errors"),
    goesWith: withMethod,
    exposure: "tls_config credentials",
    durability: "type",
    identity: "http_method",
    address: "rest_api_id resource_id uri connection_id",
    settings:
      "cache_key_parameters cache_namespace connection_type content_handling integration_http_method passthrough_behavior request_parameters request_templates timeout_milliseconds",
  },
  aws_api_gateway_integration_response: {
    destroyed: identity("no longer answers for its route"),
    goesWith: withMethod,
    identity: "http_method status_code",
    address: "rest_api_id resource_id",
    settings: "content_handling response_parameters response_templates selection_pattern",
  },
  aws_api_gateway_method: {
    // The stage still has it after the apply: scripts/terraform/removed-routes.ts.
    destroyed: identity(
      "is a route that no longer exists. Deploy with npx almanac deploy, or after cdktf deploy run terraform apply -replace=<its API's deployment>: until then its stage serves the route",
      "warn",
    ),
    goesWith: withAny(["aws_api_gateway_rest_api", "rest_api_id"]),
    exposure: "authorization authorization_scopes authorizer_id api_key_required request_validator_id",
    identity: "http_method",
    address: "rest_api_id resource_id",
    settings: "operation_name request_models request_parameters",
  },
  aws_api_gateway_method_response: {
    destroyed: identity("no longer answers for its route"),
    goesWith: withMethod,
    identity: "http_method status_code",
    address: "rest_api_id resource_id",
    settings: "response_models response_parameters",
  },
  aws_api_gateway_method_settings: {
    destroyed: exposure("no longer limits requests"),
    goesWith: withRoute,
    exposure: "settings",
    identity: "method_path",
    address: "rest_api_id stage_name",
  },
  aws_api_gateway_resource: {
    destroyed: identity("is a path that no longer exists", "warn"),
    goesWith: withAny(["aws_api_gateway_rest_api", "rest_api_id"]),
    identity: "path_part",
    address: "rest_api_id parent_id",
  },
  aws_api_gateway_rest_api: {
    destroyed: identity("no longer exists: its clients get errors"),
    replaced: identity("gets another URL: its clients and their permissions have the old one"),
    exposure: "api_key_source endpoint_configuration body put_rest_api_mode parameters fail_on_warnings",
    identity: "disable_execute_api_endpoint",
    settings: "name binary_media_types description minimum_compression_size policy tags",
  },
  aws_api_gateway_stage: {
    destroyed: identity("no longer exists: its clients get errors"),
    goesWith: withAny(["aws_api_gateway_rest_api", "rest_api_id"]),
    replaced: identity("is not there for a while: its clients get errors", "warn"),
    exposure: "access_log_settings canary_settings client_certificate_id",
    identity: "stage_name",
    address: "rest_api_id",
    settings:
      "cache_cluster_enabled cache_cluster_size deployment_id description documentation_version tags variables xray_tracing_enabled",
  },
  aws_cloudfront_distribution: {
    destroyed: identity("no longer exists: its domain leads nowhere"),
    replaced: identity("gets another domain"),
    exposure:
      "default_cache_behavior ordered_cache_behavior origin origin_group restrictions viewer_certificate web_acl_id logging_config",
    identity: "aliases default_root_object enabled staging continuous_deployment_policy_id",
    settings:
      "comment http_version is_ipv6_enabled price_class retain_on_delete tags wait_for_deployment custom_error_response",
  },
  aws_cloudfront_origin_access_control: {
    destroyed: exposure("no longer signs CloudFront's requests"),
    goesWith: withUsers("aws_cloudfront_distribution", "id"),
    exposure: "origin_access_control_origin_type signing_behavior signing_protocol",
    settings: "description name",
  },
  aws_cloudfront_response_headers_policy: {
    destroyed: exposure("no longer sends security headers"),
    goesWith: withUsers("aws_cloudfront_distribution", "id"),
    exposure: "cors_config custom_headers_config remove_headers_config security_headers_config",
    settings: "comment etag name server_timing_headers_config",
  },
  aws_cloudwatch_dashboard: { settings: "dashboard_body dashboard_name" },
  aws_cloudwatch_event_rule: {
    destroyed: data("no longer starts anything", "warn"),
    goesWith: withTargets,
    durability: "state is_enabled schedule_expression event_pattern",
    address: "event_bus_name",
    settings: "description force_destroy name name_prefix role_arn tags",
  },
  aws_cloudwatch_event_target: {
    destroyed: data("no longer receives events", "warn"),
    goesWith: either(withTarget, withAny(["aws_cloudwatch_event_rule", "rule"])),
    durability: "dead_letter_config retry_policy",
    address: "arn event_bus_name rule role_arn",
    settings:
      "force_destroy input input_path target_id input_transformer appsync_target batch_target ecs_target http_target kinesis_target redshift_target run_command_targets sagemaker_pipeline_target sqs_target",
  },
  aws_cloudwatch_log_group: {
    exposure: "kms_key_id",
    durability: "retention_in_days skip_destroy",
    identity: "name name_prefix",
    settings: "log_group_class tags",
  },
  aws_cloudwatch_metric_alarm: {
    destroyed: exposure("no longer alarms"),
    goesWith: withMeasured,
    replaced: exposure("does not alarm while it is replaced", "warn"),
    exposure:
      "actions_enabled alarm_actions ok_actions insufficient_data_actions comparison_operator datapoints_to_alarm dimensions evaluation_periods extended_statistic metric_name metric_query namespace period statistic threshold threshold_metric_id treat_missing_data unit evaluate_low_sample_count_percentiles",
    settings: "alarm_description alarm_name tags",
  },
  aws_dynamodb_table: {
    exposure: "server_side_encryption replica",
    durability:
      "deletion_protection_enabled point_in_time_recovery ttl stream_enabled stream_view_type restore_date_time restore_source_name restore_source_table_arn restore_to_latest_time import_table",
    identity: "hash_key range_key name global_secondary_index",
    settings:
      "billing_mode read_capacity write_capacity table_class tags attribute local_secondary_index on_demand_throughput",
  },
  aws_glue_catalog_database: {
    destroyed: identity("no longer exists: queries of its tables fail", "warn"),
    identity: "name",
    address: "catalog_id location_uri target_database federated_database",
    exposure: "create_table_default_permission",
    settings: "description parameters tags",
  },
  aws_glue_catalog_table: {
    destroyed: identity("no longer exists: queries of it fail", "warn"),
    goesWith: withAny(["aws_glue_catalog_database", "database_name"]),
    identity: "name",
    address: "catalog_id database_name parameters storage_descriptor target_table",
    settings:
      "description owner retention table_type view_expanded_text view_original_text open_table_format_input partition_index partition_keys",
  },
  aws_iam_role: {
    revoked: identity("can no longer be assumed by a principal: what uses it fails"),
    replaced: identity("gets another unique id: policies of others that name it no longer match", "warn"),
    exposure: "inline_policy managed_policy_arns permissions_boundary max_session_duration",
    identity: "name name_prefix path",
    settings: "assume_role_policy description force_detach_policies tags",
  },
  aws_iam_role_policy: { revoked: NO_LONGER_ALLOWED, address: "role", settings: "name name_prefix policy" },
  aws_iam_role_policy_attachment: { revoked: NO_LONGER_ALLOWED, exposure: "policy_arn", address: "role" },
  aws_kms_alias: {
    destroyed: identity("no longer names its key", "warn"),
    goesWith: withAny(["aws_kms_key", "target_key_id"]),
    identity: "name name_prefix",
    address: "target_key_id",
  },
  aws_kms_key: {
    revoked: data("can no longer be used by a principal: what is encrypted with it cannot be read"),
    exposure: "enable_key_rotation rotation_period_in_days bypass_policy_lockout_safety_check",
    durability: "is_enabled deletion_window_in_days",
    identity: "customer_master_key_spec custom_key_store_id key_usage multi_region xks_key_id",
    settings: "description policy tags",
  },
  aws_lambda_event_source_mapping: {
    destroyed: data("no longer reads its source: a stream's records expire after 24 hours"),
    goesWith: withAny(["aws_sqs_queue", "event_source_arn"], ["aws_dynamodb_table", "event_source_arn"]),
    replaced: data("starts at another position of its source", "warn"),
    exposure: "kms_key_arn source_access_configuration",
    durability:
      "enabled destination_config maximum_retry_attempts maximum_record_age_in_seconds filter_criteria function_response_types starting_position starting_position_timestamp",
    address: "event_source_arn function_name queues topics self_managed_event_source",
    settings:
      "batch_size bisect_batch_on_function_error maximum_batching_window_in_seconds parallelization_factor tags tumbling_window_in_seconds amazon_managed_kafka_event_source_config document_db_event_source_config metrics_config provisioned_poller_config scaling_config self_managed_kafka_event_source_config",
  },
  aws_lambda_function: {
    destroyed: identity("no longer exists: invocations fail", "warn"),
    replaced: identity("is not there for a while: invocations fail", "warn"),
    exposure:
      "code_signing_config_arn kms_key_arn vpc_config file_system_config replace_security_groups_on_destroy replacement_security_group_ids",
    durability: "dead_letter_config reserved_concurrent_executions",
    identity: "function_name package_type",
    address: "role",
    settings:
      "architectures description filename handler image_uri layers memory_size publish runtime s3_bucket s3_key s3_object_version skip_destroy source_code_hash tags timeout environment ephemeral_storage image_config logging_config snap_start tracing_config",
  },
  aws_lambda_function_event_invoke_config: {
    destroyed: data("no longer keeps failed events in a dead-letter queue"),
    goesWith: withAny(["aws_lambda_function", "function_name"]),
    durability: "destination_config maximum_event_age_in_seconds maximum_retry_attempts",
    address: "function_name qualifier",
  },
  aws_lambda_permission: {
    destroyed: data("no longer lets its caller invoke the function"),
    goesWith: withCaller,
    exposure: "principal source_arn source_account principal_org_id function_url_auth_type event_source_token action",
    address: "function_name qualifier",
    settings: "statement_id statement_id_prefix",
  },
  aws_s3_bucket: {
    exposure: "acl cors_rule grant server_side_encryption_configuration website logging",
    durability:
      "force_destroy lifecycle_rule object_lock_configuration object_lock_enabled replication_configuration versioning",
    identity: "bucket bucket_prefix",
    settings: "acceleration_status policy request_payer tags",
  },
  aws_s3_bucket_lifecycle_configuration: {
    durability: "rule",
    address: "bucket expected_bucket_owner",
    settings: "transition_default_minimum_object_size",
  },
  aws_s3_bucket_ownership_controls: {
    destroyed: exposure("lets access control lists apply again"),
    goesWith: withAny(["aws_s3_bucket", "bucket"]),
    exposure: "rule",
    address: "bucket",
  },
  aws_s3_bucket_policy: {
    destroyed: exposure("no longer refuses plain HTTP"),
    goesWith: withAny(["aws_s3_bucket", "bucket"]),
    address: "bucket",
    settings: "policy",
  },
  aws_s3_bucket_public_access_block: {
    destroyed: exposure("no longer refuses public access"),
    goesWith: withAny(["aws_s3_bucket", "bucket"]),
    exposure: "block_public_acls block_public_policy ignore_public_acls restrict_public_buckets",
    address: "bucket",
  },
  aws_s3_bucket_server_side_encryption_configuration: {
    destroyed: exposure("no longer encrypts with the configured key"),
    goesWith: withAny(["aws_s3_bucket", "bucket"]),
    exposure: "rule",
    address: "bucket expected_bucket_owner",
  },
  aws_s3_bucket_versioning: {
    destroyed: data("no longer keeps overwritten or deleted versions"),
    goesWith: withAny(["aws_s3_bucket", "bucket"]),
    durability: "mfa versioning_configuration",
    address: "bucket expected_bucket_owner",
  },
  aws_s3_object: {
    destroyed: data("is deleted", "warn"),
    goesWith: either(withAny(["aws_s3_bucket", "bucket"]), withUsers("aws_lambda_function", "key")),
    exposure: "acl server_side_encryption kms_key_id bucket_key_enabled website_redirect",
    durability:
      "force_destroy object_lock_legal_hold_status object_lock_mode object_lock_retain_until_date storage_class",
    identity: "key",
    address: "bucket",
    settings:
      "cache_control checksum_algorithm content content_base64 content_disposition content_encoding content_language content_type etag metadata source source_hash tags override_provider",
  },
  aws_sfn_state_machine: {
    destroyed: identity("no longer exists: its executions end, and their histories are lost"),
    replaced: identity("is another machine: its executions end, and their histories are lost"),
    exposure: "encryption_configuration logging_configuration",
    identity: "name name_prefix type",
    address: "role_arn",
    settings: "definition publish tags tracing_configuration",
  },
  aws_sns_topic: {
    destroyed: identity("no longer exists: no notification is sent"),
    replaced: identity("is another topic: subscribers must confirm again"),
    exposure: "kms_master_key_id signature_version",
    durability: "archive_policy delivery_policy",
    identity: "name name_prefix fifo_topic fifo_throughput_scope content_based_deduplication",
    settings:
      "policy display_name tags tracing_config application_failure_feedback_role_arn application_success_feedback_role_arn application_success_feedback_sample_rate firehose_failure_feedback_role_arn firehose_success_feedback_role_arn firehose_success_feedback_sample_rate http_failure_feedback_role_arn http_success_feedback_role_arn http_success_feedback_sample_rate lambda_failure_feedback_role_arn lambda_success_feedback_role_arn lambda_success_feedback_sample_rate sqs_failure_feedback_role_arn sqs_success_feedback_role_arn sqs_success_feedback_sample_rate",
  },
  aws_sns_topic_policy: {
    revoked: exposure("no longer accepts notifications of a sender"),
    destroyed: exposure("no longer refuses plain HTTP"),
    goesWith: withAny(["aws_sns_topic", "arn"]),
    address: "arn",
    settings: "policy",
  },
  aws_sns_topic_subscription: {
    destroyed: exposure("no longer receives alarms"),
    goesWith: withAny(["aws_sns_topic", "topic_arn"]),
    replaced: identity("must be confirmed again, and receives nothing until then"),
    exposure: "filter_policy filter_policy_scope",
    durability: "redrive_policy replay_policy delivery_policy",
    identity: "endpoint protocol",
    address: "topic_arn subscription_role_arn",
    settings: "confirmation_timeout_in_minutes endpoint_auto_confirms raw_message_delivery",
  },
  aws_sqs_queue: {
    revoked: data("no longer accepts messages of a sender: they are lost"),
    exposure: "kms_master_key_id sqs_managed_sse_enabled kms_data_key_reuse_period_seconds redrive_allow_policy",
    durability: "message_retention_seconds redrive_policy max_message_size",
    identity: "name name_prefix fifo_queue content_based_deduplication deduplication_scope fifo_throughput_limit",
    settings: "delay_seconds policy receive_wait_time_seconds tags visibility_timeout_seconds",
  },
  terraform_data: { settings: "input output triggers_replace" },
};

/** Of every type: set by the provider, or of Terraform itself. */
export const NOT_CLASSIFIED: ReadonlySet<string> = new Set(["id", "tags_all", "timeouts"]);

export interface Rule {
  readonly type: string;
  /** The whole path: `ttl.0.enabled`. */
  readonly path: RegExp;
  readonly verdict: Verdict;
  /** @default "refuse" */
  readonly severity?: Severity;
  /** Completes "<address> ...". */
  readonly what: string;
  /** Whether this change is one. Undefined: absent; when the resource is created, before is. The resource as it will be, and as it was. */
  readonly if: (before: unknown, after: unknown, created: boolean, resource: Fields, former: Fields) => boolean;
  /** True: also when the value is known after the apply only. @default such values follow a resource that is reported itself */
  readonly orUnknown?: boolean;
}

const lower = (before: unknown, after: unknown) => Number(after ?? 0) < Number(before ?? 0);
const turnedOff = (before: unknown, after: unknown) => before === true && after !== true;
const turnedOn = (before: unknown, after: unknown) => before !== true && after === true;
const gone = (before: unknown, after: unknown) => before !== undefined && after === undefined;
const another = (before: unknown, after: unknown, created: boolean) =>
  !created && before !== undefined && after !== undefined;
/** `authenticated-read` is everybody with any AWS account. */
const isPublicAcl = (_: unknown, after: unknown) => /^(public|authenticated)-/.test(String(after));
const isNot = (value: unknown) => (_: unknown, after: unknown) => after !== value;
const lowered = (before: unknown, after: unknown, created: boolean) =>
  !created && before !== undefined && after !== undefined && lower(before, after);
/** @param unset what AWS or the provider takes when there is none */
const loweredOr = (unset: number) => (before: unknown, after: unknown, created: boolean) =>
  !created && Number(after ?? unset) < Number(before ?? unset);
const changed = (before: unknown, _: unknown, created: boolean) =>
  !created && before !== undefined && before !== "" && before !== false;
const isOlder = (version = "", other = "") => version.localeCompare(other, "en", { numeric: true }) < 0;
const isSet = (value: unknown) => value !== undefined && value !== "";

/** The items of a list or block by their names. */
const namedOf = (blocks: unknown): ReadonlyMap<unknown, Fields> =>
  new Map([blocks].flat().map((block) => [fieldsOf(block)["name"], fieldsOf(block)]));

/** Whether an index has other keys or other attributes than that of the same name: DynamoDB deletes it and builds it anew. */
function hasIndexRebuilt(table: Fields, former: Fields): boolean {
  const built = (index: Fields) =>
    JSON.stringify(["hash_key", "range_key", "projection_type"].map((key) => index[key] ?? "")) +
    JSON.stringify([index["non_key_attributes"] ?? []].flat().toSorted());
  const indexes = namedOf(table["global_secondary_index"]);
  return [...namedOf(former["global_secondary_index"])].some(([name, was]) => {
    const is = indexes.get(name);
    return is !== undefined && built(is) !== built(was);
  });
}

const isEmptyEnvironment = ({ environment }: Fields) =>
  [environment].flat().every((each) => each !== UNKNOWN && isNothing(fieldsOf(each)["variables"]));
const isNothing = (variables: unknown) =>
  variables !== UNKNOWN && Object.values(fieldsOf(variables)).every((value) => !isSet(value));
const hasSameCode = (resource: Fields, former: Fields) =>
  ["source_code_hash", "s3_key", "filename", "image_uri"].every((key) => resource[key] === former[key]);

/** When a change of an attribute is one for the worse. Attributes that no rule names are reported at any change. */
export const RULES: readonly Rule[] = [
  // S3
  {
    type: "aws_s3_bucket",
    path: /^force_destroy$/,
    verdict: "data",
    severity: "warn",
    what: "can be deleted with all its objects",
    if: (before, after, created) => !created && turnedOn(before, after),
  },
  {
    type: "aws_s3_bucket_public_access_block",
    path: /^(block|ignore|restrict)_\w+$/,
    verdict: "exposure",
    what: "no longer refuses all public access",
    if: isNot(true),
    orUnknown: true,
  },
  {
    type: "aws_s3_bucket_ownership_controls",
    path: /^rule\.\d+\.object_ownership$/,
    verdict: "exposure",
    what: "lets access control lists apply again",
    if: isNot("BucketOwnerEnforced"),
    orUnknown: true,
  },
  {
    type: "aws_s3_bucket_versioning",
    path: /^versioning_configuration\.\d+\.status$/,
    verdict: "data",
    what: "no longer keeps overwritten or deleted versions",
    if: isNot("Enabled"),
    orUnknown: true,
  },
  {
    type: "aws_s3_bucket_server_side_encryption_configuration",
    path: /^rule\.\d+\./,
    verdict: "exposure",
    what: "encrypts with another key",
    if: (before, after, created) =>
      !created && !(before === "AES256" && after === "aws:kms") && !(before === undefined && after !== undefined),
  },
  {
    type: "aws_s3_bucket_lifecycle_configuration",
    path: /^rule\.\d+\.(noncurrent_version_)?expiration\.\d+\.(days|noncurrent_days|date|expired_object_delete_marker)$/,
    verdict: "data",
    what: "deletes objects, or deletes them earlier",
    if: (before, after) =>
      after !== undefined &&
      after !== 0 &&
      after !== false &&
      after !== "" &&
      (before === undefined || before === 0 || before === "" || typeof after !== "number" || lower(before, after)),
  },
  {
    type: "aws_s3_bucket_lifecycle_configuration",
    path: /^rule\.\d+\.(noncurrent_version_)?expiration\.\d+\.(days|noncurrent_days)$/,
    verdict: "exposure",
    severity: "warn",
    what: "keeps objects that would be deleted",
    if: (before, after) => before !== undefined && before !== 0 && !(Number(after ?? 0) > 0),
  },
  {
    type: "aws_s3_bucket_lifecycle_configuration",
    path: /^rule\.\d+\.noncurrent_version_expiration\.\d+\.newer_noncurrent_versions$/,
    verdict: "data",
    what: "keeps fewer older versions",
    // Fewer, or none: all of them are deleted when they are old enough.
    if: (before, after, created) => !created && before !== undefined && lower(before, after),
  },
  {
    type: "aws_s3_bucket_lifecycle_configuration",
    path: /^rule\.\d+\.(filter|prefix)/,
    verdict: "data",
    what: "applies its rules to other objects",
    if: (_, __, created) => !created,
  },
  {
    type: "aws_s3_bucket_lifecycle_configuration",
    path: /^rule\.\d+\.status$/,
    verdict: "exposure",
    severity: "warn",
    what: "keeps objects that would be deleted",
    if: (before, after, created) => !created && before === "Enabled" && after !== "Enabled",
  },
  {
    type: "aws_s3_bucket_lifecycle_configuration",
    path: /^rule\.\d+\.status$/,
    verdict: "data",
    what: "enables a rule",
    if: (before, after, created) => !created && after === "Enabled" && before !== undefined,
  },
  {
    type: "aws_s3_bucket_lifecycle_configuration",
    path: /^rule\.\d+\.(noncurrent_version_)?transition\.\d+\.storage_class$/,
    verdict: "data",
    severity: "warn",
    what: "moves objects to another storage class, from which some cannot be read at once",
    if: (_, after) => after !== undefined,
  },
  {
    type: "aws_s3_bucket_lifecycle_configuration",
    path: /^rule\.\d+\.(id|abort_incomplete_multipart_upload|transition|noncurrent_version_transition|noncurrent_version_expiration|expiration)/,
    verdict: "data",
    what: "",
    if: () => false,
  },
  { type: "aws_s3_object", path: /^force_destroy$/, verdict: "data", what: "", if: () => false },
  {
    type: "aws_s3_object",
    path: /^storage_class$/,
    verdict: "data",
    what: "cannot be read until it is restored",
    if: (_, after) => after === "GLACIER" || after === "DEEP_ARCHIVE",
  },
  {
    type: "aws_s3_object",
    path: /^acl$/,
    verdict: "exposure",
    what: "can be read by everybody",
    if: isPublicAcl,
  },
  {
    type: "aws_s3_bucket",
    path: /^acl$/,
    verdict: "exposure",
    what: "can be read by everybody",
    if: isPublicAcl,
  },
  // DynamoDB
  {
    type: "aws_dynamodb_table",
    path: /^deletion_protection_enabled$/,
    verdict: "data",
    severity: "warn",
    what: "can be deleted",
    if: turnedOff,
  },
  {
    type: "aws_dynamodb_table",
    path: /^point_in_time_recovery\.\d+\.enabled$/,
    verdict: "data",
    what: "can no longer be restored to any second",
    if: turnedOff,
  },
  {
    type: "aws_dynamodb_table",
    path: /^point_in_time_recovery\.\d+\.recovery_period_in_days$/,
    verdict: "data",
    what: "can be restored for a shorter time",
    if: (before, after) => before !== undefined && after !== undefined && lower(before, after),
  },
  {
    type: "aws_dynamodb_table",
    path: /^ttl\.\d+\.enabled$/,
    verdict: "exposure",
    severity: "warn",
    what: "keeps items that would expire",
    if: turnedOff,
  },
  {
    type: "aws_dynamodb_table",
    path: /^ttl\.\d+\.enabled$/,
    verdict: "data",
    what: "deletes items that have expired",
    if: (before, after, created) => !created && turnedOn(before, after),
  },
  {
    type: "aws_dynamodb_table",
    path: /^ttl\.\d+\.attribute_name$/,
    verdict: "data",
    what: "deletes items by another attribute",
    if: (before, after, created) =>
      !created && before !== undefined && before !== "" && after !== undefined && after !== "",
  },
  {
    type: "aws_dynamodb_table",
    path: /^stream_enabled$/,
    verdict: "data",
    what: "no longer has a stream",
    if: turnedOff,
  },
  {
    type: "aws_dynamodb_table",
    path: /^stream_view_type$/,
    verdict: "data",
    what: "has another stream: records of the old one are not processed",
    if: (before, after, created) => !created && before !== undefined && before !== "" && after !== undefined,
  },
  {
    type: "aws_dynamodb_table",
    path: /^server_side_encryption\./,
    verdict: "exposure",
    what: "is encrypted with another key",
    if: (before, _, created) => !created && before !== undefined,
  },
  {
    type: "aws_dynamodb_table",
    path: /^global_secondary_index\.\d+\.name$/,
    verdict: "identity",
    severity: "warn",
    what: "no longer has an index: queries of it fail",
    if: (before, _, created, { global_secondary_index: indexes }) =>
      !created && before !== undefined && ![indexes].flat().some((each) => fieldsOf(each)["name"] === before),
  },
  {
    type: "aws_dynamodb_table",
    path: /^global_secondary_index\./,
    verdict: "identity",
    severity: "warn",
    what: "builds an index anew: queries of it fail until then",
    if: (_, __, created, resource, former) => !created && hasIndexRebuilt(resource, former),
  },
  {
    type: "aws_dynamodb_table",
    path: /^billing_mode$/,
    verdict: "data",
    what: "refuses requests beyond a fixed capacity",
    if: (before, after, created) => !created && before === "PAY_PER_REQUEST" && before !== after,
  },
  {
    type: "aws_dynamodb_table",
    path: /^(read|write)_capacity$/,
    verdict: "data",
    severity: "warn",
    what: "refuses requests beyond a lower capacity",
    if: (before, after, created, { billing_mode: billing }) =>
      billing !== "PAY_PER_REQUEST" && lowered(before, after, created),
  },
  {
    type: "aws_dynamodb_table",
    path: /^on_demand_throughput\.\d+\.max_/,
    verdict: "data",
    severity: "warn",
    what: "refuses requests beyond a lower capacity",
    // Unset and -1 are without a limit.
    if: (before, after, created) =>
      !created && Number(after ?? -1) >= 0 && (Number(before ?? -1) < 0 || lower(before, after)),
  },
  // KMS
  {
    type: "aws_kms_key",
    path: /^is_enabled$/,
    verdict: "data",
    what: "is disabled: nothing encrypted with it can be read",
    if: (before, after) => before !== false && after === false,
  },
  {
    type: "aws_kms_key",
    path: /^enable_key_rotation$/,
    verdict: "exposure",
    what: "is no longer rotated",
    if: turnedOff,
  },
  {
    type: "aws_kms_key",
    path: /^rotation_period_in_days$/,
    verdict: "exposure",
    severity: "warn",
    what: "is rotated less often",
    if: (before, after) => before !== undefined && after !== undefined && lower(after, before),
  },
  {
    type: "aws_kms_key",
    path: /^deletion_window_in_days$/,
    verdict: "data",
    severity: "warn",
    what: "can be restored for fewer days after a deletion",
    if: (before, after, created) => !created && lower(before, after),
  },
  {
    type: "aws_kms_key",
    path: /^bypass_policy_lockout_safety_check$/,
    verdict: "exposure",
    what: "may lock out its administrators",
    if: turnedOn,
  },
  // Logs
  {
    type: "aws_cloudwatch_log_group",
    path: /^retention_in_days$/,
    verdict: "data",
    what: "deletes its logs earlier",
    if: (before, after, created) =>
      !created && Number(after ?? 0) > 0 && (Number(before ?? 0) === 0 || lower(before, after)),
  },
  { type: "aws_cloudwatch_log_group", path: /^skip_destroy$/, verdict: "data", what: "", if: () => false },
  {
    type: "aws_cloudwatch_log_group",
    path: /^kms_key_id$/,
    verdict: "exposure",
    what: "is encrypted with another key",
    if: (before, _, created) => !created && before !== undefined && before !== "",
  },
  // SQS
  {
    type: "aws_sqs_queue",
    path: /^message_retention_seconds$/,
    verdict: "data",
    what: "deletes its messages earlier",
    if: (before, after, created) => !created && lower(before, after),
  },
  {
    type: "aws_sqs_queue",
    path: /^redrive_policy\.(deadLetterTargetArn|maxReceiveCount)$/,
    verdict: "data",
    what: "deletes messages that cannot be processed: it has no dead-letter queue",
    if: gone,
  },
  {
    type: "aws_sqs_queue",
    path: /^redrive_policy\.maxReceiveCount$/,
    verdict: "data",
    severity: "warn",
    what: "gives up on messages earlier",
    if: (before, after, created) => !created && lower(before, after),
  },
  {
    type: "aws_sqs_queue",
    path: /^redrive_policy\.deadLetterTargetArn$/,
    verdict: "data",
    severity: "warn",
    what: "sends what fails to another queue",
    if: another,
  },
  {
    type: "aws_sqs_queue",
    path: /^max_message_size$/,
    verdict: "data",
    severity: "warn",
    what: "refuses messages that it has accepted",
    if: (before, after, created) => !created && lower(before, after),
  },
  {
    type: "aws_sqs_queue",
    path: /^sqs_managed_sse_enabled$/,
    verdict: "exposure",
    what: "is no longer encrypted",
    if: turnedOff,
  },
  {
    type: "aws_sqs_queue",
    path: /^kms_master_key_id$/,
    verdict: "exposure",
    what: "is encrypted with another key",
    if: (before, _, created) => !created && before !== undefined && before !== "",
  },
  {
    type: "aws_sqs_queue",
    path: /^visibility_timeout_seconds$/,
    verdict: "data",
    severity: "warn",
    what: "delivers a message again while it is still being processed, if that takes longer",
    if: loweredOr(30),
  },
  // SNS
  {
    type: "aws_sns_topic",
    path: /^kms_master_key_id$/,
    verdict: "exposure",
    what: "is no longer encrypted with the same key",
    if: (before, after, created) =>
      (!created && before !== undefined && before !== "") || (created && after === undefined),
  },
  // Alarms
  {
    type: "aws_cloudwatch_metric_alarm",
    path: /^actions_enabled$/,
    verdict: "exposure",
    what: "no longer notifies anybody",
    if: (_, after) => after === false,
  },
  ...["alarm_actions", "ok_actions", "insufficient_data_actions"].map((attribute): Rule => ({
    type: "aws_cloudwatch_metric_alarm",
    path: new RegExp(`^${attribute}\\.\\d+$`),
    verdict: "exposure",
    what: "no longer notifies the same topic",
    // A new one may have moved it to another position.
    if: (before, _, __, resource) => before !== undefined && ![resource[attribute]].flat().includes(before),
  })),
  {
    type: "aws_cloudwatch_metric_alarm",
    path: /^(?!alarm_(description|name)|tags)\w+(\.|$)/,
    verdict: "exposure",
    severity: "warn",
    what: "alarms in other cases",
    if: (_, __, created) => !created,
  },
  // EventBridge
  {
    type: "aws_cloudwatch_event_rule",
    path: /^(is_enabled|state)$/,
    verdict: "data",
    what: "no longer starts anything",
    if: (_, after) => after === false || after === "DISABLED",
  },
  {
    type: "aws_cloudwatch_event_rule",
    path: /^(schedule_expression|event_pattern)/,
    verdict: "data",
    severity: "warn",
    what: "starts at other times, or for other events",
    if: (_, __, created) => !created,
  },
  {
    type: "aws_cloudwatch_event_target",
    path: /^dead_letter_config\.\d+\.arn$/,
    verdict: "data",
    what: "loses events that cannot be delivered",
    if: gone,
  },
  {
    type: "aws_cloudwatch_event_target",
    path: /^dead_letter_config\.\d+\.arn$/,
    verdict: "data",
    severity: "warn",
    what: "sends what fails to another queue",
    if: another,
  },
  {
    type: "aws_cloudwatch_event_target",
    path: /^retry_policy\.\d+\./,
    verdict: "data",
    severity: "warn",
    what: "is retried less",
    // The provider sends 0 for the other number of a block that stays.
    if: (before, after, created, { retry_policy: block }) =>
      lowered(before, after, created) ||
      (!created && isSet(before) && after === undefined && [block ?? []].flat().length > 0),
  },
  {
    type: "aws_cloudwatch_event_target",
    path: /^(input|input_path|input_transformer)(\.|$)/,
    verdict: "data",
    severity: "warn",
    what: "receives EventBridge's own event: its input is gone",
    if: (_, __, created, resource, former) => {
      const hasInput = (target: Fields) =>
        ["input", "input_path"].some((name) => isSet(target[name] ?? undefined)) ||
        [target["input_transformer"] ?? []].flat().some((each) => isSet(fieldsOf(each)["input_template"] ?? undefined));
      return !created && hasInput(former) && !hasInput(resource);
    },
  },
  // Lambda
  {
    type: "aws_lambda_function",
    path: /^timeout$/,
    verdict: "data",
    severity: "warn",
    what: "is ended earlier: what it has begun is not finished",
    if: loweredOr(3),
  },
  {
    type: "aws_lambda_function",
    path: /^memory_size$/,
    verdict: "data",
    severity: "warn",
    what: "has less memory or storage: it is slower, or fails",
    if: loweredOr(128),
  },
  {
    type: "aws_lambda_function",
    path: /^ephemeral_storage\.\d+\.size$/,
    verdict: "data",
    severity: "warn",
    what: "has less memory or storage: it is slower, or fails",
    if: loweredOr(512),
  },
  {
    type: "aws_lambda_function",
    path: /^runtime$/,
    verdict: "exposure",
    severity: "warn",
    what: "runs on an older runtime",
    if: (before, after, created) => {
      const [was, is] = [before, after].map((runtime) => /^([a-z]+)([\d.]+\d)/.exec(String(runtime)));
      return !created && was?.[1] !== undefined && was[1] === is?.[1] && isOlder(is[2], was[2]);
    },
  },
  {
    type: "aws_lambda_function",
    path: /^environment\./,
    verdict: "data",
    what: "has no variables: invocations fail",
    if: (before, _, created, resource, former) =>
      !created && isSet(before) && isEmptyEnvironment(resource) && hasSameCode(resource, former),
  },
  {
    type: "aws_lambda_function",
    path: /^environment\./,
    verdict: "data",
    severity: "warn",
    what: "has no variables",
    if: (before, _, created, resource) => !created && isSet(before) && isEmptyEnvironment(resource),
  },
  {
    type: "aws_lambda_function",
    path: /^environment\./,
    verdict: "data",
    severity: "warn",
    what: "has the same code without a variable: where it reads it, invocations fail",
    if: (before, after, created, resource, former) =>
      !created && isSet(before) && !isSet(after) && hasSameCode(resource, former),
  },
  {
    type: "aws_lambda_function",
    path: /^handler$/,
    verdict: "identity",
    severity: "warn",
    what: "runs another handler of the same code",
    if: (before, after, created, resource, former) => another(before, after, created) && hasSameCode(resource, former),
  },
  {
    type: "aws_lambda_function",
    path: /^layers\.\d+$/,
    verdict: "data",
    severity: "warn",
    what: "has no longer a layer: if its code imports it, invocations fail",
    if: (before, _, created, { layers }) => {
      const layerOf = (arn: unknown) => String(arn).replace(/:\d+$/, "");
      return !created && isSet(before) && ![layers].flat().map(layerOf).includes(layerOf(before));
    },
  },
  {
    type: "aws_lambda_function",
    path: /^logging_config\.\d+\.(log_group|application_log_level|system_log_level)$/,
    verdict: "exposure",
    severity: "warn",
    what: "logs in another place, or less",
    if: changed,
  },
  {
    type: "aws_lambda_function",
    path: /^reserved_concurrent_executions$/,
    verdict: "data",
    what: "is never run: it has no concurrency",
    if: (before, after, created) => !created && after === 0 && before !== 0,
  },
  {
    type: "aws_lambda_function",
    path: /^reserved_concurrent_executions$/,
    verdict: "data",
    severity: "warn",
    what: "limits concurrent runs",
    if: (before, after, created) =>
      !created && Number(after ?? -1) >= 0 && (Number(before ?? -1) < 0 || lower(before, after)),
  },
  {
    type: "aws_lambda_function",
    path: /^dead_letter_config\./,
    verdict: "data",
    what: "loses failed events",
    if: gone,
  },
  {
    type: "aws_lambda_function",
    path: /^dead_letter_config\./,
    verdict: "data",
    severity: "warn",
    what: "sends what fails to another queue",
    if: another,
  },
  {
    type: "aws_lambda_function",
    path: /^(replace_security_groups_on_destroy|replacement_security_group_ids|file_system_config)/,
    verdict: "exposure",
    what: "",
    if: () => false,
  },
  {
    type: "aws_lambda_function",
    path: /^(code_signing_config_arn|kms_key_arn|vpc_config)/,
    verdict: "exposure",
    what: "is protected in another way",
    if: (before, _, created) => !created && before !== undefined && before !== "",
  },
  {
    type: "aws_lambda_function",
    path: /^vpc_config\.\d+\.subnet_ids/,
    verdict: "data",
    severity: "warn",
    what: "is in a network: it reaches AWS and the internet through that only",
    if: (before, after, created) => !created && before === undefined && after !== undefined,
  },
  {
    type: "aws_lambda_function_event_invoke_config",
    path: /^destination_config\.\d+\.on_failure/,
    verdict: "data",
    what: "no longer keeps failed events in a dead-letter queue",
    if: gone,
  },
  {
    type: "aws_lambda_function_event_invoke_config",
    path: /^destination_config\.\d+\.on_failure/,
    verdict: "data",
    severity: "warn",
    what: "sends what fails to another queue",
    if: another,
  },
  {
    type: "aws_lambda_function_event_invoke_config",
    path: /^maximum_/,
    verdict: "data",
    severity: "warn",
    what: "retries failed events less",
    if: (before, after, created) => !created && lower(before, after),
  },
  {
    type: "aws_lambda_event_source_mapping",
    path: /^enabled$/,
    verdict: "data",
    what: "no longer reads its source: a stream's records expire after 24 hours",
    if: (_, after) => after === false,
  },
  {
    type: "aws_lambda_event_source_mapping",
    path: /^destination_config\./,
    verdict: "data",
    what: "loses records that cannot be processed",
    if: gone,
  },
  {
    type: "aws_lambda_event_source_mapping",
    path: /^destination_config\./,
    verdict: "data",
    severity: "warn",
    what: "sends what fails to another queue",
    if: another,
  },
  {
    type: "aws_lambda_event_source_mapping",
    path: /^function_response_types/,
    verdict: "data",
    what: "deletes what its function reports as failed",
    if: gone,
  },
  {
    type: "aws_lambda_event_source_mapping",
    path: /^bisect_batch_on_function_error$/,
    verdict: "data",
    severity: "warn",
    what: "gives up on whole batches: no record fails alone",
    if: turnedOff,
  },
  {
    type: "aws_lambda_event_source_mapping",
    path: /^parallelization_factor$/,
    verdict: "data",
    severity: "warn",
    what: "processes fewer batches at a time",
    if: lowered,
  },
  {
    type: "aws_lambda_event_source_mapping",
    path: /^scaling_config\.\d+\.maximum_concurrency$/,
    verdict: "data",
    severity: "warn",
    what: "processes fewer batches at a time",
    if: (before, after, created) =>
      !created && isSet(after) && Number(after) > 0 && (before === undefined || lower(before, after)),
  },
  {
    type: "aws_lambda_event_source_mapping",
    path: /^maximum_re/,
    verdict: "data",
    severity: "warn",
    what: "retries less",
    if: (before, after, created) =>
      !created &&
      before !== undefined &&
      lower(Number(before) < 0 ? Infinity : before, Number(after ?? -1) < 0 ? Infinity : after),
  },
  {
    type: "aws_lambda_event_source_mapping",
    path: /^filter_criteria/,
    verdict: "data",
    severity: "warn",
    what: "processes other records",
    if: (_, __, created) => !created,
  },
  {
    type: "aws_lambda_permission",
    path: /^principal$/,
    verdict: "exposure",
    what: "lets everybody invoke the function",
    if: (_, after) => after === "*" || after === UNKNOWN,
    orUnknown: true,
  },
  {
    type: "aws_lambda_permission",
    path: /^function_url_auth_type$/,
    verdict: "exposure",
    what: "lets everybody invoke the function",
    if: (_, after) => after === "NONE",
  },
  {
    type: "aws_lambda_permission",
    path: /^(source_arn|source_account|principal_org_id|event_source_token|action)$/,
    verdict: "exposure",
    severity: "warn",
    what: "lets others invoke the function",
    if: (_, __, created) => !created,
  },
  // API Gateway
  {
    type: "aws_api_gateway_integration",
    path: /^timeout_milliseconds$/,
    verdict: "identity",
    severity: "warn",
    what: "answers its callers with a timeout earlier",
    if: loweredOr(29_000),
  },
  {
    type: "aws_api_gateway_integration",
    path: /^type$/,
    verdict: "data",
    what: "answers without invoking anything: what its callers send is lost",
    if: (before, after, created) => !created && after === "MOCK" && before !== "MOCK",
  },
  {
    type: "aws_api_gateway_integration",
    path: /^(integration_http_method|type)$/,
    verdict: "identity",
    severity: "warn",
    what: "invokes its function in another way",
    if: changed,
  },
  {
    type: "aws_api_gateway_integration",
    path: /^(request_templates|request_parameters|content_handling|passthrough_behavior)/,
    verdict: "data",
    severity: "warn",
    what: "sends its function another request",
    if: (before, after, created, { type }) => type !== "MOCK" && changed(before, after, created),
  },
  {
    type: "aws_api_gateway_rest_api",
    path: /^policy(\.|$)/,
    verdict: "exposure",
    what: "has no policy: nothing but its methods says who may call it",
    if: (_, __, created, { policy }, { policy: former }) => !created && isSet(former) && !isSet(policy ?? undefined),
  },
  {
    type: "aws_api_gateway_rest_api",
    path: /^binary_media_types/,
    verdict: "data",
    severity: "warn",
    what: "gives bodies to its functions as text: bytes are lost, and signatures do not match",
    if: (before, _, created, { binary_media_types: types }) =>
      changed(before, _, created) && ![types].flat().includes(before),
  },
  {
    type: "aws_api_gateway_method",
    path: /^authorization$/,
    verdict: "exposure",
    what: "can be called by everybody, without a signature",
    // API Gateway itself answers preflight requests, which browsers do not sign.
    if: (_, after, __, { http_method: method }) => (after === "NONE" || after === UNKNOWN) && method !== "OPTIONS",
    orUnknown: true,
  },
  {
    type: "aws_api_gateway_method",
    path: /^authorization$/,
    verdict: "exposure",
    severity: "warn",
    what: "identifies its callers in another way",
    if: (_, __, created) => !created,
  },
  {
    type: "aws_api_gateway_method",
    path: /^api_key_required$/,
    verdict: "exposure",
    what: "needs no API key",
    if: turnedOff,
  },
  {
    type: "aws_api_gateway_method_settings",
    path: /^settings\.\d+\.throttling_(burst|rate)_limit$/,
    verdict: "exposure",
    what: "no longer limits requests",
    if: (before, after, created) => !created && before !== undefined && Number(before) >= 0 && Number(after ?? -1) < 0,
  },
  {
    type: "aws_api_gateway_method_settings",
    path: /^settings\.\d+\.throttling_(burst|rate)_limit$/,
    verdict: "data",
    what: "refuses every request",
    if: (before, after, created) => !created && after === 0 && before !== 0,
  },
  {
    type: "aws_api_gateway_method_settings",
    path: /^settings\.\d+\.data_trace_enabled$/,
    verdict: "exposure",
    what: "logs whole requests",
    if: turnedOn,
  },
  {
    type: "aws_api_gateway_method_settings",
    path: /^settings\.\d+\.caching_enabled$/,
    verdict: "exposure",
    what: "answers every caller from one cache",
    if: turnedOn,
  },
  {
    type: "aws_api_gateway_method_settings",
    path: /^settings\.\d+\.throttling_(burst|rate)_limit$/,
    verdict: "exposure",
    severity: "warn",
    what: "lets more requests through",
    if: (before, after, created) => !created && Number(before) >= 0 && lower(after, before),
  },
  {
    type: "aws_api_gateway_method_settings",
    path: /^settings\.\d+\.(metrics_enabled|logging_level)$/,
    verdict: "exposure",
    severity: "warn",
    what: "measures or logs its requests no longer",
    if: (before, after, created) =>
      turnedOff(before, after) || (changed(before, after, created) && (after === "OFF" || !isSet(after))),
  },
  {
    type: "aws_api_gateway_method_settings",
    path: /^settings\./,
    verdict: "exposure",
    severity: "warn",
    what: "",
    if: () => false,
  },
  {
    type: "aws_api_gateway_stage",
    path: /^access_log_settings\./,
    verdict: "exposure",
    severity: "warn",
    what: "logs requests in another way, or not at all",
    if: (before, _, created) => !created && before !== undefined,
  },
  {
    type: "aws_api_gateway_rest_api",
    path: /^(fail_on_warnings|put_rest_api_mode)$/,
    verdict: "exposure",
    what: "",
    if: () => false,
  },
  {
    type: "aws_api_gateway_rest_api",
    path: /^body/,
    verdict: "exposure",
    severity: "warn",
    what: "has other routes",
    if: (_, __, created) => !created,
  },
  ...["aws_api_gateway_gateway_response", "aws_api_gateway_integration_response"].flatMap((type): readonly Rule[] => [
    {
      type,
      path: /^response_parameters\..*Access-Control-Allow-Origin$/i,
      verdict: "exposure",
      severity: "warn",
      what: "lets scripts of every site read its responses",
      if: (before, after, created) => changed(before, after, created) && after === "'*'",
    },
    {
      type,
      path: /^response_parameters\..*Access-Control-/i,
      verdict: "identity",
      severity: "warn",
      what: "is refused by browsers that could use it",
      if: gone,
    },
  ]),
  // Tracing
  ...["aws_lambda_function", "aws_sfn_state_machine", "aws_api_gateway_stage"].map((type): Rule => ({
    type,
    path: /^(tracing_config\.\d+\.mode|tracing_configuration\.\d+\.enabled|xray_tracing_enabled)$/,
    verdict: "exposure",
    severity: "warn",
    what: "is no longer traced",
    if: (before, after) => (before === "Active" || before === true) && after !== before,
  })),
  // Glue
  {
    type: "aws_glue_catalog_table",
    path: /^(storage_descriptor\.\d+\.columns|partition_keys)\.\d+\.name$/,
    verdict: "identity",
    severity: "warn",
    what: "no longer has a column: queries of it fail",
    if: (before, _, created, { storage_descriptor: stored, partition_keys: keys }) =>
      !created &&
      isSet(before) &&
      ![...[stored].flat().map((each) => fieldsOf(each)["columns"]), keys].some((columns) =>
        namedOf(columns).has(before),
      ),
  },
  {
    type: "aws_glue_catalog_table",
    path: /^parameters\.projection\.enabled$/,
    verdict: "identity",
    what: "finds no partitions: queries return nothing",
    if: (before, after) => String(before) === "true" && String(after) !== "true",
  },
  {
    type: "aws_glue_catalog_table",
    path: /^(storage_descriptor\.\d+\.location|parameters\.storage\.location\.template)$/,
    verdict: "identity",
    severity: "warn",
    what: "has other objects: its queries read another place",
    if: (before, _, created) => !created && before !== undefined,
  },
  {
    type: "aws_glue_catalog_table",
    path: /^(storage_descriptor\.\d+\.(input_format|output_format|ser_de_info\..*)|table_type|parameters\.(classification|projection\..*))$/,
    verdict: "identity",
    severity: "warn",
    what: "reads its objects in another way: queries may fail",
    if: changed,
  },
  {
    type: "aws_glue_catalog_table",
    path: /^(storage_descriptor|parameters)\./,
    verdict: "identity",
    what: "",
    if: () => false,
  },
  // Step Functions
  {
    type: "aws_sfn_state_machine",
    path: /^logging_configuration\.\d+\.include_execution_data$/,
    verdict: "exposure",
    what: "logs the data of its executions",
    if: turnedOn,
  },
  {
    type: "aws_sfn_state_machine",
    path: /^logging_configuration\./,
    verdict: "exposure",
    severity: "warn",
    what: "logs in another way, or not at all",
    if: (before, _, created) => !created && before !== undefined,
  },
  // CloudFront
  {
    type: "aws_cloudfront_distribution",
    path: /viewer_protocol_policy$/,
    verdict: "exposure",
    what: "serves plain HTTP",
    if: (_, after) => after === "allow-all",
  },
  {
    type: "aws_cloudfront_distribution",
    path: /^default_root_object$/,
    verdict: "identity",
    what: "has no page at its address, or another one",
    if: (before, _, created) => !created && before !== undefined && before !== "",
  },
  {
    type: "aws_cloudfront_distribution",
    path: /^enabled$/,
    verdict: "identity",
    what: "no longer serves anything",
    if: (_, after) => after === false,
  },
];
