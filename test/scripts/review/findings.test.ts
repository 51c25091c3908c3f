import { parsePlan } from "../../../scripts/review/plan";
import { toMarkdown } from "../../../scripts/review/markdown";
import { isForbidden, reviewPlan } from "../../../scripts/review/report";
import { samplePlan, type SampleChange } from "./sample-plan";

const review = (changes: readonly SampleChange[], allowed: readonly string[] = [], rest = {}) =>
  reviewPlan(parsePlan(samplePlan(changes, rest)), new Set(allowed));

const update = (address: string, before: object, after: object): SampleChange => ({
  address,
  actions: ["update"],
  before: { ...before },
  after: { ...after },
});
const destroy = (address: string): SampleChange => ({ address, actions: ["delete"], before: { bucket: "b" } });
const create = (address: string, after: object): SampleChange => ({
  address,
  actions: ["create"],
  after: { ...after },
});
const replace = (address: string): SampleChange => ({
  address,
  actions: ["delete", "create"],
  before: { name: "a" },
  after: { name: "b" },
  replace_paths: [["name"]],
});

const unknown = (change: SampleChange, after_unknown: object): SampleChange => ({ ...change, after_unknown });

/** A policy with a statement for each principal. */
const allowing = (...principals: readonly object[]) =>
  JSON.stringify({
    Statement: principals.map((Principal) => ({ Effect: "Allow", Principal, Action: "*", Resource: "*" })),
  });

const retention = (from: number, to: number) =>
  update("aws_cloudwatch_log_group.l", { retention_in_days: from }, { retention_in_days: to });

