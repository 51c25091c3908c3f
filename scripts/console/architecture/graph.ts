/** The architecture of a deployed environment, from the resources of its Terraform state: what calls, reads and writes what. Pure. */
import type { Resource } from "../../../modules/synthesized/resources";
import { fieldsOf, parseJson, type Fields } from "../../shared/fields";
import type { NodeKind } from "../contract";

export interface GraphNode {
  readonly id: string;
  readonly kind: NodeKind;
  readonly feature: string;
  readonly label: string;
  readonly detail: string;
  readonly functionName?: string;
}

export interface GraphEdge {
  readonly from: string;
  readonly to: string;
  readonly label: string;
}

export interface Graph {
  readonly nodes: readonly GraphNode[];
  readonly edges: readonly GraphEdge[];
}

/** The resources that are drawn. Roles, alarms, log groups and settings are not. */
const KINDS: Readonly<Record<string, NodeKind>> = {
  aws_cloudwatch_event_rule: "schedule",
  aws_scheduler_schedule: "schedule",
  aws_api_gateway_rest_api: "api",
  aws_lambda_function: "function",
  aws_sqs_queue: "queue",
  aws_dynamodb_table: "table",
  aws_s3_bucket: "bucket",
  aws_sns_topic: "topic",
  aws_sfn_state_machine: "machine",
};

/** @param prefix of all names: `almanac-staging-` */
export function graphOf(resources: readonly Resource[], prefix: string): Graph {
  const drawn = resources.filter(({ type, module }) => KINDS[type] !== undefined && module !== "").filter(isOfInterest);
  const known = new Map<string, Resource>();
  for (const resource of drawn) for (const name of namesOf(resource)) known.set(name, resource);
  const find = (name: unknown): Resource | undefined =>
    typeof name === "string" ? (known.get(name) ?? known.get(withoutSuffix(name))) : undefined;
  const edges = [
    ...invocations(resources, find),
    ...accesses(resources, find),
    ...slackOf(resources, find).map(({ edge }) => edge),
  ];
  return merged(
    [...drawn.map((resource) => nodeOf(resource, prefix)), ...slackOf(resources, find).map(({ node }) => node)],
    edges,
  );
}

type Find = (name: unknown) => Resource | undefined;

/** Dead-letter queues are where failures go, not how messages pass: the views show them. Event rules without a schedule are drawn too. */
function isOfInterest({ type, values }: Resource): boolean {
  return type !== "aws_sqs_queue" || !/(^|-)(dlq|dead-letters?)(-|$)/.test(String(values["name"]));
}

function nodeOf({ address, type, module, values }: Resource, prefix: string): GraphNode {
  const isEvent = type === "aws_cloudwatch_event_rule" && textOf(values["schedule_expression"]) === "";
  const kind = isEvent ? "event" : (KINDS[type] ?? "other");
  const name = textOf(values["name"]) || textOf(values["function_name"]) || textOf(values["bucket"]);
  const short = name.replace(prefix, "");
  // Names of buckets end in the account and the region.
  const label =
    short.replace(new RegExp(`^${module}-?`), "").replace(/-?\d{12}(-[a-z]{2}(-[a-z]+)+-\d)?$/, "") || module;
  return {
    id: address,
    kind,
    feature: module,
    label,
    detail: textOf(values["schedule_expression"]) || name,
    ...(kind === "function" && { functionName: short }),
  };
}

/** What other resources call it. */
function namesOf({ type, values }: Resource): readonly string[] {
  const names = [values["arn"], values["stream_arn"], values["url"]];
  if (type === "aws_cloudwatch_event_rule" || type === "aws_api_gateway_rest_api")
    names.push(`${type} ${textOf(values["id"])}`, `${type} ${textOf(values["name"])}`);
  if (type === "aws_lambda_function") names.push(values["function_name"]);
  return names.map(textOf).filter((name) => name !== "");
}

/** `arn:...:table/orders/index/byDay` and `arn:...:bucket/key*` are of their table and their bucket; versions are of their function. */
function withoutSuffix(arn: string): string {
  return arn
    .replace(/(:table\/[^/]+)\/.*$/, "$1")
    .replace(/^(arn:[^:]+:s3:::[^/]+)\/.*$/, "$1")
    .replace(/(:function:[^:]+):.*$/, "$1");
}

function invocations(resources: readonly Resource[], find: Find): readonly GraphEdge[] {
  return resources.flatMap(({ type, values }): GraphEdge[] => {
    switch (type) {
      case "aws_cloudwatch_event_target":
        return edge(find(`aws_cloudwatch_event_rule ${textOf(values["rule"])}`), find(values["arn"]), "invokes");
      case "aws_scheduler_schedule":
        return edge(find(values["arn"]), find(targetOf(values)), "invokes");
      case "aws_api_gateway_integration": {
        const uri = textOf(values["uri"]);
        const functionArn = /(arn:[^/]+:function:[^/]+)\/invocations/.exec(uri)?.[1];
        const api = find(`aws_api_gateway_rest_api ${textOf(values["rest_api_id"])}`);
        return edge(api, find(functionArn), "invokes");
      }
      case "aws_lambda_event_source_mapping": {
        const target = find(values["function_arn"]) ?? find(values["function_name"]);
        const isStream = textOf(values["event_source_arn"]).includes("/stream/");
        return edge(find(values["event_source_arn"]), target, isStream ? "stream" : "messages");
      }
      default:
        return [];
    }
  });
}

