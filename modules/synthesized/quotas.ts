/** Compares a synthesized environment with AWS's limits. */
import { ACCOUNT_ID, physicalNameOf, withReferences, type Place } from "./known-after-apply";
import { LIMITS, SUM_LIMITS, type Limit, type SumLimit } from "./limits";
import { partitionOf } from "./partition";
import { resourcesOf, type Resource, type Stack } from "./resources";

interface Quotas {
  /** What AWS would refuse: one sentence each. `the policy of almanac-staging-exports-dlq has 21 statements; SQS allows 20`. */
  readonly faults: readonly string[];
  /** What AWS refuses until it has raised a quota of the account. */
  readonly warnings: readonly string[];
}

export function compareWithQuotas(root: Stack, modules: Readonly<Record<string, Stack>>, region: string): Quotas {
  const place: Place = { region, partition: partitionOf(region) };
  const data: Readonly<Record<string, string>> = {
    aws_caller_identity: ACCOUNT_ID,
    aws_region: region,
    aws_partition: place.partition,
  };
  const empty: Stack = { resource: {}, module: {}, output: {} };
  const resources = withReferences(
    resourcesOf(
      root,
      (name) => modules[name] ?? empty,
      (reference) => (reference.startsWith("data.") ? data[reference.split(".")[1] ?? ""] : undefined),
    ),
    place,
  );
  const sums = (adjustable: boolean) =>
    SUM_LIMITS.filter((limit) => (limit.adjustable === true) === adjustable).flatMap((limit) =>
      sumFaultsOf(resources, limit),
    );
  const faults = [
    ...resources.flatMap((resource) =>
      LIMITS.filter(({ type }) => type === resource.type).flatMap((limit) => faultsOf(resource, limit)),
    ),
    ...sums(false),
    ...resources.flatMap((resource) => foreignArns(resource, place)),
    ...duplicateNames(resources),
  ];
  return { faults, warnings: sums(true) };
}

function faultsOf(resource: Resource, limit: Limit): readonly string[] {
  const { path, least = -Infinity, most = Infinity, pattern, service, unit } = limit;
  const values = valuesAt(resource.values, path.split("."), unit === "items");
  const looked = unit === "names" ? values.flatMap((value) => Object.keys(Object(value) as object)) : values;
  return looked.flatMap((value) => {
    const size = sizeOf(value, unit);
    const what = `${subjectOf(path)} of ${nameOf(resource)}`;
    const counted = typeof value === "number" ? `is ${value}` : `has ${size} ${unit ?? "characters"}`;
    if (size > most) return [`${what} ${counted}; ${service} allows ${most}`];
    if (size < least) return [`${what} ${counted}; ${service} requires ${least}`];
    if (pattern !== undefined && typeof value === "string" && !matchesWhole(pattern, value))
      return [`${what} has characters that ${service} does not allow: ${JSON.stringify(value.slice(0, 80))}`];
    return [];
  });
}

function sumFaultsOf(resources: readonly Resource[], { type, by, size, unit, most, service }: SumLimit): string[] {
  const sums = new Map<string, number>();
  for (const { type: each, values } of resources) {
    if (each !== type) continue;
    const owner = by === undefined ? "the environment" : String(values[by]);
    sums.set(owner, (sums.get(owner) ?? 0) + size(values));
  }
  return [...sums]
    .filter(([, sum]) => sum > most)
    .map(([owner, sum]) => `${owner} needs ${sum} ${unit}; ${service} allows ${most}`);
}

/** Arguments in which AWS looks at the partition. */
const OF_ONE_PARTITION = /^(.*policy|.*_arn|role|layers|definition|alarm_actions|ok_actions)$/;