describe("what a plan means beyond lost data", () => {
  it.each([
    "aws_dynamodb_table.t",
    "aws_s3_bucket.b",
    "aws_kms_key.k",
    "aws_sqs_queue.q",
    "aws_cloudwatch_log_group.l",
  ])("is no less than lost data where %s is replaced or destroyed", (address) => {
    for (const change of [replace(address), destroy(address)]) {
      const report = review([change]);
      expect(report.dataLoss).toHaveLength(1);
      expect(isForbidden(report)).toBe(true);
    }
  });

  it.each<[what: string, change: SampleChange, verdict: string]>([
    ["a public access block that is destroyed", destroy("aws_s3_bucket_public_access_block.b"), "exposure"],
    [
      "public access that is opened",
      update("aws_s3_bucket_public_access_block.b", { block_public_acls: true }, { block_public_acls: false }),
      "exposure",
    ],
    ["an object that is archived", update("aws_s3_object.o", {}, { storage_class: "DEEP_ARCHIVE" }), "data"],
    ["an object for all AWS accounts", update("aws_s3_object.o", {}, { acl: "authenticated-read" }), "exposure"],
    ["a bucket for all AWS accounts", update("aws_s3_bucket.b", {}, { acl: "authenticated-read" }), "exposure"],
    [
      "a route that refuses every request",
      update(
        "aws_api_gateway_method_settings.m",
        { settings: [{ throttling_rate_limit: 100 }] },
        { settings: [{ throttling_rate_limit: 0 }] },
      ),
      "data",
    ],
    [
      "a route that invokes nothing",
      update("aws_api_gateway_integration.i", { type: "AWS", uri: "u" }, { type: "MOCK", uri: "u" }),
      "data",
    ],
    [
      "callers that get another deployment",
      update("aws_api_gateway_stage.s", {}, { canary_settings: [{ percent_traffic: 100, deployment_id: "old" }] }),
      "exposure",
    ],
    [
      "an address without a page",
      update("aws_cloudfront_distribution.d", { default_root_object: "index.html" }, { default_root_object: "" }),
      "identity",
    ],
    [
      "a table with AWS's capacity",
      update("aws_dynamodb_table.t", { billing_mode: "PAY_PER_REQUEST" }, { billing_mode: null }),
      "data",
    ],
    ["versioning that is destroyed", destroy("aws_s3_bucket_versioning.b"), "data"],
    [
      "versioning that is suspended",
      update(
        "aws_s3_bucket_versioning.b",
        { versioning_configuration: [{ status: "Enabled" }] },
        { versioning_configuration: [{ status: "Suspended" }] },
      ),
      "data",
    ],
    ["encryption that is destroyed", destroy("aws_s3_bucket_server_side_encryption_configuration.b"), "exposure"],
    [
      "encryption with a weaker key",
      update(
        "aws_s3_bucket_server_side_encryption_configuration.b",
        { rule: [{ apply_server_side_encryption_by_default: [{ sse_algorithm: "aws:kms", kms_master_key_id: "k" }] }] },
        { rule: [{ apply_server_side_encryption_by_default: [{ sse_algorithm: "AES256" }] }] },
      ),
      "exposure",
    ],
    [
      "an expiry that is created",
      create("aws_s3_bucket_lifecycle_configuration.b", { rule: [{ status: "Enabled", expiration: [{ days: 1 }] }] }),
      "data",
    ],
    [
      "an expiry that is added",
      update(
        "aws_s3_bucket_lifecycle_configuration.b",
        { rule: [{ status: "Enabled", expiration: [] }] },
        { rule: [{ status: "Enabled", expiration: [{ days: 1 }] }] },
      ),
      "data",
    ],
    [
      "a time to live that is switched on",
      update(
        "aws_dynamodb_table.t",
        { ttl: [{ enabled: false, attribute_name: "" }] },
        { ttl: [{ enabled: true, attribute_name: "ttl" }] },
      ),
      "data",
    ],
    ["a key that is disabled", update("aws_kms_key.k", { is_enabled: true }, { is_enabled: false }), "data"],
    [
      "a queue that no longer accepts what a rule sends",
      update("aws_sqs_queue.q", { policy: allowing({ Service: "events.amazonaws.com" }) }, { policy: "" }),
      "data",
    ],
    ["an alarm that is destroyed", destroy("aws_cloudwatch_metric_alarm.a"), "exposure"],
    [
      "an alarm without actions",
      update("aws_cloudwatch_metric_alarm.a", { alarm_actions: ["arn:topic"] }, { alarm_actions: [] }),
      "exposure",
    ],
    [
      "a method without authorization",
      update("aws_api_gateway_method.m", { authorization: "AWS_IAM" }, { authorization: "NONE", http_method: "POST" }),
      "exposure",
    ],
    [
      "a new method without authorization",
      create("aws_api_gateway_method.m", { authorization: "NONE", http_method: "POST" }),
      "exposure",
    ],
    ["an API that is replaced", replace("aws_api_gateway_rest_api.api"), "identity"],
    ["an API that is destroyed", destroy("aws_api_gateway_rest_api.api"), "identity"],
    ["a state machine that is replaced", replace("aws_sfn_state_machine.m"), "identity"],
    ["a subscription that is replaced", replace("aws_sns_topic_subscription.s"), "identity"],
    [
      "a queue without its dead-letter queue",
      update("aws_sqs_queue.q", { redrive_policy: '{"deadLetterTargetArn":"arn","maxReceiveCount":3}' }, {}),
      "data",
    ],
    [
      "an unencrypted queue",
      update("aws_sqs_queue.q", { sqs_managed_sse_enabled: true }, { sqs_managed_sse_enabled: false }),
      "exposure",
    ],
    [
      "a target that loses events",
      update(
        "aws_cloudwatch_event_target.t",
        { dead_letter_config: [{ arn: "arn:queue" }] },
        { dead_letter_config: [] },
      ),
      "data",
    ],
    [
      "a rule that is disabled",
      update("aws_cloudwatch_event_rule.r", { state: "ENABLED" }, { state: "DISABLED" }),
      "data",
    ],
    [
      "a permission for everybody",
      create("aws_lambda_permission.p", { principal: "*", action: "lambda:InvokeFunction" }),
      "exposure",
    ],
    [
      "a policy that no longer denies plain HTTP",
      update(
        "aws_s3_bucket_policy.p",
        { policy: JSON.stringify({ Statement: [{ Effect: "Deny", Principal: "*", Action: "s3:*", Resource: "b" }] }) },
        {
          policy: JSON.stringify({
            Statement: [{ Effect: "Allow", Principal: { AWS: "arn" }, Action: "s3:Get", Resource: "b" }],
          }),
        },
      ),
      "exposure",
    ],
    [
      "a bucket policy for everybody",
      create("aws_s3_bucket_policy.p", {
        policy: JSON.stringify({ Statement: [{ Effect: "Allow", Principal: "*", Action: "s3:Get", Resource: "b" }] }),
      }),
      "exposure",
    ],
    [
      "an attribute that nobody has classified",
      update("aws_sqs_queue.q", { new_one: "a" }, { new_one: "b" }),
      "unclassified",
    ],
    ["a type that nobody has classified", destroy("aws_thing.t"), "unclassified"],
    [
      "a table whose encryption is off",
      update(
        "aws_dynamodb_table.t",
        { server_side_encryption: [{ enabled: true, kms_key_arn: "k" }] },
        { server_side_encryption: [] },
      ),
      "exposure",
    ],
    [
      "a table that can no longer be restored",
      update("aws_dynamodb_table.t", { point_in_time_recovery: [{ enabled: true }] }, { point_in_time_recovery: [] }),
      "data",
    ],
    [
      "versions that can be deleted without a second factor",
      update(
        "aws_s3_bucket_versioning.b",
        { versioning_configuration: [{ status: "Enabled", mfa_delete: "Enabled" }] },
        { versioning_configuration: [{ status: "Enabled", mfa_delete: "Disabled" }] },
      ),
      "data",
    ],
    [
      "fewer older versions",
      update(
        "aws_s3_bucket_lifecycle_configuration.b",
        {
          rule: [{ noncurrent_version_expiration: [{ noncurrent_days: 30, newer_noncurrent_versions: 5 }] }],
        },
        { rule: [{ noncurrent_version_expiration: [{ noncurrent_days: 30 }] }] },
      ),
      "data",
    ],
    [
      "a queue policy that adds everybody to its principals",
      update(
        "aws_sqs_queue.q",
        {
          policy: JSON.stringify({
            Statement: [{ Effect: "Allow", Principal: { AWS: ["arn:a"] }, Action: "sqs:Send", Resource: "q" }],
          }),
        },
        {
          policy: JSON.stringify({
            Statement: [{ Effect: "Allow", Principal: { AWS: ["arn:a", "*"] }, Action: "sqs:Send", Resource: "q" }],
          }),
        },
      ),
      "exposure",
    ],
    [
      "a policy for everybody but one",
      create("aws_sns_topic_policy.p", {
        policy: JSON.stringify({
          Statement: [{ Effect: "Allow", NotPrincipal: { AWS: "arn:a" }, Action: "sns:Publish", Resource: "t" }],
        }),
      }),
      "exposure",
    ],
    ["logs that are kept for a shorter time", retention(30, 7), "data"],
    ["logs that were kept for ever", retention(0, 365), "data"],
    [
      "messages that are kept for a shorter time",
      update("aws_sqs_queue.q", { message_retention_seconds: 1_209_600 }, { message_retention_seconds: 60 }),
      "data",
    ],
    [
      "a function that is never run",
      update("aws_lambda_function.f", { reserved_concurrent_executions: -1 }, { reserved_concurrent_executions: 0 }),
      "data",
    ],
    [
      "a function whose failed events are lost",
      update("aws_lambda_function.f", { dead_letter_config: [{ target_arn: "q" }] }, { dead_letter_config: [] }),
      "data",
    ],
    ["failed events that are lost", destroy("aws_lambda_function_event_invoke_config.f"), "data"],
    ["a stream that is no longer read", destroy("aws_lambda_event_source_mapping.m"), "data"],
    [
      "another authorizer",
      update("aws_api_gateway_method.m", { authorizer_id: "a", authorization: "CUSTOM" }, { authorization: "CUSTOM" }),
      "exposure",
    ],
    [
      "a role without its boundary",
      update("aws_iam_role.r", { permissions_boundary: "arn:b" }, { permissions_boundary: "" }),
      "exposure",
    ],
    [
      "an old version of TLS",
      update(
        "aws_cloudfront_distribution.d",
        { viewer_certificate: [{ minimum_protocol_version: "TLSv1.2_2021" }] },
        { viewer_certificate: [{ minimum_protocol_version: "TLSv1" }] },
      ),
      "exposure",
    ],
    ["a subscription that is destroyed", destroy("aws_sns_topic_subscription.s"), "exposure"],
    [
      "public access that depends on what is known after the apply only",
      unknown(update("aws_s3_bucket_public_access_block.b", { block_public_acls: true }, {}), {
        block_public_acls: true,
      }),
      "exposure",
    ],
    [
      "a new public access block of which that is so",
      unknown(create("aws_s3_bucket_public_access_block.b", { bucket: "b" }), { block_public_acls: true }),
      "exposure",
    ],
    [
      "an authorization that is known after the apply only",
      unknown(
        update("aws_api_gateway_method.m", { authorization: "AWS_IAM", http_method: "POST" }, { http_method: "POST" }),
        { authorization: true },
      ),
      "exposure",
    ],
    [
      "retention that is known after the apply only",
      unknown(update("aws_sqs_queue.q", { message_retention_seconds: 1_209_600 }, {}), {
        message_retention_seconds: true,
      }),
      "data",
    ],
    [
      "a route that answers from a cache",
      update(
        "aws_api_gateway_method_settings.s",
        { settings: [{ caching_enabled: false }] },
        { settings: [{ caching_enabled: true }] },
      ),
      "exposure",
    ],
    [
      "a table whose requests have a fixed capacity",
      update(
        "aws_dynamodb_table.t",
        { billing_mode: "PAY_PER_REQUEST", read_capacity: 0, write_capacity: 0 },
        { billing_mode: "PROVISIONED", read_capacity: 1, write_capacity: 1 },
      ),
      "data",
    ],
    [
      "a function that is never run, whose limit was never set",
      update("aws_lambda_function.f", {}, { reserved_concurrent_executions: 0 }),
      "data",
    ],
    [
      "a function without its variables",
      update("aws_lambda_function.f", { environment: [{ variables: { TABLE: "t" } }] }, { environment: [] }),
      "data",
    ],
    [
      "a queue's function whose failures are not read",
      update(
        "aws_lambda_event_source_mapping.m",
        { function_response_types: ["ReportBatchItemFailures"] },
        { function_response_types: [] },
      ),
      "data",
    ],
    [
      "a role that its service can no longer assume",
      update(
        "aws_iam_role.r",
        { name: "r", assume_role_policy: allowing({ Service: "lambda.amazonaws.com" }) },
        { name: "r", assume_role_policy: allowing({ AWS: "arn:aws:iam::123456789012:root" }) },
      ),
      "identity",
    ],
    [
      "a key that its account can no longer use",
      update(
        "aws_kms_key.k",
        { policy: allowing({ AWS: "arn:aws:iam::123456789012:root" }) },
        { policy: allowing({ Service: "sns.amazonaws.com" }) },
      ),
      "data",
    ],
    [
      "a topic that alarms can no longer notify",
      update(
        "aws_sns_topic_policy.p",
        { policy: allowing({ Service: ["cloudwatch.amazonaws.com", "events.amazonaws.com"] }) },
        { policy: allowing({ Service: "events.amazonaws.com" }) },
      ),
      "exposure",
    ],
    [
      "an API whose policy is gone",
      update("aws_api_gateway_rest_api.a", { policy: allowing({ AWS: "arn:a" }) }, { policy: "" }),
      "exposure",
    ],
    [
      "a catalog table that finds no partitions",
      update(
        "aws_glue_catalog_table.t",
        { parameters: { "projection.enabled": "true" } },
        { parameters: { "projection.enabled": "false" } },
      ),
      "identity",
    ],
  ])("refuses %s", (_, change, verdict) => {
    const report = review([change]);
    expect(report.findings.map((finding) => finding.verdict)).toContain(verdict);
    expect(isForbidden(report)).toBe(true);
    const markdown = toMarkdown(report, { environment: "staging" });
    expect(markdown).toContain("❌");
    expect(markdown).not.toContain("✅");
    const allowed = review([change], [change.address]);
    expect(isForbidden(allowed)).toBe(false);
  });

  it.each<[what: string, change: SampleChange]>([
    ["a bucket that may be emptied", update("aws_s3_bucket.b", { force_destroy: false }, { force_destroy: true })],
    ["another threshold", update("aws_cloudwatch_metric_alarm.a", { threshold: 0 }, { threshold: 5 })],
    [
      "a rule of another event bus",
      update("aws_cloudwatch_event_rule.r", { event_bus_name: "default" }, { event_bus_name: "other" }),
    ],
    [
      "a catalog table of other objects",
      update(
        "aws_glue_catalog_table.t",
        { storage_descriptor: [{ location: "s3://exports/orders" }] },
        { storage_descriptor: [{ location: "s3://exports/other" }] },
      ),
    ],
    ["a route that is gone", destroy("aws_api_gateway_method.m")],
    [
      "a state machine that logs less",
      update(
        "aws_sfn_state_machine.m",
        { logging_configuration: [{ level: "ERROR" }] },
        { logging_configuration: [{ level: "OFF" }] },
      ),
    ],
    [
      "an API that logs no requests",
      update("aws_api_gateway_stage.s", { access_log_settings: [{ format: "f" }] }, { access_log_settings: [] }),
    ],
    [
      "a function that may run less often at a time",
      update("aws_lambda_function.f", { reserved_concurrent_executions: 9 }, { reserved_concurrent_executions: 1 }),
    ],
    [
      "another dead-letter queue",
      update(
        "aws_sqs_queue.q",
        { redrive_policy: '{"deadLetterTargetArn":"arn:a","maxReceiveCount":3}' },
        { redrive_policy: '{"deadLetterTargetArn":"arn:b","maxReceiveCount":3}' },
      ),
    ],
    [
      "a queue that gives up earlier",
      update(
        "aws_sqs_queue.q",
        { redrive_policy: '{"deadLetterTargetArn":"arn:a","maxReceiveCount":3}' },
        { redrive_policy: '{"deadLetterTargetArn":"arn:a","maxReceiveCount":1}' },
      ),
    ],
    [
      "another destination of failed events",
      update(
        "aws_lambda_function_event_invoke_config.f",
        { destination_config: [{ on_failure: [{ destination: "arn:a" }] }] },
        { destination_config: [{ on_failure: [{ destination: "arn:b" }] }] },
      ),
    ],
    [
      "a higher limit of requests",
      update(
        "aws_api_gateway_method_settings.s",
        { settings: [{ throttling_rate_limit: 10 }] },
        { settings: [{ throttling_rate_limit: 10_000 }] },
      ),
    ],
    [
      "an index that is gone",
      update(
        "aws_dynamodb_table.t",
        { global_secondary_index: [{ name: "due" }, { name: "kind" }] },
        { global_secondary_index: [{ name: "kind" }] },
      ),
    ],
    [
      "objects that go to an archive",
      update(
        "aws_s3_bucket_lifecycle_configuration.b",
        { rule: [{ status: "Enabled" }] },
        { rule: [{ status: "Enabled", transition: [{ days: 1, storage_class: "DEEP_ARCHIVE" }] }] },
      ),
    ],
    [
      "another topic of an alarm, beside its own",
      update("aws_cloudwatch_metric_alarm.a", { alarm_actions: ["arn:b"] }, { alarm_actions: ["arn:a", "arn:b"] }),
    ],
    ["a function that is ended earlier", update("aws_lambda_function.f", { timeout: 60 }, { timeout: 1 })],
    ["a function with less memory", update("aws_lambda_function.f", { memory_size: 512 }, { memory_size: 128 })],
    [
      "a function with less storage",
      update("aws_lambda_function.f", { ephemeral_storage: [{ size: 2048 }] }, { ephemeral_storage: [{ size: 512 }] }),
    ],
    [
      "a variable that the same code no longer has",
      update(
        "aws_lambda_function.f",
        { environment: [{ variables: { TABLE: "t", MODE: "m" } }], s3_key: "a" },
        { environment: [{ variables: { TABLE: "t" } }], s3_key: "a" },
      ),
    ],
    [
      "other code, without any variable",
      update(
        "aws_lambda_function.f",
        { environment: [{ variables: { MODE: "m" } }], s3_key: "a" },
        { environment: [], s3_key: "b" },
      ),
    ],
    [
      "another handler of the same code",
      update("aws_lambda_function.f", { handler: "index.handler" }, { handler: "index.other" }),
    ],
    ["a layer that is gone", update("aws_lambda_function.f", { layers: ["arn:layer:one:1"] }, { layers: [] })],
    [
      "a function that logs less",
      update(
        "aws_lambda_function.f",
        { logging_config: [{ application_log_level: "INFO" }] },
        { logging_config: [{ application_log_level: "FATAL" }] },
      ),
    ],
    [
      "a function that is put into a network",
      update("aws_lambda_function.f", {}, { vpc_config: [{ subnet_ids: ["subnet-1"] }] }),
    ],
    [
      "a table with less capacity",
      update(
        "aws_dynamodb_table.t",
        { billing_mode: "PROVISIONED", read_capacity: 100 },
        { billing_mode: "PROVISIONED", read_capacity: 1 },
      ),
    ],
    [
      "a table with a limit of its requests",
      update("aws_dynamodb_table.t", {}, { on_demand_throughput: [{ max_read_request_units: 1 }] }),
    ],
    [
      "an index that is built anew",
      update(
        "aws_dynamodb_table.t",
        { global_secondary_index: [{ name: "due", hash_key: "shard", projection_type: "ALL" }] },
        { global_secondary_index: [{ name: "due", hash_key: "shard", projection_type: "KEYS_ONLY" }] },
      ),
    ],
    [
      "messages that are delivered again earlier",
      update("aws_sqs_queue.q", { visibility_timeout_seconds: 360 }, { visibility_timeout_seconds: 1 }),
    ],
    ["a target without its input", update("aws_cloudwatch_event_target.t", { input: '{"shard":1}' }, { input: "" })],
    [
      "batches that fail as a whole",
      update(
        "aws_lambda_event_source_mapping.m",
        { bisect_batch_on_function_error: true },
        { bisect_batch_on_function_error: false },
      ),
    ],
    [
      "fewer batches at a time",
      update("aws_lambda_event_source_mapping.m", {}, { scaling_config: [{ maximum_concurrency: 2 }] }),
    ],
    ["a timeout that is AWS's", update("aws_lambda_function.f", { timeout: 300 }, {})],
    ["less memory, AWS's", update("aws_lambda_function.f", { memory_size: 512 }, {})],
    ["an older runtime", update("aws_lambda_function.f", { runtime: "nodejs22.x" }, { runtime: "nodejs8.10" })],
    [
      "a function that is not traced",
      update("aws_lambda_function.f", { tracing_config: [{ mode: "Active" }] }, { tracing_config: [] }),
    ],
    [
      "a machine that is not traced",
      update("aws_sfn_state_machine.m", { tracing_configuration: [{ enabled: true }] }, {}),
    ],
    ["a stage that is not traced", update("aws_api_gateway_stage.s", { xray_tracing_enabled: true }, {})],
    [
      "no retries, as the provider sends them",
      update(
        "aws_cloudwatch_event_target.t",
        { retry_policy: [{ maximum_retry_attempts: 185, maximum_event_age_in_seconds: 300 }] },
        { retry_policy: [{ maximum_event_age_in_seconds: 300 }] },
      ),
    ],
    [
      "an input without a template",
      update(
        "aws_cloudwatch_event_target.t",
        { input_transformer: [{ input_template: '{"id":<id>}' }] },
        { input_transformer: [{ input_template: "" }] },
      ),
    ],
    [
      "another method of the invocation",
      update(
        "aws_api_gateway_integration.i",
        { type: "AWS_PROXY", integration_http_method: "POST" },
        { type: "AWS_PROXY", integration_http_method: "GET" },
      ),
    ],
    [
      "errors that every site reads",
      update(
        "aws_api_gateway_gateway_response.r",
        { response_parameters: { "gatewayresponse.header.Access-Control-Allow-Origin": "'https://example.org'" } },
        { response_parameters: { "gatewayresponse.header.Access-Control-Allow-Origin": "'*'" } },
      ),
    ],
    [
      "responses that browsers refuse",
      update(
        "aws_api_gateway_integration_response.r",
        { response_parameters: { "method.response.header.Access-Control-Allow-Methods": "'GET'" } },
        { response_parameters: {} },
      ),
    ],
    [
      "a table of another format",
      update(
        "aws_glue_catalog_table.t",
        { parameters: { classification: "json" } },
        { parameters: { classification: "csv" } },
      ),
    ],
    [
      "items that never expire",
      update("aws_dynamodb_table.t", { ttl: [{ enabled: true, attribute_name: "ttl" }] }, { ttl: [] }),
    ],
    [
      "objects that are never deleted",
      update(
        "aws_s3_bucket_lifecycle_configuration.b",
        { rule: [{ id: "expiry", status: "Enabled", expiration: [{ days: 30 }] }] },
        { rule: [{ id: "expiry", status: "Disabled", expiration: [{ days: 30 }] }] },
      ),
    ],
    [
      "objects that never expire",
      update(
        "aws_s3_bucket_lifecycle_configuration.b",
        { rule: [{ id: "expiry", status: "Enabled", expiration: [{ days: 30 }] }] },
        { rule: [{ id: "expiry", status: "Enabled", expiration: [] }] },
      ),
    ],
    [
      "an earlier timeout of a route",
      update("aws_api_gateway_integration.i", { timeout_milliseconds: 29000 }, { timeout_milliseconds: 50 }),
    ],
    [
      "bodies that are no longer bytes",
      update("aws_api_gateway_rest_api.a", { binary_media_types: ["*/*"] }, { binary_media_types: [] }),
    ],
    [
      "an API that measures no routes",
      update(
        "aws_api_gateway_method_settings.m",
        { settings: [{ metrics_enabled: true }] },
        { settings: [{ metrics_enabled: false }] },
      ),
    ],
    [
      "a column that is gone",
      update(
        "aws_glue_catalog_table.t",
        { storage_descriptor: [{ columns: [{ name: "id" }, { name: "at" }] }] },
        { storage_descriptor: [{ columns: [{ name: "at" }] }] },
      ),
    ],
  ])("warns of %s", (_, change) => {
    const report = review([change]);
    expect(report.findings).toHaveLength(1);
    expect(isForbidden(report)).toBe(false);
    expect(toMarkdown(report, { environment: "staging" })).not.toContain("✅");
  });

  it.each<[what: string, change: SampleChange]>([
    ["another description", update("aws_sqs_queue.q", { tags: {} }, { tags: { a: "b" } })],
    ["what AWS assigns", update("aws_lambda_function.f", { last_modified: "a", version: "1" }, { version: "2" })],
    ["more retention", update("aws_sqs_queue.q", { message_retention_seconds: 60 }, { message_retention_seconds: 90 })],
    [
      "a stronger key",
      update(
        "aws_s3_bucket_server_side_encryption_configuration.b",
        { rule: [{ apply_server_side_encryption_by_default: [{ sse_algorithm: "AES256" }] }] },
        { rule: [{ apply_server_side_encryption_by_default: [{ sse_algorithm: "aws:kms", kms_master_key_id: "k" }] }] },
      ),
    ],
    [
      "what AWS assigns to a resource that takes another's place",
      {
        address: "aws_lambda_function_event_invoke_config.f",
        actions: ["delete", "create"],
        before: { maximum_retry_attempts: 2 },
        after: {},
        after_unknown: { maximum_retry_attempts: true },
      },
    ],
    ["a storage class that can be read", update("aws_s3_object.o", {}, { storage_class: "STANDARD_IA" })],
    [
      "columns of a catalog table",
      update(
        "aws_glue_catalog_table.t",
        { storage_descriptor: [{ columns: [] }] },
        { storage_descriptor: [{ columns: [{ name: "id" }] }] },
      ),
    ],
    ["a preflight request", create("aws_api_gateway_method.m", { authorization: "NONE", http_method: "OPTIONS" })],
    [
      "a new version of code, with other variables, more memory and time",
      update(
        "aws_lambda_function.f",
        { source_code_hash: "a", memory_size: 128, timeout: 3, environment: [{ variables: { OLD: "a", MODE: "m" } }] },
        { source_code_hash: "b", memory_size: 512, timeout: 60, environment: [{ variables: { NEW: "b", MODE: "n" } }] },
      ),
    ],
    [
      "variables that are known after the apply only",
      unknown(
        update(
          "aws_lambda_function.f",
          { environment: [{ variables: { TABLE: "Orders" } }] },
          { environment: [{ variables: {} }] },
        ),
        { environment: [{ variables: { TABLE: true } }] },
      ),
    ],
    [
      "a newer version of a layer",
      update("aws_lambda_function.f", { layers: ["arn:layer:one:1"] }, { layers: ["arn:layer:one:2"] }),
    ],
    [
      "another name and description of an alarm",
      update("aws_cloudwatch_metric_alarm.a", { alarm_description: "a" }, { alarm_description: "b" }),
    ],
    [
      "an index beside another",
      update(
        "aws_dynamodb_table.t",
        { global_secondary_index: [{ name: "due", hash_key: "shard" }] },
        {
          global_secondary_index: [
            { name: "by", hash_key: "owner" },
            { name: "due", hash_key: "shard" },
          ],
        },
      ),
    ],
    [
      "capacities of a table that has none any more",
      update(
        "aws_dynamodb_table.t",
        { billing_mode: "PROVISIONED", read_capacity: 5 },
        { billing_mode: "PAY_PER_REQUEST", read_capacity: 0 },
      ),
    ],
    [
      "a shorter wait for a batch, and another size of it",
      update(
        "aws_lambda_event_source_mapping.m",
        { maximum_batching_window_in_seconds: 10, batch_size: 100 },
        { maximum_batching_window_in_seconds: 1, batch_size: 10 },
      ),
    ],
    [
      "statements of a queue's policy in another order, and one more",
      update(
        "aws_sqs_queue.q",
        { policy: allowing({ Service: "a" }, { Service: "b" }) },
        { policy: allowing({ Service: "c" }, { Service: "b" }, { Service: "a" }) },
      ),
    ],
  ])("says nothing of %s", (_, change) => {
    expect(review([change]).findings).toEqual([]);
  });
});

