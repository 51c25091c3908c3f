/** Which changes of an attribute are for the worse, and what each then means: the table of the review, by service. */
import type { Severity, Verdict } from "./classification";
import { UNKNOWN } from "./values";
import { fieldsOf, parseJson, type Fields } from "../shared/fields";

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
const isOf = (value: unknown) => (_: unknown, after: unknown) => after === value;
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
const layerOf = (arn: unknown) => String(arn).replace(/:\d+$/, "");
/** In any version. */
const hasLayer = (layers: unknown, arn: unknown) => [layers].flat().map(layerOf).includes(layerOf(arn));
const isNothing = (variables: unknown) =>
  variables !== UNKNOWN && Object.values(fieldsOf(variables)).every((value) => !isSet(value));
const hasSameCode = (resource: Fields, former: Fields) =>
  ["source_code_hash", "s3_key", "filename", "image_uri"].every((key) => resource[key] === former[key]);

/** More receives than a transient error takes. */
const MOST_RECEIVES = 100;
/** How often a message is received at most, until it is deleted. */
const receivesOf = (queue: Fields) =>
  Number(queue["message_retention_seconds"] ?? 345_600) /
  Math.max(1, Number(queue["visibility_timeout_seconds"] ?? 30));

/** Ten times as much as a threshold, period or count was: no adjustment. */
const isFarAbove = (before: unknown, after: unknown) => Number(after) >= 10 * Math.max(1, Math.abs(Number(before)));
const isFarBelow = (before: unknown, after: unknown) => Number(after) <= Number(before) / 10;
const isUpward = (operator: unknown) => String(operator).startsWith("Greater");
const isOfOneSide = (operator: unknown) => /^(Greater|Less)Than(OrEqualTo)?Threshold$/.test(String(operator));

/** Whether an alarm's threshold is so far away that what alarmed before does not alarm. */
function isOutOfReach(before: unknown, after: unknown, { comparison_operator: operator }: Fields): boolean {
  if (typeof before !== "number" || typeof after !== "number") return false;
  return isUpward(operator) ? after > before && isFarAbove(before, after) : after < before && isFarBelow(before, after);
}

/** What a file of settings contains. Undefined: it is known after the apply only, or not in the plan. */
function contentOf({ content }: Fields): unknown {
  if (typeof content !== "string" || content === UNKNOWN) return undefined;
  return parseJson(content) ?? content;
}
/** Whether a list in it is shorter, or an object in it no longer has a key. */
function hasFewer(was: unknown, is: unknown): boolean {
  if (typeof was !== "object" || was === null || is === undefined) return false;
  const has = new Map(typeof is === "object" && is !== null ? Object.entries(is) : []);
  return Object.entries(was).some(([key, item]) => !has.has(key) || hasFewer(item, has.get(key)));
}
const isEmptyContent = (content: unknown) =>
  content === "" || (typeof content === "object" && content !== null && Object.keys(content).length === 0);

/** Variables by which a function loads other code, trusts other servers or sends AWS's requests elsewhere. */
const REDIRECTS =
  /^environment\.\d+\.variables\.(NODE_(OPTIONS|PATH|EXTRA_CA_CERTS|TLS_REJECT_UNAUTHORIZED)|AWS_(LAMBDA_EXEC_WRAPPER|ENDPOINT_URL\w*|CA_BUNDLE)|LD_\w+|PATH|(HTTPS?|ALL)_PROXY)$/i;
