/** The contents of a module, in lines that a snapshot holds. */
import * as z from "zod";
import { describePolicy, type TerraformJson } from "./synthesized";

type Resource = Readonly<Record<string, unknown>>;

/**
 * A module on one screen: a line for each route, function, table, bucket, queue, rule and alarm, and what each role may do as sentences. How they
 * are made is the constructs' affair, and held by their tests.
 */
export function overview(json: TerraformJson): string {
  const shown = new Set<string>();
  const each = (type: string, describe: (resource: Resource, name: string) => string | readonly string[]): string[] => {
    shown.add(type);
    return Object.entries(json.resource[type] ?? {})
      .flatMap(([name, resource]) => describe(resource, name))
      .map(withoutAddresses);
  };
  const sections: Readonly<Record<string, readonly string[]>> = {
    variables: Object.keys(json.variable).sort(),
    outputs: Object.keys(json.output).sort(),
    routes: each("aws_api_gateway_deployment", ({ triggers }) =>
      Object.entries(triggers as Resource)
        .filter(([route]) => route !== "definition")
        .map(([route, to]) => `${route}: ${String(to)}`),
    ),
    functions: each("aws_lambda_function", functionLine),
    "called by": each(
      "aws_lambda_event_source_mapping",
      ({ function_name: to, event_source_arn: from, batch_size: batch }) => {
        return `${String(to)}: ${String(from)}, ${String(batch)} at a time`;
      },
    ).concat(
      each("aws_cloudwatch_event_target", ({ arn, rule }) => `${String(arn)}: ${String(rule)}`),
      each("aws_cloudwatch_event_rule", ({ schedule_expression: when }, name) => `${name}: ${String(when)}`),
    ),
    "when a call fails": each(
      "aws_lambda_function_event_invoke_config",
      ({ function_name: to, destination_config: config, maximum_retry_attempts: retries }) =>
        `${String(to)}: ${String(retries)} retries, then ${JSON.stringify(config)}`,
    ),
    permissions: each("aws_iam_role_policy", ({ policy }, name) =>
      describePolicy(policy)
        .filter((statement) => !/\((Logs|Traces)\)$/.test(statement))
        .map((statement) => `${name.replace(/_policy$/, "")}: ${statement}`),
    ),
    tables: each("aws_dynamodb_table", tableLine),
    buckets: each("aws_s3_bucket", ({ bucket }, name) => `${name}: ${String(bucket)}`),
    queues: each("aws_sqs_queue", queueLine),
    alarms: each("aws_cloudwatch_metric_alarm", alarmLine),
    besides: Object.entries(json.resource)
      .filter(([type]) => !shown.has(type))
      .map(([type, named]) => `${Object.keys(named).length} ${type}`),
  };
  return Object.entries(sections)
    .map(([title, lines]) => [`${title}:`, ...[...lines].sort().map((line) => `  ${line}`)].join("\n"))
    .join("\n\n");
}

const functionSchema = z.looseObject({
  /** `${filebase64sha256("${path.module}/assets/api.zip")}` */
  source_code_hash: z.string().transform((hash) => /[\w-]+\.zip/.exec(hash)?.[0] ?? hash),
  memory_size: z.number().or(z.string()),
  timeout: z.number().or(z.string()),
  environment: z.object({ variables: z.record(z.string(), z.unknown()) }),
});

/** What every function has. */
const COMMON_VARIABLES = /^(ALMANAC_|POWERTOOLS_|NODE_)/;

function functionLine(resource: Resource, name: string): string {
  const { source_code_hash: zip, memory_size: memory, timeout, environment } = functionSchema.parse(resource);
  const variables = Object.keys(environment.variables).filter((variable) => !COMMON_VARIABLES.test(variable));
  return `${name}: ${zip}, ${memory} MB, ${timeout} s; ${variables.join(", ")}`;
}

const tableSchema = z.looseObject({
  hash_key: z.string(),
  range_key: z.string().nullish(),
  ttl: z.object({ attribute_name: z.string() }).nullish(),
  global_secondary_index: z
    .array(z.object({ name: z.string(), hash_key: z.string(), range_key: z.string() }))
    .nullish(),
});

function tableLine(resource: Resource, name: string): string {
  const { hash_key: hash, range_key: range, ttl, global_secondary_index: indexes } = tableSchema.parse(resource);
  const keys = (parts: readonly (string | null | undefined)[]) => parts.filter(Boolean).join(" + ");
  return [
    `${name}: ${keys([hash, range])}`,
    ...(indexes ?? []).map((index) => `index ${index.name}: ${keys([index.hash_key, index.range_key])}`),
    ...(ttl ? [`expires by ${ttl.attribute_name}`] : []),
  ].join("; ");
}

const queueSchema = z.looseObject({
  visibility_timeout_seconds: z.number().nullish(),
  redrive_policy: z.string().nullish(),
});

function queueLine(resource: Resource, name: string): string {
  const { visibility_timeout_seconds: hidden, redrive_policy: redrive } = queueSchema.parse(resource);
  return [name, ...(hidden ? [`hidden for ${hidden} s`] : []), ...(redrive ? [redrive] : [])].join(", ");
}

const alarmSchema = z.looseObject({
  alarm_description: z.string(),
  metric_name: z.string(),
  statistic: z.string(),
  comparison_operator: z.enum(["GreaterThanThreshold", "LessThanThreshold"]),
  threshold: z.number(),
  period: z.number().or(z.string()),
  evaluation_periods: z.number(),
  treat_missing_data: z.string(),
});

function alarmLine(resource: Resource, name: string): string {
  const alarm = alarmSchema.parse(resource);
  const compared = alarm.comparison_operator === "GreaterThanThreshold" ? ">" : "<";
  const missing = alarm.treat_missing_data === "notBreaching" ? "" : ", or nothing is known";
  const when = `${alarm.statistic} of ${alarm.metric_name} ${compared} ${alarm.threshold} for ${alarm.evaluation_periods} x ${alarm.period} s`;
  const text = alarm.alarm_description.replaceAll("\n\n", " ").replace(/https:.*\/operations\//, "");
  return `${name}: ${when}${missing}. ${text}`;
}

/** `${aws_dynamodb_table.table.arn}/index/due` -> `table/index/due`; ARNs of this account and region without these. */
function withoutAddresses(line: string): string {
  return line
    .replace(/\$\{aws_\w+\.(\w+)\.\w+\}/g, "$1")
    .replace(/arn:\$\{data[^}]+\}:(\w+):\$\{data[^}]+\}:\$\{data[^}]+\}:/g, "$1:");
}