describe("a policy with a condition", () => {
  const grant = (Principal: unknown, Condition: unknown, more = {}) =>
    review([
      create("aws_s3_bucket_policy.p", {
        policy: JSON.stringify({
          Statement: [{ Effect: "Allow", Principal, Action: "s3:GetObject", Resource: "b", Condition, ...more }],
        }),
      }),
    ]);

  it.each([
    ["a secure connection", { Bool: { "aws:SecureTransport": "true" } }],
    ["a date", { DateLessThan: { "aws:CurrentTime": "2030-01-01T00:00:00Z" } }],
    ["a caller that may be missing", { StringEqualsIfExists: { "aws:PrincipalOrgID": "o-1" } }],
    ["all but one caller", { StringNotEquals: { "aws:PrincipalAccount": "123456789012" } }],
    ["any caller", { ArnLike: { "aws:SourceArn": "*" } }],
    ["any caller of AWS", { ArnLike: { "aws:SourceArn": ["arn:aws:s3:::b", "arn:*"] } }],
    ["any address", { IpAddress: { "aws:SourceIp": "0.0.0.0/0" } }],
    ["one half of all addresses or the other", { IpAddress: { "aws:SourceIp": ["0.0.0.0/1", "128.0.0.0/1"] } }],
    ["a role of any account", { ArnLike: { "aws:PrincipalArn": "arn:aws:iam::*:role/admin" } }],
    ["a topic of any account", { ArnLike: { "aws:SourceArn": "arn:aws:sns:eu-central-1:*:alarms" } }],
    ["any organization", { StringLike: { "aws:PrincipalOrgID": "o-*" } }],
    ["a set of callers that may be empty", { "ForAllValues:StringEquals": { "aws:PrincipalOrgPaths": ["o-1/"] } }],
  ])("is for everybody when it asks for %s", (_, condition) => {
    for (const principal of ["*", { AWS: "*" }, { AWS: ["arn:aws:iam::1:root", "*"] }])
      expect(isForbidden(grant(principal, condition))).toBe(true);
  });

  it.each([
    ["an account", { StringEquals: { "aws:SourceAccount": "123456789012" } }],
    [
      "an organization, over TLS",
      { StringEquals: { "aws:PrincipalOrgID": "o-1" }, Bool: { "aws:SecureTransport": "true" } },
    ],
    ["a resource", { ArnLike: { "AWS:SourceArn": "arn:aws:events:eu-central-1:123456789012:rule/almanac-*" } }],
    ["a bucket", { ArnLike: { "aws:SourceArn": "arn:aws:s3:::exports" } }],
    ["an office", { IpAddress: { "aws:SourceIp": ["192.0.2.0/24"] } }],
  ])("is for some when it asks for %s", (_, condition) => {
    expect(grant("*", condition).findings).toEqual([]);
  });

  it("cannot hide a policy for everybody in the name of a resource", () => {
    const hidden = grant("*", undefined, { Resource: 'b by {"AWS":"arn:a"} if {"StringEquals":{}}' });
    expect(isForbidden(hidden)).toBe(true);
  });
});

