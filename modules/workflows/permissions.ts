/** The permissions of a user's machine, which follow from its tasks. */
import { MachineError, tasksIn, type Machine, type State } from "../asl/machine";
import { freeName, type Binding } from "../constructs/resources/grants";
import { APPROVAL_RESOURCE } from "./record";

/** `arn("sqs", "<queue name>")` in the deployment's account and region. */
export interface ArnSource {
  readonly arn: (service: string, resource: string) => string;
  readonly partitionName: string;
}

type Arguments = Readonly<Record<string, unknown>>;
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
export function permissionsOf(
  machine: Machine,
  { bound, taken, stated, source }: PermissionProps,
): Record<string, Binding> {
  const names = new Set(taken);
  const found: Record<string, Binding> = Object.fromEntries(
    stated.map((permission) => [freeName("Stated", names), { value: "", ...permission }]),
  );
  const isStated = (action: string) =>
    stated.some(({ actions }) => actions.some((each) => each.toLowerCase() === action.toLowerCase()));
  for (const [name, state] of tasksIn(machine)) {
    if (state.Resource === APPROVAL_RESOURCE) continue; // its table is the workflow's own
    const { service, suffix, target } = callOf(state);
    const known = TARGETS[service];
    if (known === undefined || target === undefined) {
      const action = known?.action ?? service.replace(/^aws-sdk:/, "");
      if (isStated(action)) continue;
      const why = known === undefined ? `calls ${service}` : `computes its ${known.argument}`;
      throw new MachineError(`${name} ${why}: state the permission for ${action} in the workflow's permissions`);
    }
    if (bound.includes(target)) continue;
    const arn = target.startsWith("arn:") ? target : known.resource(target, source);
    const permissions: readonly Permission[] = [
      { actions: [known.action], resources: [arn] },
      ...(service === "states:startExecution" && suffix.startsWith("sync") ? syncPermissions(arn, source) : []),
    ];
    // "Send mail" and "SendMail" are two states, and a name in other letters has nothing left.
    for (const permission of permissions)
      found[freeName(name.replace(/[^A-Za-z0-9]/g, "") || "State", names)] = { value: target, ...permission };
  }
  return found;
}

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

/** The target is undefined when an expression computes it. */
function callOf(state: State): { readonly service: string; readonly suffix: string; readonly target?: string } {
  const { Resource = "" } = state;
  const [service = "", suffix = ""] = Resource.replace(/^arn:[^:]*:states:[^:]*:[^:]*:/, "").split(".");
  const given: unknown = Reflect.get(state, "Arguments");
  const values: Arguments = typeof given === "object" && given !== null ? { ...given } : {};
  const target = values[TARGETS[service]?.argument ?? ""];
  return { service, suffix, ...(typeof target === "string" && !target.startsWith("{%") && { target }) };
}
