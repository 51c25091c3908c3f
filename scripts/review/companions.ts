/** Resources that serve another, such as the policy of a bucket: destroyed with it, they are no finding of their own. */
import { groupBy } from "../../functions/shared/group-by";
import { fieldsOf, isFields, type Fields } from "../shared/fields";
import type { ResourceChange } from "./plan";
import { holdsTrue } from "./values";

/** Whether a destroyed resource, by its last values, served only resources that the plan destroys too. */
export type GoesWith = (last: Fields, plan: DestroyedResources, module: string) => boolean;

/** What names a resource in the arguments of others. */
const NAMES = ["arn", "bucket", "execution_arn", "function_name", "id", "name", "stream_arn"] as const;

/** The resources that a plan destroys and creates nowhere else. */
export class DestroyedResources {
  readonly #changes: readonly ResourceChange[];
  readonly #destroyed: ReadonlySet<string>;
  readonly #kept: ReadonlyMap<string, readonly ResourceChange[]>;

  constructor(changes: readonly ResourceChange[]) {
    this.#changes = changes.filter(({ mode, deposed }) => mode === "managed" && deposed === undefined);
    const staying = this.#changes.filter((change) => !isDestroyed(change) && isFields(change.change.after));
    this.#kept = groupBy(staying, ({ type }) => type);
    const kept = new Set(staying.flatMap((it) => namesOf(it, fieldsOf(it.change.after))));
    this.#destroyed = new Set(
      this.#changes
        .filter(isDestroyed)
        .map((it) => namesOf(it, fieldsOf(it.change.before)))
        // The same name at another address is the same resource to those that use it.
        .filter((names) => !names.some((name) => kept.has(name)))
        .flat(),
    );
  }

  /** @param name its ARN, id or name */
  has(type: string, name: unknown): boolean {
    return typeof name === "string" && name !== "" && this.#destroyed.has(`${type} ${name}`);
  }

  /** Whether a resource that the plan creates or keeps has the same values of these attributes, all of which are known. */
  staysWith(type: string, last: Fields, attributes: string | undefined): boolean {
    if (attributes === undefined) return false;
    const names = attributes.split(" ");
    // A state has all attributes of a resource, null where they are unset.
    if (!names.every((name) => name in last)) return false;
    return (this.#kept.get(type) ?? []).some(({ change: { after, after_unknown: unknown } }) => {
      const [planned, unknowns] = [fieldsOf(after), fieldsOf(unknown)];
      const isKnown = unknown !== true && names.every((name) => !holdsTrue(unknowns[name]));
      return isKnown && names.every((name) => contentOf(planned[name]) === contentOf(last[name]));
    });
  }

  /** Whether nothing of a feature's module is left. The environment itself, "", is none. */
  hasModule(address: string): boolean {
    return (
      address !== "" && this.#changes.every((it) => it.module_address !== address || isDestroyed(it) || isRead(it))
    );
  }

  /** The last values of the resources of a type, whatever becomes of them. */
  lastOf(type: string): readonly (Fields & { readonly isDestroyed: boolean })[] {
    return this.#changes
      .filter((it) => it.type === type && it.change.before !== null)
      .map((it) => ({ ...fieldsOf(it.change.before), isDestroyed: isDestroyed(it) }));
  }
}

/** Absent, null and empty are the same. */
const contentOf = (value: unknown) =>
  value === null || value === undefined || value === "" || (Array.isArray(value) && value.length === 0)
    ? ""
    : JSON.stringify(value);

const isDestroyed = ({ change: { actions } }: ResourceChange) =>
  actions.includes("delete") && !actions.includes("create");
const isRead = ({ change: { actions } }: ResourceChange) => actions.every((action) => action === "read");

const namesOf = ({ type }: ResourceChange, values: Fields): readonly string[] =>
  NAMES.flatMap((name) => {
    const value = values[name];
    return typeof value === "string" && value !== "" ? [`${type} ${value}`] : [];
  });

/** `withAny(["aws_s3_bucket", "bucket"])`: with the bucket that its argument names. Of several, any ends its use. */
export const withAny =
  (...uses: readonly (readonly [type: string, argument: string])[]): GoesWith =>
  (last, plan) =>
    uses.some(([type, argument]) => plan.has(type, last[argument]));

/** With all resources of a type that name it in their arguments. */
export const withUsers =
  (type: string, name: string): GoesWith =>
  (last, plan) => {
    const users = plan.lastOf(type).filter((it) => JSON.stringify(it).includes(`"${String(last[name])}"`));
    return users.length > 0 && users.every(({ isDestroyed: gone }) => gone);
  };