describe("a policy that denies", () => {
  const denial = {
    ...{ Effect: "Deny", Principal: "*", Action: "s3:*", Resource: "*" },
    Condition: { Bool: { "aws:SecureTransport": "false" } },
  };
  const allowed = {
    Effect: "Allow",
    Principal: { AWS: "arn:aws:iam::123456789012:root" },
    Action: "s3:*",
    Resource: "*",
  };
  const policyOf = (...Statement: readonly object[]) => ({ policy: JSON.stringify({ Statement }) });
  const changed = (after: object) => review([update("aws_s3_bucket_policy.p", policyOf(allowed, denial), after)]);

  it.each([
    ["nothing any more", policyOf(allowed)],
    ["less", policyOf(allowed, { ...denial, Action: "s3:PutObject" })],
    ["something else", policyOf(allowed, { ...denial, Condition: { Bool: { "aws:SecureTransport": "true" } } })],
  ])("is exposed when it denies %s", (_, after) => {
    expect(changed(after).findings).toMatchObject([
      { verdict: "exposure", what: "no longer denies this", refused: true },
    ]);
  });

  it.each([
    ["part of what it denied", ["b", "b/*"], ["b/public/*"]],
    ["one of two resources", ["b", "c"], ["c"]],
    ["one new resource in place of two", ["b", "c"], ["d"]],
  ])("is exposed when it denies %s", (_, before, after) => {
    const change = update(
      "aws_s3_bucket_policy.p",
      policyOf({ ...denial, Resource: before }),
      policyOf({ ...denial, Resource: after }),
    );
    expect(isForbidden(review([change]))).toBe(true);
  });

  it("is not exposed when its resource is another, or part of what it denies now", () => {
    const [was, is] = [policyOf({ ...denial, Resource: "b/*" }), policyOf({ ...denial, Resource: "c/*" })];
    expect(review([update("aws_s3_bucket_policy.p", was, is)]).findings).toEqual([]);
    const wider = policyOf({ ...denial, Action: "s3:Get*", Resource: "b/*" });
    const narrower = policyOf({ ...denial, Action: "s3:GetObject", Resource: "b/public/*" });
    expect(review([update("aws_s3_bucket_policy.p", narrower, wider)]).findings).toEqual([]);
  });

  describe("of a role that has another", () => {
    const ofRole = (name: string, before: object | null, after: object | null): SampleChange => ({
      address: `module.bells.aws_iam_role_policy.${name}`,
      actions: before === null ? ["create"] : after === null ? ["delete"] : ["update"],
      before: before === null ? null : { role: "ring", ...before },
      after: after === null ? null : { role: "ring", ...after },
    });
    const own = { Effect: "Deny", Action: "s3:*", Resource: "b/*" };
    const role = (actions: readonly string[], name: string | null): SampleChange => ({
      address: "module.bells.aws_iam_role.ring",
      actions,
      before: { name: "ring" },
      after: name === null ? null : { name },
    });
    const undenied = { verdict: "exposure", address: "role ring", what: "no longer denies this", refused: true };

    it("is exposed when it is destroyed, and when the other denies less meanwhile", () => {
      expect(review([ofRole("a", policyOf(own), null)]).findings).toMatchObject([undenied]);
      const narrowed = ofRole("b", policyOf(own), policyOf({ ...own, Resource: "b/public/*" }));
      expect(review([ofRole("a", policyOf(allowed), null), narrowed]).findings).toMatchObject([
        undenied,
        { what: "no longer allows its role this: what needs it fails" },
      ]);
    });

    it("is exposed although the other is known after the apply only", () => {
      const other = ofRole("b", policyOf(allowed), { policy: "${module.read_later}" });
      const cannotBeJudged = {
        address: "role ring",
        what: "gets a policy that is known after the apply only: it cannot be judged",
      };
      expect(review([ofRole("a", policyOf(own), null), other]).findings).toMatchObject([cannotBeJudged, undenied]);
    });

    it("is not exposed when its role is destroyed or has another name, or the other denies the same", () => {
      expect(review([ofRole("a", policyOf(own), null), role(["delete"], null)]).findings).toEqual([]);
      expect(review([ofRole("a", policyOf(own), null), ofRole("b", null, policyOf(own))]).findings).toEqual([]);
      const renamed = review([ofRole("a", policyOf(own), null), role(["delete", "create"], "bell")]);
      expect(renamed.findings.map(({ what }) => what)).not.toContain(undenied.what);
    });
  });

  it("is not exposed when it denies more, and cannot be judged when it is known after the apply only", () => {
    expect(changed(policyOf(allowed, { ...denial, Action: "*" })).findings).toEqual([]);
    expect(changed(policyOf(allowed, denial, { ...denial, Action: "sqs:*" })).findings).toEqual([]);
    const later = update("aws_s3_bucket_policy.p", policyOf(denial), {});
    expect(
      review([unknown({ ...later, after: { policy: "${module.read_later}" } }, {})]).findings.map(({ what }) => what),
    ).toEqual(["gets a policy that is known after the apply only: it cannot be judged"]);
  });
});