/** A permission that was written for another partition: IAM refuses the policy, and other services find nothing. */
function foreignArns(resource: Resource, { partition, region }: Place): readonly string[] {
  return Object.entries(resource.values)
    .filter(([name]) => OF_ONE_PARTITION.test(name))
    .flatMap(([name, value]) => {
      const arns = JSON.stringify(value).match(/\barn:aws[a-z-]*:[^"\\ ]*/g) ?? [];
      return [...new Set(arns)]
        .filter((arn) => !arn.startsWith(`arn:${partition}:`))
        .map(
          (arn) =>
            `${subjectOf(name)} of ${nameOf(resource)} has ${arn}; ARNs in ${region} begin with arn:${partition}`,
        );
    });
}

/**
 * A name in the configuration can make one that Almanac uses itself: the queue of a pipeline `orderDlq` has the name of the dead-letter
 * queue of `order`. AWS refuses the second, or Terraform changes one resource from two places.
 */
export function duplicateNames(resources: readonly Resource[]): readonly string[] {
  const seen = new Map<string, string>();
  return resources.flatMap(({ type, values, address }) => {
    const name = UNIQUE.has(type) ? physicalNameOf({ type, values }) : objectNameOf({ type, values });
    if (name === undefined) return [];
    const first = seen.get(`${type} ${name}`);
    seen.set(`${type} ${name}`, address);
    return first === undefined
      ? []
      : [`${first} and ${address} would both be named ${name}. Choose another name in the configuration.`];
  });
}

/** An object's name is unique in its bucket. */
function objectNameOf({ type, values: { bucket, key } }: Pick<Resource, "type" | "values">): string | undefined {
  return type === "aws_s3_object" ? `${String(bucket)}/${String(key)}` : undefined;
}

const UNIQUE = new Set([
  "aws_cloudwatch_event_rule",
  "aws_cloudwatch_log_group",
  "aws_cloudwatch_metric_alarm",
  "aws_dynamodb_table",
  "aws_iam_role",
  "aws_kms_alias",
  "aws_lambda_function",
  "aws_s3_bucket",
  "aws_sfn_state_machine",
  "aws_sns_topic",
  "aws_sqs_queue",
]);

/** The values at a path. Lists are entered, except one that is itself counted. */
function valuesAt(value: unknown, path: readonly string[], counted: boolean): readonly unknown[] {
  if (value === undefined || value === null) return [];
  const [key, ...rest] = path;
  if (key === undefined)
    return Array.isArray(value) && !counted ? value.flatMap((item) => valuesAt(item, [], false)) : [value];
  if (Array.isArray(value)) return value.flatMap((item) => valuesAt(item, path, counted));
  const object = typeof value === "string" ? parsed(value) : value;
  if (typeof object !== "object") return [];
  if (key === "*") return Object.values(object).flatMap((item) => valuesAt(item, rest, counted));
  return valuesAt((object as Readonly<Record<string, unknown>>)[key], rest, counted);
}

function sizeOf(value: unknown, unit: Limit["unit"]): number {
  // A list of one may be written without its brackets.
  if (unit === "items") return typeof value === "object" && value !== null ? Object.keys(value).length : 1;
  if (unit === "statements") return statementsOf(value);
  if (typeof value === "number") return value;
  if (unit !== "bytes") return Array.from(String(value)).length;
  // Lambda measures the variables of a function as JSON.
  if (typeof value === "object" && value !== null) return Buffer.byteLength(JSON.stringify(value));
  return Buffer.byteLength(String(value));
}

function statementsOf(policy: unknown): number {
  const { Statement } = parsed(String(policy)) as { readonly Statement?: unknown };
  return [Statement ?? []].flat().length;
}

function parsed(json: string): object {
  try {
    const value: unknown = JSON.parse(json);
    return typeof value === "object" && value !== null ? value : {};
  } catch {
    return {};
  }
}

const matchesWhole = (pattern: RegExp, text: string) => new RegExp(`^(?:${pattern.source})$`, "s").test(text);

/** `the policy`, `the dimensions`. */
function subjectOf(path: string): string {
  return `the ${path.replace(/\.\*$/, "").replaceAll(/[._]/g, " ")}`;
}

function nameOf(resource: Resource): string {
  const name = physicalNameOf(resource);
  return name === undefined || name.length > 100 ? resource.address : name;
}