/** Options of Node.js that our functions are built with: source maps, sizes. */
const isOwnOption = (option: unknown) =>
  String(option)
    .split(/\s+/)
    .every((each) => /^(--enable-source-maps|--max-[\w-]+=\d+|)$/.test(each));

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
    path: /^content(\.|$)/,
    verdict: "data",
    what: "is empty: what it configured is no longer done",
    if: (_, __, created, object, former) =>
      !created && isEmptyContent(contentOf(object) ?? former) && !isEmptyContent(contentOf(former) ?? ""),
  },
  {
    type: "aws_s3_object",
    path: /^content(\.|$)/,
    verdict: "data",
    severity: "warn",
    what: "has fewer entries: what they configured is no longer done",
    if: (_, __, created, object, former) => {
      const [was, is] = [contentOf(former), contentOf(object)];
      return !created && hasFewer(was, is);
    },
  },
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
    if: loweredOr(30),
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
    path: /^redrive_policy\.maxReceiveCount$/,
    verdict: "data",
    what: "retries messages that cannot be processed for so long that none reaches its dead-letter queue in time",
    if: (_, after, created, queue) => !created && Number(after) > Math.min(MOST_RECEIVES, receivesOf(queue)),
  },
  {
    type: "aws_sqs_queue",
    path: /^redrive_policy\.maxReceiveCount$/,
    verdict: "data",
    severity: "warn",
    what: "gives up on messages later: its dead-letter queue alarms later",
    if: (before, after, created) => !created && isSet(before) && lower(after, before),
  },
  {
    type: "aws_sqs_queue",
    path: /^delay_seconds$/,
    verdict: "data",
    severity: "warn",
    what: "delivers its messages later",
    if: (before, after, created) => !created && lower(after, before),
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
    what: "is not encrypted",
    if: (_, after, __, { kms_master_key_id: key }) => after === false && !isSet(key ?? undefined),
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
  {
    type: "aws_sns_topic_subscription",
    path: /^protocol$/,
    verdict: "exposure",
    what: "sends notifications over plain HTTP",
    if: isOf("http"),
  },
  {
    type: "aws_sns_topic_subscription",
    path: /^raw_message_delivery$/,
    verdict: "identity",
    severity: "warn",
    what: "receives messages in another form",
    if: (before, after, created) => !created && before !== after,
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
    path: /^alarm_name$/,
    verdict: "exposure",
    what: "notifies no topic",
    if: (_, __, created, { alarm_actions: topics }) => created && ![topics ?? []].flat().some(isSet),
  },
  {
    type: "aws_cloudwatch_metric_alarm",
    path: /^threshold$/,
    verdict: "exposure",
    what: "no longer alarms at what it alarmed at",
    if: (before, after, created, alarm) => !created && isOutOfReach(before, after, alarm),
  },
  {
    type: "aws_cloudwatch_metric_alarm",
    path: /^comparison_operator$/,
    verdict: "exposure",
    what: "no longer alarms at what it alarmed at",
    if: (before, after, created) =>
      !created && isOfOneSide(before) && isOfOneSide(after) && isUpward(before) !== isUpward(after),
  },
  {
    type: "aws_cloudwatch_metric_alarm",
    path: /^(evaluation_periods|datapoints_to_alarm|period|metric_query\.\d+\.metric\.\d+\.period)$/,
    verdict: "exposure",
    what: "alarms after ten times as long, or longer",
    if: (before, after, created) => !created && isSet(before) && isFarAbove(before, after),
  },
  {
    type: "aws_cloudwatch_metric_alarm",
    path: /^treat_missing_data$/,
    verdict: "exposure",
    what: "no longer alarms when its metric stops",
    if: (before, after, created) => !created && before === "breaching" && after !== before,
  },
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
  {
    type: "aws_cloudwatch_event_target",
    path: /^input(\.|$)/,
    verdict: "data",
    severity: "warn",
    what: "receives another input",
    if: (_, __, created) => !created,
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
    path: REDIRECTS,
    verdict: "exposure",
    what: "loads other code, or sends its requests elsewhere",
    if: (_, after) => isSet(after) && !isOwnOption(after),
  },
  {
    type: "aws_lambda_function",
    path: /^environment\.\d+\.variables\.(\w+_)?(ARN|ARNS|BUCKET|ENDPOINT|FUNCTION|PARAMETER|PREFIX|QUEUE|TABLE|TOPIC|URL)$/,
    verdict: "identity",
    severity: "warn",
    what: "has the same code with another resource: it reads or writes in another place",
    if: (before, after, created, resource, former) =>
      !created && isSet(before) && isSet(after) && hasSameCode(resource, former),
  },
  {
    type: "aws_lambda_function",
    path: /^s3_bucket$/,
    verdict: "exposure",
    severity: "warn",
    what: "has its code from another bucket",
    if: another,
  },
  {
    type: "aws_lambda_function",
    path: /^role$/,
    verdict: "exposure",
    severity: "warn",
    what: "has the permissions of another role",
    if: another,
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
    if: (before, _, created, { layers }) => !created && isSet(before) && !hasLayer(layers, before),
  },
  {
    type: "aws_lambda_function",
    path: /^layers\.\d+$/,
    verdict: "exposure",
    severity: "warn",
    what: "loads the code of another layer",
    if: (_, after, created, __, { layers }) => !created && isSet(after) && !hasLayer(layers, after),
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
    if: (before, after) => after === 0 && before !== 0,
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
    verdict: "exposure",
    what: "sends the requests of its callers to another server",
    if: (_, after) => after === "HTTP" || after === "HTTP_PROXY",
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
    path: /^settings\.\d+\.throttling_(burst|rate)_limit$/,
    verdict: "data",
    severity: "warn",
    what: "refuses requests beyond a lower limit",
    // A limit below 0 is none.
    if: (before, after, created) =>
      !created && Number(after ?? -1) >= 0 && (Number(before ?? -1) < 0 || lower(before, after)),
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
    path: /^disable_execute_api_endpoint$/,
    verdict: "identity",
    what: "no longer answers at its URL",
    if: turnedOn,
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
    path: /^role_arn$/,
    verdict: "exposure",
    severity: "warn",
    what: "has the permissions of another role",
    if: another,
  },
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