describe("a policy that stays and no longer allows something", () => {
  const of = (...Statement: readonly object[]) => ({ policy: JSON.stringify({ Statement }) });
  const queue = "arn:aws:sqs:eu-central-1:123456789012:dlq";
  const rule = (name: string) => `arn:aws:events:eu-central-1:123456789012:rule/${name}`;
  const send = { Effect: "Allow", Action: "sqs:SendMessage", Resource: queue };
  const events = { Principal: { Service: "events.amazonaws.com" } };
  const from = (...sources: readonly string[]) => ({ Condition: { ArnEquals: { "aws:SourceArn": sources } } });
  const ofQueue = (before: object, after: object) => update("aws_sqs_queue.dlq", before, after);
  const ofRole = (before: object, after: object | null, name = "p"): SampleChange => ({
    address: `aws_iam_role_policy.${name}`,
    actions: after === null ? ["delete"] : ["update"],
    before: { role: "ring", ...before },
    after: after === null ? null : { role: "ring", ...after },
  });
  const write = { Effect: "Allow", Action: ["dynamodb:PutItem", "dynamodb:Query"], Resource: "arn:table" };
  const log = { Effect: "Allow", Action: "logs:PutLogEvents", Resource: "arn:log" };
  const whatOf = (...changes: readonly SampleChange[]) =>
    review(changes).findings.map(({ refused, what }) => `${refused ? "refused" : "warned"}: ${what}`);

  it.each<[what: string, severity: "refused" | "warned", change: SampleChange]>([
    ["a function's action", "warned", ofRole(of(write, log), of({ ...write, Action: "dynamodb:Query" }, log))],
    ["a function's table", "warned", ofRole(of(write, log), of({ ...write, Resource: "arn:other" }, log))],
    ["part of a function's table", "warned", ofRole(of(write), of({ ...write, Resource: "arn:table/index/*" }))],
    [
      "an action under a condition",
      "warned",
      ofRole(of(write), of({ ...write, Condition: { StringEquals: { "aws:ResourceTag/a": "b" } } })),
    ],
    [
      "a function's table, for one that is new",
      "warned",
      ofRole(of(write, log), of({ ...write, Resource: "${aws_dynamodb_table.new.arn}" }, log)),
    ],
    ["everything that a function may", "refused", ofRole(of(write, log), of())],
    ["everything that a function may, with the policy", "refused", ofRole(of(write, log), null)],
    [
      "an attached policy",
      "refused",
      {
        address: "aws_iam_role_policy_attachment.a",
        actions: ["delete"],
        before: { role: "ring", policy_arn: "arn:p" },
      },
    ],
    [
      "one of two senders",
      "refused",
      ofQueue(
        of({ ...send, ...events, ...from(rule("a"), rule("b")) }),
        of({ ...send, ...events, ...from(rule("a")) }),
      ),
    ],
    ["a service", "refused", ofQueue(of({ ...send, ...events }), of({ ...send, Principal: { Service: "sns" } }))],
    [
      "the CDN of a page",
      "refused",
      update(
        "aws_s3_bucket_policy.page",
        of({ Effect: "Allow", Action: "s3:GetObject", Resource: "b/*", Principal: { Service: "cloudfront" } }),
        of(),
      ),
    ],
    [
      "a role's service",
      "refused",
      update(
        "aws_iam_role.ring",
        { name: "ring", assume_role_policy: allowing({ Service: ["lambda", "states"] }) },
        { name: "ring", assume_role_policy: allowing({ Service: "states" }) },
      ),
    ],
    ["what is denied now", "refused", ofRole(of(write, log), of(write, log, { ...log, Effect: "Deny" }))],
    [
      "what is denied to all but one network",
      "refused",
      ofQueue(
        of({ ...send, ...events }),
        of(
          { ...send, ...events },
          { ...send, Effect: "Deny", Principal: "*", Condition: { StringNotEquals: { "aws:SourceVpce": "vpce-1" } } },
        ),
      ),
    ],
  ])("is a finding: %s is %s", (_, severity, change) => {
    const found = whatOf(change);
    expect(found).toHaveLength(1);
    expect(found[0]).toMatch(new RegExp(`^${severity}`));
  });

  it.each<[what: string, changes: readonly SampleChange[]]>([
    [
      "a statement is split, and has another Sid",
      [
        ofRole(
          of({ ...write, Sid: "One" }),
          of({ ...write, Sid: "A", Action: "dynamodb:Query" }, { ...write, Sid: "B", Action: ["dynamodb:PutItem"] }),
        ),
      ],
    ],
    ["it allows more", [ofRole(of(write), of({ ...write, Action: "dynamodb:*", Resource: ["arn:tab*"] }))]],
    ["its actions are written in capitals", [ofRole(of(log), of({ ...log, Action: "LOGS:PutLogEvents" }))]],
    [
      "its senders are a pattern",
      [
        ofQueue(
          of({ ...send, ...events, ...from(rule("x-a"), rule("x-b")) }),
          of({ ...send, ...events, Condition: { ArnLike: { "aws:SourceArn": rule("x-*") } } }),
        ),
      ],
    ],
    ["another policy of its role allows it", [ofRole(of(write), null), { ...ofRole(of(log), of(log, write), "q") }]],
    [
      "a policy of its role allows it that does not change",
      [ofRole(of(write), null), { ...ofRole(of(write), of(write), "q"), actions: ["no-op"] }],
    ],
    [
      "its resource exists, and gets an ARN that is known after the apply only",
      [
        ofRole(
          of({ ...write, Resource: "arn:table/stream/1" }),
          of({ ...write, Resource: "${aws_dynamodb_table.t.stream_arn}" }),
        ),
        { ...update("aws_dynamodb_table.t", {}, {}), actions: ["no-op"] },
      ],
    ],
    ["it is left to others", [{ ...ofRole(of(write), null), actions: ["forget"] }]],
    [
      "its table is destroyed or has another ARN",
      [
        ofRole(of(write, log), of(log)),
        { address: "terraform_data.table", actions: ["delete"], before: { arn: "arn:table" } },
      ],
    ],
    [
      "one of two senders is destroyed",
      [
        ofQueue(
          of({ ...send, ...events, ...from(rule("a"), rule("b")) }),
          of({ ...send, ...events, ...from(rule("b")) }),
        ),
        { address: "terraform_data.rule", actions: ["delete"], before: { arn: rule("a") } },
      ],
    ],
  ])("is none where %s", (_, changes) => {
    expect(whatOf(...changes).filter((what) => !what.includes("no longer managed"))).toEqual([]);
  });
});

