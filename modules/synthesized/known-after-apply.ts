/** Stands in for values that AWS assigns at the deployment, at their real lengths: names are known, so most ARNs are. */
import type { Resource } from "./resources";

/** Twelve digits, as every account id. */
export const ACCOUNT_ID = "123456789012";

/** An attribute that nothing below knows. Longer than any id of ours that AWS assigns. */
const UNKNOWN = "x".repeat(64);

export interface Place {
  readonly partition: string;
  readonly region: string;
}

/** The argument that a resource's name is in. */
const NAMES: Readonly<Record<string, string>> = {
  aws_cloudwatch_dashboard: "dashboard_name",
  aws_cloudwatch_metric_alarm: "alarm_name",
  aws_kms_alias: "name",
  aws_lambda_function: "function_name",
  aws_s3_bucket: "bucket",
  aws_s3_object: "key",
};

/** ARNs by type: service and resource. Global services leave out region, or account too. */
const ARNS: Readonly<Record<string, (name: string) => readonly [service: string, resource: string]>> = {
  aws_cloudwatch_event_rule: (name) => ["events", `rule/${name}`],
  aws_cloudwatch_log_group: (name) => ["logs", `log-group:${name}`],
  aws_dynamodb_table: (name) => ["dynamodb", `table/${name}`],
  aws_kms_key: () => ["kms", "key/00000000-0000-0000-0000-000000000000"],
  aws_lambda_function: (name) => ["lambda", `function:${name}`],
  aws_sfn_state_machine: (name) => ["states", `stateMachine:${name}`],
  aws_sns_topic: (name) => ["sns", name],
  aws_sqs_queue: (name) => ["sqs", name],
};

/** The name that a resource has in AWS; undefined when it has none. */
export function physicalNameOf({ type, values }: Pick<Resource, "type" | "values">): string | undefined {
  const name = values[NAMES[type] ?? "name"];
  return typeof name === "string" ? name : undefined;
}

/** The resources with a value of the right length in place of each reference. */
export function withReferences(resources: readonly Resource[], place: Place): readonly Resource[] {
  const byAddress = new Map(resources.map((resource) => [resource.address, resource]));
  const replace = (value: unknown): unknown => {
    if (typeof value === "string")
      return value.replace(/(?<!\$)\$\{([\w.-]+)\.(\w+)\}/g, (_, address: string, attribute: string) => {
        const resource = byAddress.get(address);
        return resource === undefined ? UNKNOWN : attributeOf(resource, attribute, place, replace);
      });
    if (Array.isArray(value)) return value.map(replace);
    if (typeof value !== "object" || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, replace(item)]));
  };
  return resources.map((resource) => ({ ...resource, values: replace(resource.values) as Resource["values"] }));
}

function attributeOf(
  resource: Resource,
  attribute: string,
  { partition, region }: Place,
  replace: (value: unknown) => unknown,
): string {
  const { type, values } = resource;
  const written = values[attribute];
  if (typeof written === "string") return String(replace(written));
  const name = String(replace(physicalNameOf(resource) ?? UNKNOWN));
  const [service, path] = ARNS[type]?.(name) ?? [];
  const arn = `arn:${partition}:${service ?? ""}:${region}:${ACCOUNT_ID}:${path ?? ""}`;
  switch (attribute) {
    case "arn":
      if (type === "aws_s3_bucket") return `arn:${partition}:s3:::${name}`;
      if (type === "aws_cloudfront_distribution")
        return `arn:${partition}:cloudfront::${ACCOUNT_ID}:distribution/E0000000000000`;
      if (type === "aws_iam_role") return `arn:${partition}:iam::${ACCOUNT_ID}:role/${name}`;
      return service === undefined ? UNKNOWN : arn;
    case "stream_arn":
      return `${arn}/stream/2026-11-21T17:00:00.000`;
    case "id":
      // An API by its name, which distinguishes it from other APIs.
      return type.startsWith("aws_api_gateway_") && type !== "aws_api_gateway_rest_api" ? "0123456789" : name;
    case "url":
      return `https://sqs.${region}.amazonaws.com/${ACCOUNT_ID}/${name}`;
    case "execution_arn":
      return `arn:${partition}:execute-api:${region}:${ACCOUNT_ID}:0123456789`;
    case "invoke_arn":
      return `arn:${partition}:apigateway:${region}:lambda:path/2015-03-31/functions/${arn}/invocations`;
    default:
      return UNKNOWN;
  }
}