/** With any that one of these goes with. */
export const either =
  (...all: readonly GoesWith[]): GoesWith =>
  (...of) =>
    all.some((goesWith) => goesWith(...of));

/** With the method that it is about, or its API. */
export const withMethod: GoesWith = (last, plan) => {
  const { rest_api_id: api, resource_id: resource, http_method: method } = last;
  if (plan.has(API, api) || plan.has("aws_api_gateway_resource", resource)) return true;
  return plan
    .lastOf("aws_api_gateway_method")
    .some(
      (it) =>
        it.isDestroyed && it["rest_api_id"] === api && it["resource_id"] === resource && it["http_method"] === method,
    );
};

/** With the route that `~1ping~1{key}/GET` names, or its stage, or its API. */
export const withRoute: GoesWith = (last, plan) => {
  const { rest_api_id: api, stage_name: stage, method_path: route } = last;
  if (plan.has(API, api)) return true;
  const isOfApi = (it: Fields) => it["rest_api_id"] === api;
  if (plan.lastOf("aws_api_gateway_stage").some((it) => it.isDestroyed && isOfApi(it) && it["stage_name"] === stage))
    return true;
  const resources = plan.lastOf("aws_api_gateway_resource").filter(isOfApi);
  return plan
    .lastOf("aws_api_gateway_method")
    .filter((it) => it.isDestroyed && isOfApi(it))
    .some(({ resource_id, http_method }) => {
      const path = resources.find(({ id }) => id === resource_id)?.["path"];
      return typeof path === "string" && `${path.replaceAll("/", "~1")}/${String(http_method)}` === route;
    });
};

/** With the targets that an EventBridge rule invokes. */
export const withTargets: GoesWith = ({ name }, plan) => {
  const targets = plan.lastOf("aws_cloudwatch_event_target").filter(({ rule }) => rule === name);
  return targets.length > 0 && targets.every((target) => withTarget(target, plan, ""));
};

/** With what EventBridge delivers to. */
export const withTarget: GoesWith = ({ arn }, plan) =>
  ["aws_lambda_function", "aws_sfn_state_machine", "aws_sqs_queue", "aws_sns_topic"].some((type) =>
    plan.has(type, arn),
  );

/** With the function that a permission opens, or the API or all rules that it lets in. */
export const withCaller: GoesWith = ({ function_name: name, source_arn: source, principal }, plan) => {
  if (plan.has("aws_lambda_function", name)) return true;
  // One permission for all routes of an API, or all rules of a feature: its source is a pattern.
  if (principal !== "events.amazonaws.com") return plan.has(API, String(source).replace(/\/.*$/, ""));
  const targets = plan
    .lastOf("aws_cloudwatch_event_target")
    .filter(({ arn }) => String(arn).endsWith(`:function:${String(name)}`));
  return targets.length > 0 && targets.every(({ isDestroyed: gone }) => gone);
};

/** With everything that its metrics measure. */
export const withMeasured: GoesWith = (last, plan, module) => {
  const queries = Array.isArray(last["metric_query"]) ? last["metric_query"].map(fieldsOf) : [];
  const inQueries = queries.flatMap(({ metric }) => (Array.isArray(metric) ? metric.map(fieldsOf) : []));
  const metrics = last["metric_name"] === undefined || last["metric_name"] === "" ? inQueries : [last];
  return (
    (metrics.length > 0 && metrics.every(({ dimensions }) => isUnmeasurable(fieldsOf(dimensions), plan))) ||
    plan.hasModule(module)
  );
};

const API = "aws_api_gateway_rest_api";

/** What the dimensions of AWS's metrics name. */
const MEASURED: Readonly<Record<string, string>> = {
  ApiName: API,
  BucketName: "aws_s3_bucket",
  DistributionId: "aws_cloudfront_distribution",
  FunctionName: "aws_lambda_function",
  QueueName: "aws_sqs_queue",
  RuleName: "aws_cloudwatch_event_rule",
  StateMachineArn: "aws_sfn_state_machine",
  TableName: "aws_dynamodb_table",
  TopicName: "aws_sns_topic",
};

/** Metrics of ours name their feature (Feature.metric); what else they name is on a schedule of that name. */
function isUnmeasurable({ service, environment, ...dimensions }: Fields, plan: DestroyedResources): boolean {
  return Object.entries(dimensions).some(
    ([dimension, value]) =>
      plan.has(MEASURED[dimension] ?? "", value) ||
      (typeof service === "string" &&
        plan.has("aws_cloudwatch_event_rule", `${String(environment)}-${service}-schedule-${String(value)}`)),
  );
}