describe("a policy that allows more", () => {
  const of = (...Statement: readonly object[]) => ({ policy: JSON.stringify({ Statement }) });
  const ofRole = (before: object, after: object) =>
    update("aws_iam_role_policy.p", { role: "ring", ...before }, { role: "ring", ...after });
  const own = "123456789012";
  const ofQueue = (before: object, after: object) => {
    const arn = `arn:aws:sqs:eu-central-1:${own}:q`;
    return update("aws_sqs_queue.q", { arn, ...before }, { arn, ...after });
  };
  const read = { Effect: "Allow", Action: "s3:GetObject", Resource: "arn:aws:s3:::files/*" };
  const send = {
    Effect: "Allow",
    Action: "sqs:SendMessage",
    Resource: "q",
    Principal: { Service: "events.amazonaws.com" },
  };
  const from = (source: string) => ({ Condition: { ArnLike: { "aws:SourceArn": source } } });
  const rule = `arn:aws:events:eu-central-1:${own}:rule/a`;
  const by = (AWS: string) => ({ ...send, Principal: { AWS } });

  it.each<[what: string, change: SampleChange]>([
    ["everything", ofRole(of(read), of(read, { Effect: "Allow", Action: "*", Resource: "*" }))],
    ["everything of a service", ofRole(of(read), of({ ...read, Action: "s3:*", Resource: "*" }))],
    [
      "everything of a service in AWS",
      ofRole(of(read), of(read, { ...read, Action: "kms:*", Resource: "arn:aws:kms:*:*:*" })),
    ],
    ["all but one action", ofRole(of(read), of(read, { Effect: "Allow", NotAction: "iam:*", Resource: "*" }))],
    ["to pass any role", ofRole(of(read), of(read, { Effect: "Allow", Action: "iam:PassRole", Resource: "*" }))],
    [
      "all that administrators may",
      create("aws_iam_role_policy_attachment.a", {
        role: "ring",
        policy_arn: "arn:aws:iam::aws:policy/AdministratorAccess",
      }),
    ],
    ["every rule of all accounts", ofQueue(of({ ...send, ...from(rule) }), of(send))],
    ["every sender", ofQueue(of({ ...send, ...from(rule) }), of({ ...send, ...from("*") }))],
    ["every item", ofRole(of({ ...read, Condition: { StringLike: { "dynamodb:LeadingKeys": ["a/*"] } } }), of(read))],
    ["another account", ofQueue(of(), of(by("arn:aws:iam::999999999999:root")))],
    ["another account by its number", ofQueue(of(by(own)), of(by(own), by("999999999999")))],
  ])("is exposure, and refused: %s", (_, change) => {
    expect(review([change]).findings.map(({ verdict, refused }) => [verdict, refused])).toEqual([["exposure", true]]);
  });

  it.each<[what: string, change: SampleChange]>([
    ["an action on a bucket", ofRole(of(read), of({ ...read, Action: "s3:*" }))],
    ["traces", ofRole(of(read), of(read, { ...read, Action: "xray:PutTraceSegments", Resource: "*" }))],
    ["to read roles", ofRole(of(read), of(read, { ...read, Action: "iam:GetRole", Resource: "*" }))],
    [
      "what it allowed",
      ofRole(
        of({ ...read, Action: "*", Resource: "*" }),
        of({ ...read, Action: "s3:*", Resource: "*" }, { ...read, Action: "*", Resource: "*" }),
      ),
    ],
    ["a prefix of rules", ofQueue(of({ ...send, ...from(rule) }), of({ ...send, ...from(`${rule}*`) }))],
    ["a role of its account", ofQueue(of(), of(by(`arn:aws:iam::${own}:role/r`)))],
  ])("is not: %s", (_, change) => {
    expect(review([change]).findings).toEqual([]);
  });

  it("is one that was no policy, or will be none", () => {
    const none = ofRole(of(read), { policy: '{"Statement":[{}]}' });
    expect(review([none]).findings).toMatchObject([{ verdict: "exposure", refused: true }]);
    expect(review([ofRole({ policy: "[]" }, of(read))]).findings).toEqual([]);
  });

  it.each([
    ["no JSON", "Allow everything"],
    ["JSON of another kind", '"*"'],
    ["other names", '{"statement":[{"effect":"Allow","action":"*","resource":"*"}]}'],
    ["another effect", '{"Statement":[{"Effect":"allow","Action":"*","Resource":"*"}]}'],
    ["an action that is no text", '{"Statement":[{"Effect":"Allow","Action":["*",5],"Resource":"*"}]}'],
    ["two lists of statements", '{"Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}],"Statement":[]}'],
  ])("is refused where it is not as AWS reads it: %s", (_, policy) => {
    const what = "gets a policy that cannot be read: it cannot be judged";
    expect(review([ofRole(of(read), { policy })]).findings).toMatchObject([
      { verdict: "exposure", refused: true, what },
    ]);
    expect(review([ofRole({ policy: '{"Statement":5}' }, { policy })]).findings).toMatchObject([{ what }]);
  });
});

