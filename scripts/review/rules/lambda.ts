/** Rules of the review: Lambda. */
import { UNKNOWN } from "../values";
import { fieldsOf, type Fields } from "../../shared/fields";
import { another, changed, gone, isSet, lower, lowered, loweredOr, turnedOff, type Rule } from "./rule";

const isOlder = (version = "", other = "") => version.localeCompare(other, "en", { numeric: true }) < 0;

const isEmptyEnvironment = ({ environment }: Fields) =>
  [environment].flat().every((each) => each !== UNKNOWN && isNothing(fieldsOf(each)["variables"]));

const layerOf = (arn: unknown) => String(arn).replace(/:\d+$/, "");

/** In any version. */
const hasLayer = (layers: unknown, arn: unknown) => [layers].flat().map(layerOf).includes(layerOf(arn));

const isNothing = (variables: unknown) =>
  variables !== UNKNOWN && Object.values(fieldsOf(variables)).every((value) => !isSet(value));

const hasSameCode = (resource: Fields, former: Fields) =>
  ["source_code_hash", "s3_key", "filename", "image_uri"].every((key) => resource[key] === former[key]);

/** Variables by which a function loads other code, trusts other servers or sends AWS's requests elsewhere. */
const REDIRECTS =
  /^environment\.\d+\.variables\.(NODE_(OPTIONS|PATH|EXTRA_CA_CERTS|TLS_REJECT_UNAUTHORIZED)|AWS_(LAMBDA_EXEC_WRAPPER|ENDPOINT_URL\w*|CA_BUNDLE)|LD_\w+|PATH|(HTTPS?|ALL)_PROXY)$/i;

/** Options of Node.js that our functions are built with: source maps, sizes. */
const isOwnOption = (option: unknown) =>
  String(option)
    .split(/\s+/)
    .every((each) => /^(--enable-source-maps|--max-[\w-]+=\d+|)$/.test(each));

export const LAMBDA_RULES: readonly Rule[] = [
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
];
