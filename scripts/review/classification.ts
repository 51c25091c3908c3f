/**
 * The class of every attribute of the AWS provider's schema, of the resource types that Almanac uses; rules.ts says which changes of them are for
 * the worse. test/modules/provider-schema.test.ts compares the table with the schema. An attribute outside it is reported as unclassified.
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

/** data: it is lost, or kept for a shorter time. exposure: more principals can read or change it, or a failure goes unnoticed. identity: a resource has a new address. */
export type Verdict = "data" | "exposure" | "identity";

/** Refused unless the address is allowed; or only reported. */
export type Severity = "refuse" | "warn";

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
  /**
   * What AWS knows it by. Another resource of Terraform with the same values is the same thing: creating it is refused or overwrites this one, and
   * destroying this one deletes it. @default not judged
   */
  readonly key?: string;
  /** All that it does. One with another key and the same values takes its place. @default nothing does */
  readonly content?: string;
  /** When it is replaced. @default nothing: its attributes are judged */
  readonly replaced?: Removal;
  /** When its policy no longer allows something. @default refused: what needs it fails */
  readonly revoked?: Removal;
  /** Attributes by class, separated by spaces. A change of one is reported, unless a rule says when. */
  readonly exposure?: string;
  readonly durability?: string;
  /** What others know it by. */
  readonly identity?: string;
  /** The resource that it belongs to or uses. */
  readonly address?: string;
  /** Changes are in the report's list of values, without a verdict unless a rule has one. Policies are in its permissions. */
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
    key: "rest_api_id response_type",
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
    key: "rest_api_id stage_name method_path",
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
    key: "name event_bus_name",
    destroyed: data("no longer starts anything", "warn"),
    goesWith: withTargets,
    durability: "state is_enabled schedule_expression event_pattern",
    address: "event_bus_name",
    settings: "description force_destroy name name_prefix role_arn tags",
  },
  aws_cloudwatch_event_target: {
    key: "rule event_bus_name target_id",
    content: "rule event_bus_name arn role_arn input input_path input_transformer dead_letter_config retry_policy",
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
    key: "alarm_name",
    content:
      "actions_enabled alarm_actions comparison_operator datapoints_to_alarm dimensions evaluation_periods extended_statistic metric_name metric_query namespace period statistic threshold threshold_metric_id treat_missing_data unit",
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
    key: "name",
    destroyed: identity("no longer exists: queries of its tables fail", "warn"),
    identity: "name",
    address: "catalog_id location_uri target_database federated_database",
    exposure: "create_table_default_permission",
    settings: "description parameters tags",
  },
  aws_glue_catalog_table: {
    key: "database_name name",
    destroyed: identity("no longer exists: queries of it fail", "warn"),
    goesWith: withAny(["aws_glue_catalog_database", "database_name"]),
    identity: "name",
    address: "catalog_id database_name parameters storage_descriptor target_table",
    settings:
      "description owner retention table_type view_expanded_text view_original_text open_table_format_input partition_index partition_keys",
  },
  aws_iam_role: {
    key: "name",
    revoked: identity("can no longer be assumed by a principal: what uses it fails"),
    replaced: identity("gets another unique id: policies of others that name it no longer match", "warn"),
    exposure: "inline_policy managed_policy_arns permissions_boundary max_session_duration",
    identity: "name name_prefix path",
    settings: "assume_role_policy description force_detach_policies tags",
  },
  aws_iam_role_policy: {
    key: "role name",
    revoked: NO_LONGER_ALLOWED,
    address: "role",
    settings: "name name_prefix policy",
  },
  aws_iam_role_policy_attachment: {
    key: "role policy_arn",
    revoked: NO_LONGER_ALLOWED,
    exposure: "policy_arn",
    address: "role",
  },
  aws_kms_alias: {
    key: "name",
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
    key: "event_source_arn function_name",
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
    key: "function_name",
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
    key: "function_name qualifier",
    destroyed: data("no longer keeps failed events in a dead-letter queue"),
    goesWith: withAny(["aws_lambda_function", "function_name"]),
    durability: "destination_config maximum_event_age_in_seconds maximum_retry_attempts",
    address: "function_name qualifier",
  },
  aws_lambda_permission: {
    key: "function_name qualifier statement_id",
    content:
      "function_name qualifier action principal source_arn source_account principal_org_id function_url_auth_type event_source_token",
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
    key: "bucket",
    destroyed: exposure("no longer deletes anything: it keeps objects that would be deleted", "warn"),
    goesWith: withAny(["aws_s3_bucket", "bucket"]),
    durability: "rule",
    address: "bucket expected_bucket_owner",
    settings: "transition_default_minimum_object_size",
  },
  aws_s3_bucket_ownership_controls: {
    key: "bucket",
    destroyed: exposure("lets access control lists apply again"),
    goesWith: withAny(["aws_s3_bucket", "bucket"]),
    exposure: "rule",
    address: "bucket",
  },
  aws_s3_bucket_policy: {
    key: "bucket",
    destroyed: exposure("no longer refuses plain HTTP"),
    goesWith: withAny(["aws_s3_bucket", "bucket"]),
    address: "bucket",
    settings: "policy",
  },
  aws_s3_bucket_public_access_block: {
    key: "bucket",
    destroyed: exposure("no longer refuses public access"),
    goesWith: withAny(["aws_s3_bucket", "bucket"]),
    exposure: "block_public_acls block_public_policy ignore_public_acls restrict_public_buckets",
    address: "bucket",
  },
  aws_s3_bucket_server_side_encryption_configuration: {
    key: "bucket",
    destroyed: exposure("no longer encrypts with the configured key"),
    goesWith: withAny(["aws_s3_bucket", "bucket"]),
    exposure: "rule",
    address: "bucket expected_bucket_owner",
  },
  aws_s3_bucket_versioning: {
    key: "bucket",
    destroyed: data("no longer keeps overwritten or deleted versions"),
    goesWith: withAny(["aws_s3_bucket", "bucket"]),
    durability: "mfa versioning_configuration",
    address: "bucket expected_bucket_owner",
  },
  aws_s3_object: {
    key: "bucket key",
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
    key: "name",
    destroyed: identity("no longer exists: its executions end, and their histories are lost"),
    replaced: identity("is another machine: its executions end, and their histories are lost"),
    exposure: "encryption_configuration logging_configuration",
    identity: "name name_prefix type",
    address: "role_arn",
    settings: "definition publish tags tracing_configuration",
  },
  aws_sns_topic: {
    key: "name",
    destroyed: identity("no longer exists: no notification is sent"),
    replaced: identity("is another topic: subscribers must confirm again"),
    exposure: "kms_master_key_id signature_version",
    durability: "archive_policy delivery_policy",
    identity: "name name_prefix fifo_topic fifo_throughput_scope content_based_deduplication",
    settings:
      "policy display_name tags tracing_config application_failure_feedback_role_arn application_success_feedback_role_arn application_success_feedback_sample_rate firehose_failure_feedback_role_arn firehose_success_feedback_role_arn firehose_success_feedback_sample_rate http_failure_feedback_role_arn http_success_feedback_role_arn http_success_feedback_sample_rate lambda_failure_feedback_role_arn lambda_success_feedback_role_arn lambda_success_feedback_sample_rate sqs_failure_feedback_role_arn sqs_success_feedback_role_arn sqs_success_feedback_sample_rate",
  },
  aws_sns_topic_policy: {
    key: "arn",
    revoked: exposure("no longer accepts notifications of a sender"),
    destroyed: exposure("no longer refuses plain HTTP"),
    goesWith: withAny(["aws_sns_topic", "arn"]),
    address: "arn",
    settings: "policy",
  },
  aws_sns_topic_subscription: {
    key: "topic_arn protocol endpoint",
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