describe("drift", () => {
  const drifted = (before: object, after: object, actions = ["update"]) =>
    JSON.parse(
      samplePlan([
        { address: "module.bells.aws_lambda_function.ring", actions, before: { ...before }, after: { ...after } },
      ]),
    ) as { resource_changes: unknown };
  const withDrift = (before: object, after: object, actions?: string[]) =>
    review([], [], { resource_drift: drifted(before, after, actions).resource_changes, configuration });
  const ring = { address: "aws_lambda_function.ring", expressions: { memory_size: {}, tags: {} } };
  const configuration = { root_module: { module_calls: { bells: { module: { resources: [ring] } } } } };

  it("is code that somebody else has uploaded, although Terraform would change nothing", () => {
    const report = withDrift({ code_sha256: "ours" }, { code_sha256: "theirs" });
    expect(report.drift).toMatchObject([{ address: "module.bells.aws_lambda_function.ring", destroyed: false }]);
    const markdown = toMarkdown(report, { environment: "staging" });
    expect(markdown).toContain("The deployed environment was changed outside Terraform");
    expect(markdown).toContain('code_sha256 = "theirs"');
  });

  it("is content, a policy, an alarm's actions and a table's time to live", () => {
    const changes: readonly SampleChange[] = [
      update("aws_s3_object.o", { etag: "ours", source_hash: "h" }, { etag: "theirs", source_hash: "h" }),
      update(
        "aws_s3_bucket_policy.p",
        { policy: '{"Statement":[]}' },
        { policy: '{"Statement":[{"Effect":"Allow"}]}' },
      ),
      update("aws_cloudwatch_metric_alarm.a", { alarm_actions: ["arn:topic"] }, { alarm_actions: [] }),
      update("aws_dynamodb_table.t", { ttl: [{ enabled: true }] }, { ttl: [{ enabled: false }] }),
    ];
    const set: Readonly<Record<string, object>> = {
      "aws_s3_object.o": { etag: {} },
      "aws_s3_bucket_policy.p": { policy: {} },
      "aws_cloudwatch_metric_alarm.a": { alarm_actions: {} },
      "aws_dynamodb_table.t": { ttl: {} },
    };
    const { resource_changes } = JSON.parse(samplePlan(changes)) as { resource_changes: unknown };
    const resources = Object.entries(set).map(([address, expressions]) => ({ address, expressions }));
    const { drift } = review([], [], {
      resource_drift: resource_changes,
      configuration: { root_module: { resources } },
    });
    expect(drift.map(({ address }) => address)).toEqual(Object.keys(set));
  });

  it("is a resource that somebody has deleted", () => {
    expect(withDrift({ name: "a" }, {}, ["delete"]).drift).toMatchObject([{ destroyed: true }]);
  });

  it("is an attribute that the configuration sets, and none that AWS or another resource sets", () => {
    const { drift } = withDrift({ memory_size: 128, policy: "" }, { memory_size: 512, policy: "{}" });
    expect(drift.flatMap(({ values }) => values.map(({ path }) => path))).toEqual(["memory_size"]);
  });

  it("is what opens a resource, although the configuration leaves it alone", () => {
    const changes: readonly SampleChange[] = [
      update(
        "aws_s3_bucket.code",
        { bucket: "code", grant: [] },
        { bucket: "code", grant: [{ uri: "AllUsers", permissions: ["READ"] }] },
      ),
      update(
        "aws_iam_role.ring",
        { name: "ring", inline_policy: [] },
        { name: "ring", inline_policy: [{ name: "theirs", policy: "{}" }] },
      ),
      update(
        "aws_iam_role.dispatch",
        { name: "dispatch", managed_policy_arns: [] },
        { name: "dispatch", managed_policy_arns: ["arn:aws:iam::aws:policy/AdministratorAccess"] },
      ),
    ];
    const { resource_changes } = JSON.parse(samplePlan(changes)) as { resource_changes: unknown };
    const resources = changes.map(({ address }) => ({ address, expressions: { name: {}, bucket: {} } }));
    const { drift } = review([], [], {
      resource_drift: resource_changes,
      configuration: { root_module: { resources } },
    });
    expect(drift.map(({ address }) => address)).toEqual(changes.map(({ address }) => address));
  });

  it("is nothing that other resources of the plan set", () => {
    const changes: readonly SampleChange[] = [
      update(
        "aws_s3_bucket.code",
        { bucket: "code", versioning: [] },
        { bucket: "code", versioning: [{ enabled: true }] },
      ),
      update(
        "aws_iam_role.ring",
        { name: "ring", inline_policy: [] },
        { name: "ring", inline_policy: [{ name: "permissions", policy: "{}" }] },
      ),
    ];
    const { resource_changes } = JSON.parse(samplePlan(changes)) as { resource_changes: unknown };
    const resources = changes.map(({ address }) => ({ address, expressions: { name: {}, bucket: {} } }));
    const others = [
      { address: "aws_s3_bucket_versioning.v", type: "aws_s3_bucket_versioning", values: { bucket: "code" } },
      { address: "aws_iam_role_policy.p", type: "aws_iam_role_policy", values: { role: "ring", name: "permissions" } },
    ].map((each) => ({ ...each, mode: "managed" }));
    const { drift } = review([], [], {
      resource_drift: resource_changes,
      configuration: { root_module: { resources } },
      planned_values: { root_module: { resources: others } },
    });
    expect(drift).toEqual([]);
  });

  it("is nothing that AWS itself keeps changing, and no empty value read back", () => {
    expect(withDrift({ last_modified: "1", tags: null }, { last_modified: "2", tags: {} }).drift).toEqual([]);
  });
});

