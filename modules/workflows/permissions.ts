/** The permissions of a user's machine, which follow from its tasks. */
import { MachineError, statesIn, tasksIn, type Machine, type State } from "../asl/machine";
import { prefixesOf } from "../asl/sdk-calls";
import { isRecord, type Fields } from "../asl/values";
import { freeName, type Binding } from "../constructs/resources/grants";
import { APPROVAL_RESOURCE } from "./record";

/** `arn("sqs", "<queue name>")` in the deployment's account and region. */
export interface ArnSource {
  readonly arn: (service: string, resource: string) => string;
  readonly partitionName: string;
}

type Permission = Pick<Binding, "actions" | "resources">;

interface Target {
  /** Names the target. */
  readonly argument: string;
  readonly action: string;
  /** Its ARN. */
  readonly resource: (name: string, source: ArnSource) => string;
}

const tableArn = (name: string, source: ArnSource) => source.arn("dynamodb", `table/${name}`);

/** By the end of the task's resource. */
const TARGETS: Readonly<Record<string, Target>> = {
  "lambda:invoke": {
    argument: "FunctionName",
    action: "lambda:InvokeFunction",
    resource: (name, source) => source.arn("lambda", `function:${name}`),
  },
  "dynamodb:putItem": { argument: "TableName", action: "dynamodb:PutItem", resource: tableArn },
  "dynamodb:updateItem": { argument: "TableName", action: "dynamodb:UpdateItem", resource: tableArn },
  "dynamodb:getItem": { argument: "TableName", action: "dynamodb:GetItem", resource: tableArn },
  "sqs:sendMessage": { argument: "QueueUrl", action: "sqs:SendMessage", resource: queueArn },
  "states:startExecution": {
    argument: "StateMachineArn",
    action: "states:StartExecution",
    resource: (arn) => arn,
  },
};

function queueArn(url: string, { partitionName }: ArnSource): string {
  const [, region = "", account = "", queue] = /^https:\/\/sqs\.([\w-]+)\.[\w.]+\/(\d{12})\/([\w.-]+)$/.exec(url) ?? [];
  if (queue === undefined) throw new MachineError(`${url} is not the URL of a queue`);
  return `arn:${partitionName}:sqs:${region}:${account}:${queue}`;
}

/** For `.sync:2`: Step Functions follows the execution, and stops it with its own. */
function syncPermissions(machineArn: string, source: ArnSource): readonly Permission[] {
  const executions = `${machineArn.replace(":stateMachine:", ":execution:")}:*`;
  const rule = source.arn("events", "rule/StepFunctionsGetEventsForStepFunctionsExecutionRule");
  return [
    { actions: ["states:DescribeExecution", "states:StopExecution"], resources: [executions] },
    { actions: ["events:DescribeRule", "events:PutRule", "events:PutTargets"], resources: [rule] },
  ];
}

export interface PermissionProps {
  /** Names of bindings that the machine has already. */
  readonly taken: readonly string[];
  /** Names of tables and functions whose bindings the machine has already. */
  readonly bound: readonly string[];
  /** What the user states. */
  readonly stated: readonly Permission[];
  readonly source: ArnSource;
}

/**
 * Bindings by name: those of each task are named after its state.
 *
 * @throws {@link MachineError} for a task whose permissions are neither known nor stated
 */
export function permissionsOf(machine: Machine, props: PermissionProps): Record<string, Binding> {
  const names = new Set(props.taken);
  const found = props.stated.map((permission): [string, Binding] => [
    freeName("Stated", names),
    { value: "", ...permission },
  ]);
  // "Send mail" and "SendMail" are two states, and a name in other letters has nothing left.
  for (const [name, state] of statesIn(machine))
    for (const binding of [...taskBindings(name, state, props), ...locationBindings(name, state, props)])
      found.push([freeName(name.replace(/[^A-Za-z0-9]/g, "") || "State", names), binding]);
  return Object.fromEntries(found);
}

/**
 * @param names of the action, the likeliest first: AWS does not say which one is IAM's
 * @throws {@link MachineError} when the user has stated none of them
 */
function requireStated({ stated }: PermissionProps, names: readonly string[], fault: string): void {
  const known = names.map((name) => name.toLowerCase());
  const isStated = stated.some(({ actions }) => actions.some((each) => known.includes(each.toLowerCase())));
  if (!isStated)
    throw new MachineError(`${fault}: state the permission for ${names[0] ?? ""} in the workflow's permissions`);
}

/** IAM's actions of calls that have another name. */
const ACTIONS: Readonly<Record<string, string>> = {
  "apigateway:invoke": "execute-api:Invoke",
  "aws-sdk:lambda:invoke": "lambda:InvokeFunction",
  "aws-sdk:s3:headObject": "s3:GetObject",
  "aws-sdk:s3:listObjects": "s3:ListBucket",
  "aws-sdk:s3:listObjectsV2": "s3:ListBucket",
  "elasticmapreduce:addStep": "elasticmapreduce:AddJobFlowSteps",
  "elasticmapreduce:createCluster": "elasticmapreduce:RunJobFlow",
  "elasticmapreduce:terminateCluster": "elasticmapreduce:TerminateJobFlows",
  "http:invoke": "states:InvokeHTTPEndpoint",
};