function targetOf(values: Fields): unknown {
  const [target] = Array.isArray(values["target"]) ? (values["target"] as readonly unknown[]) : [];
  return fieldsOf(target)["arn"];
}

const READING = /^(BatchGet|Get|Query|Scan|List|Head|Describe|Receive)/;

/** From the permissions of each role: what it may do is what it does, which tests prove. */
function accesses(resources: readonly Resource[], find: Find): readonly GraphEdge[] {
  const owners = new Map<string, Resource[]>();
  for (const resource of resources) {
    const role = textOf(resource.values["role"]) || textOf(resource.values["role_arn"]);
    if (!["aws_lambda_function", "aws_sfn_state_machine"].includes(resource.type)) continue;
    const name = role.split("/").at(-1) ?? "";
    owners.set(name, [...(owners.get(name) ?? []), resource]);
  }
  return resources.flatMap(({ type, values }) => {
    if (type !== "aws_iam_role_policy") return [];
    const from = owners.get(textOf(values["role"])) ?? [];
    const statements = fieldsOf(parseJson(textOf(values["policy"])))["Statement"];
    if (!Array.isArray(statements)) return [];
    return from.flatMap((owner) => statements.flatMap((statement) => accessesOf(owner, fieldsOf(statement), find)));
  });
}

function accessesOf(owner: Resource, statement: Fields, find: Find): readonly GraphEdge[] {
  const actions = listOf(statement["Action"]);
  // A queue's consumer: the mapping is its edge.
  if (actions.includes("sqs:ReceiveMessage") || actions.every((action) => action.startsWith("kms:"))) return [];
  return listOf(statement["Resource"]).flatMap((arn) => {
    const other = find(arn);
    if (other === undefined || other === owner) return [];
    const label = actions.join(", ");
    if (actions.every((action) => READING.test(action.split(":")[1] ?? ""))) return edge(other, owner, label);
    return edge(owner, other, label);
  });
}

/** Slack is where notifications end: a function that reads a webhook's parameter posts to it. */
function slackOf(
  resources: readonly Resource[],
  find: Find,
): readonly { readonly node: GraphNode; readonly edge: GraphEdge }[] {
  return resources.flatMap(({ type, module, values }) => {
    if (type !== "aws_lambda_function") return [];
    const from = find(values["arn"]);
    const [environment] = Array.isArray(values["environment"]) ? (values["environment"] as readonly unknown[]) : [];
    const variables = fieldsOf(fieldsOf(environment)["variables"]);
    // `jobOrder=/almanac/slack/orders,invoice=`
    const ofPipelines = textOf(variables["SLACK_PARAMETERS"])
      .split(",")
      .map((pair) => pair.slice(pair.indexOf("=") + 1))
      .filter((name) => name !== "");
    const parameter = [...new Set(ofPipelines)].join(", ") || textOf(variables["SLACK_WEBHOOK_PARAMETER"]);
    if (parameter === "" || from === undefined) return [];
    const id = `${module} Slack`;
    const node: GraphNode = { id, kind: "slack", feature: module, label: "Slack", detail: parameter };
    return [{ node, edge: { from: from.address, to: id, label: "posts" } }];
  });
}

function edge(from: Resource | undefined, to: Resource | undefined, label: string): GraphEdge[] {
  return from === undefined || to === undefined ? [] : [{ from: from.address, to: to.address, label }];
}

/** One edge between two nodes, and one schedule for all rules that do the same; schedules that invoke nothing are left out. */
function merged(nodes: readonly GraphNode[], edges: readonly GraphEdge[]): Graph {
  const targets = new Map<string, Set<string>>();
  for (const { from, to } of edges) targets.set(from, (targets.get(from) ?? new Set()).add(to));
  const first = new Map<string, string>();
  const renamed = new Map<string, string>();
  for (const { id, kind, feature, detail } of nodes) {
    if (kind !== "schedule" && kind !== "event") continue;
    const same = JSON.stringify([feature, detail, [...(targets.get(id) ?? [])].sort()]);
    renamed.set(id, first.get(same) ?? id);
    if (!first.has(same)) first.set(same, id);
  }
  const nameOf = (id: string) => renamed.get(id) ?? id;
  const unique = new Map<string, GraphEdge>();
  for (const { from, to, label } of edges) {
    const key = JSON.stringify([nameOf(from), nameOf(to)]);
    const known = unique.get(key);
    const labels = [...new Set([...(known === undefined ? [] : known.label.split(", ")), ...label.split(", ")])];
    unique.set(key, { from: nameOf(from), to: nameOf(to), label: labels.join(", ") });
  }
  // Both directions: who writes also reads.
  const kept = [...unique.values()].filter(
    ({ from, to }) => from !== to && !(unique.has(JSON.stringify([to, from])) && from > to),
  );
  const ids = new Set<string>();
  const shown = nodes.filter(({ id, kind }) => {
    const isRepeated =
      ids.has(id) || nameOf(id) !== id || ((kind === "schedule" || kind === "event") && !targets.has(id));
    ids.add(id);
    return !isRepeated;
  });
  return { nodes: shown, edges: kept };
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}

function listOf(value: unknown): readonly string[] {
  return (Array.isArray(value) ? value : [value]).filter((each): each is string => typeof each === "string");
}