describe("a policy that a stranger would write", () => {
  const statement = (more: object) => ({
    Effect: "Allow",
    Action: "s3:GetObject",
    Resource: "arn:aws:s3:::b/*",
    ...more,
  });
  const policyOf = (...statements: readonly object[]) => JSON.stringify({ Statement: statements });
  const role = (before: object | undefined, after: object): SampleChange => ({
    address: "aws_iam_role_policy.p",
    actions: [before === undefined ? "create" : "update"],
    before: before === undefined ? null : { role: "ring", policy: policyOf(before) },
    after: { role: "ring", policy: policyOf(after) },
  });
  const bucket = (before: object, after: object) =>
    update("aws_s3_bucket_policy.p", { policy: policyOf(before) }, { policy: policyOf(after) });
  const trust = (before: object, after: object) => {
    const by = (Condition: object) =>
      policyOf({
        Effect: "Allow",
        Principal: { Federated: "arn:oidc" },
        Action: "sts:AssumeRoleWithWebIdentity",
        Condition,
      });
    return update(
      "aws_iam_role.r",
      { name: "ring", assume_role_policy: by(before) },
      { name: "ring", assume_role_policy: by(after) },
    );
  };
  const main = { "t:aud": "sts.amazonaws.com", "t:sub": "repo:o/r:ref:refs/heads/main" };
  const account = { "aws:SourceAccount": "123456789012" };
  const service = { Principal: { Service: "events.amazonaws.com" } };
  const exposures = (change: SampleChange) =>
    review([change])
      .findings.filter(({ verdict, refused }) => verdict === "exposure" && refused)
      .map(({ what }) => what);

  it.each<[what: string, change: SampleChange, found: string]>([
    [
      "a role for every repository",
      trust({ StringEquals: main }, { StringLike: { ...main, "t:sub": "repo:o/*" } }),
      "allows this under a weaker condition",
    ],
    [
      "a role for each token",
      trust({ StringEquals: main }, { StringEquals: { "t:aud": main["t:aud"] } }),
      "can be used by everybody",
    ],
    [
      "a role without a second factor",
      trust({ StringEquals: main, Bool: { "aws:MultiFactorAuthPresent": "true" } }, { StringEquals: main }),
      "allows this under a weaker condition",
    ],
    [
      "a condition that a request without its key passes",
      bucket(
        statement({ ...service, Condition: { StringEquals: account } }),
        statement({ ...service, Condition: { StringEqualsIfExists: account } }),
      ),
      "allows this without a condition",
    ],
    [
      "one of two conditions",
      bucket(
        statement({ ...service, Condition: { StringEquals: account, StringLike: { "s3:prefix": "a/*" } } }),
        statement({ ...service, Condition: { StringEquals: account } }),
      ),
      "allows this under a weaker condition",
    ],
    [
      "a tenth of all accounts",
      bucket(
        statement({ Principal: "arn:aws:iam::123456789012:root" }),
        statement({ Principal: "*", Condition: { ArnLike: { "aws:PrincipalArn": "arn:aws:iam::1*:role/x" } } }),
      ),
      "can be used by everybody",
    ],
    [
      "any bucket",
      bucket(
        statement({ Principal: "arn:aws:iam::123456789012:root" }),
        statement({ Principal: "*", Condition: { ArnLike: { "aws:SourceArn": "arn:aws:s3:::*" } } }),
      ),
      "can be used by everybody",
    ],
    ...["*:*", "s*:*", "s3:?*", "i?m:PassRole", "*:Delete*"].map((Action): [string, SampleChange, string] => [
      `the actions ${Action}`,
      role(undefined, statement({ Action, Resource: "*" })),
      "is allowed this on everything",
    ]),
    ...["kms:Decrypt", "s3:GetObject", "secretsmanager:GetSecretValue"].map(
      (Action): [string, SampleChange, string] => [
        `what ${Action} reads`,
        role(undefined, statement({ Action, Resource: "*" })),
        "is allowed this on everything",
      ],
    ),
    [
      "every bucket",
      role(undefined, statement({ Action: "s3:*", Resource: "arn:aws:s3:::*" })),
      "is allowed this on everything",
    ],
    [
      "a denial with one more exception",
      role(
        { Effect: "Deny", NotAction: "s3:GetObject", Resource: "*" },
        { Effect: "Deny", NotAction: ["s3:GetObject", "s3:DeleteObject"], Resource: "*" },
      ),
      "no longer denies this",
    ],
  ])("is exposed to %s", (_, change, found) => {
    expect(exposures(change)).toEqual([found]);
  });

  it.each<[what: string, change: SampleChange]>([
    [
      "a role for one branch of many",
      trust({ StringLike: { "t:sub": "repo:o/*" } }, { StringEquals: { "t:sub": "repo:o/r" } }),
    ],
    [
      "all but more than before",
      role(
        statement({ Action: undefined, NotAction: "iam:*", Resource: "*" }),
        statement({ Action: undefined, NotAction: ["sts:*", "iam:*"], Resource: "*" }),
      ),
    ],
    [
      "a denial with one exception less",
      role(
        { Effect: "Deny", NotResource: ["arn:a", "arn:b"], Action: "s3:*" },
        { Effect: "Deny", NotResource: "arn:b", Action: "s3:*" },
      ),
    ],
    ["one bucket", role(undefined, statement({ Action: "s3:*", Resource: ["arn:aws:s3:::b", "arn:aws:s3:::b/*"] }))],
    ["what only reads", role(undefined, statement({ Action: "iam:GetRole", Resource: "*" }))],
    [
      "what a service decrypts",
      role(
        undefined,
        statement({
          Action: "kms:Decrypt",
          Resource: "*",
          Condition: { StringEquals: { "kms:ViaService": "sqs.eu-central-1.amazonaws.com" } },
        }),
      ),
    ],
    [
      "a stricter test",
      bucket(
        statement({ ...service, Condition: { StringEqualsIfExists: account } }),
        statement({ ...service, Condition: { StringEquals: account } }),
      ),
    ],
  ])("is not exposed to %s", (_, change) => {
    expect(exposures(change)).toEqual([]);
  });

  it("is not believed when it is sensitive and changes", () => {
    const change = (Principal: string) => ({
      ...bucket(statement({ Principal: "arn:aws:iam::123456789012:root" }), statement({ Principal })),
      before_sensitive: { policy: true },
      after_sensitive: { policy: true },
    });
    expect(exposures(change("*"))).toEqual(["gets a policy that is sensitive, so that no review shows what it allows"]);
    expect(exposures(change("arn:aws:iam::123456789012:root"))).toEqual([]);
    expect(JSON.stringify(review([change("*")]))).not.toContain("GetObject");
  });
});

it("a method's authorization is shown: it is no secret, whatever its name is", () => {
  const open = update("aws_api_gateway_method.m", { authorization: "AWS_IAM" }, { authorization: "NONE" });
  const report = review([open]);
  expect(report.findings[0]?.changes).toEqual(['authorization: "AWS_IAM" → "NONE"']);
  expect(report.modules[0]?.changes[0]?.values).toMatchObject([{ before: '"AWS_IAM"', after: '"NONE"' }]);
  const header = update("aws_x.m", { headers: { authorization: "OPENSESAME" } }, { headers: {} });
  expect(JSON.stringify(review([header]))).not.toContain("OPENSESAME");
});

it("an object of an unknown type that a failed replacement left behind is not classified", () => {
  const deposed = { ...destroy("aws_unheard_of.o"), deposed: "1f0cb1d2" };
  expect(review([deposed]).findings).toMatchObject([{ verdict: "unclassified", refused: true }]);
  expect(review([{ ...destroy("aws_lambda_function.f"), deposed: "1f0cb1d2" }]).findings).toEqual([]);
});