function actionsOf(service: string): readonly string[] {
  const renamed = ACTIONS[service];
  if (renamed !== undefined) return [renamed];
  const [name = "", operation = ""] = service.replace(/^aws-sdk:/, "").split(":");
  return [...prefixesOf(name), name].map((prefix) => `${prefix}:${operation}`);
}

function taskBindings(name: string, state: State, props: PermissionProps): readonly Binding[] {
  // An approval's table is the workflow's own, and an activity's workers call Step Functions.
  const isOthers = state.Resource === APPROVAL_RESOURCE || state.Resource?.includes(":activity:") === true;
  if (state.Type !== "Task" || isOthers) return [];
  const { service, suffix, target, qualifier } = callOf(state);
  const credentials: unknown = Reflect.get(state, "Credentials");
  if (isRecord(credentials)) {
    // The other role has the permission for the call.
    const { RoleArn } = credentials;
    if (typeof RoleArn === "string" && isKnown(RoleArn))
      return [{ value: RoleArn, actions: ["sts:AssumeRole"], resources: [RoleArn] }];
    requireStated(props, ["sts:AssumeRole"], `${name} computes its RoleArn`);
    return [];
  }
  const known = TARGETS[service];
  if (known === undefined || target === undefined) {
    const why = known === undefined ? `calls ${service}` : `computes its ${known.argument}`;
    requireStated(props, known === undefined ? actionsOf(service) : [known.action], `${name} ${why}`);
    return [];
  }
  if (props.bound.includes(target)) return [];
  const arn = target.startsWith("arn:") ? target : known.resource(target, props.source);
  const qualified = qualifier === undefined ? arn : `${arn}:${qualifier}`;
  const permissions: readonly Permission[] = [
    { actions: [known.action], resources: [qualified] },
    ...(service === "states:startExecution" && suffix.startsWith("sync") ? syncPermissions(arn, props.source) : []),
  ];
  return permissions.map((permission) => ({ value: target, ...permission }));
}

/** To read a distributed map's items and write its results, by the end of their resource. */
const LOCATIONS: Readonly<Record<string, { readonly actions: readonly string[]; readonly isBucket: boolean }>> = {
  getObject: { actions: ["s3:GetObject"], isBucket: false },
  listObjectsV2: { actions: ["s3:ListBucket"], isBucket: true },
  // Its parts, too.
  putObject: {
    actions: ["s3:AbortMultipartUpload", "s3:GetObject", "s3:ListMultipartUploadParts", "s3:PutObject"],
    isBucket: false,
  },
};

/** @see https://docs.aws.amazon.com/step-functions/latest/dg/iam-policies-eg-dist-map.html */
function locationBindings(name: string, state: State, props: PermissionProps): readonly Binding[] {
  const locations: unknown[] = ["ItemReader", "ResultWriter"].map((field): unknown => Reflect.get(state, field));
  return locations.filter(isRecord).flatMap(({ Resource, Arguments }) => {
    const call = String(Resource).split(":").at(-1) ?? "";
    const { actions, isBucket } = LOCATIONS[call] ?? { actions: [`s3:${call}`], isBucket: true };
    const { Bucket, Key, Prefix = "" } = isRecord(Arguments) ? Arguments : {};
    const place = Key ?? (Prefix === "" ? "*" : `${String(Prefix)}/*`);
    if (typeof Bucket === "string" && isKnown(Bucket) && typeof place === "string" && isKnown(place)) {
      const bucket = `arn:${props.source.partitionName}:s3:::${Bucket}`;
      return [{ value: Bucket, actions, resources: [isBucket ? bucket : `${bucket}/${place}`] }];
    }
    for (const action of actions) requireStated(props, [action], `${name} computes the place of its ${call}`);
    return [];
  });
}

/** No expression. */
const isKnown = (text: string): boolean => !text.startsWith("{%");

/** Approvals within a Map or Parallel, by their states' names. */
export function nestedApprovalsOf(machine: Machine): readonly string[] {
  const isApproval = ([, { Resource }]: readonly [string, State]) => Resource === APPROVAL_RESOURCE;
  return tasksIn(machine)
    .filter(isApproval)
    .map(([name]) => name)
    .filter((name) => !(name in machine.States));
}

/** The functions of the workflow that no task invokes. */
export function unusedOf(machine: Machine, functions: readonly string[]): readonly string[] {
  const used = new Set(tasksIn(machine).map(([, state]) => callOf(state).target));
  return functions.filter((name) => !used.has(name));
}

interface Call {
  readonly service: string;
  readonly suffix: string;
  /** Undefined when an expression computes it. */
  readonly target?: string;
  /** A version or an alias of a function. */
  readonly qualifier?: string;
}

function callOf(state: State): Call {
  const { Resource = "" } = state;
  if (/^arn:[^:]*:lambda:/.test(Resource)) return { service: "lambda:invoke", suffix: "", target: Resource };
  const [service = "", suffix = ""] = Resource.replace(/^arn:[^:]*:states:[^:]*:[^:]*:/, "").split(".");
  const given: unknown = Reflect.get(state, "Arguments");
  const values: Fields = isRecord(given) ? given : {};
  const target = values[TARGETS[service]?.argument ?? ""];
  const { Qualifier } = values;
  return {
    service,
    suffix,
    ...(typeof target === "string" && isKnown(target) && { target }),
    ...(service === "lambda:invoke" &&
      typeof Qualifier === "string" && { qualifier: isKnown(Qualifier) ? Qualifier : "*" }),
  };
}
