/** A Step Functions state machine: definition, role, log group, alarms. */
import { CloudwatchLogGroup } from "@cdktf/provider-aws/lib/cloudwatch-log-group";
import { IamRole } from "@cdktf/provider-aws/lib/iam-role";
import { IamRolePolicy } from "@cdktf/provider-aws/lib/iam-role-policy";
import { SfnStateMachine } from "@cdktf/provider-aws/lib/sfn-state-machine";
import { Construct } from "constructs";
import { explain } from "../explain";
import { MachineError, statesIn, type Machine } from "../../asl/machine";
import { Alarm } from "./alarm";
import type { AlarmSpec } from "../alarm-spec";
import type { Metric } from "../dashboard";
import { Feature } from "../feature";
import { policy, statementsOf, type Binding } from "./grants";
import { RESOURCE } from "../readable-id";

/** Covers last month's incidents. */
const LOG_RETENTION_DAYS = 30;

/** To deliver logs to a log group. CloudWatch has no resource-level permissions for these. */
const LOG_DELIVERY_ACTIONS = [
  "logs:CreateLogDelivery",
  "logs:DeleteLogDelivery",
  "logs:DescribeLogGroups",
  "logs:DescribeResourcePolicies",
  "logs:GetLogDelivery",
  "logs:ListLogDeliveries",
  "logs:PutResourcePolicy",
  "logs:UpdateLogDelivery",
];

export interface StateMachineProps<Bindings extends Readonly<Record<string, Binding>>> {
  /** What the machine uses: permissions go to its role, values to `definition` by name. */
  readonly bindings: Bindings;
  readonly definition: (values: { readonly [Name in keyof Bindings]: string }) => Machine;
  readonly alarms: {
    /** An execution failed or timed out. Aborted executions do not alarm. */
    readonly executionFailures: AlarmSpec;
  };
}

/**
 * A standard Step Functions state machine with its role, error log (without execution data), X-Ray tracing and alarms. Encrypted
 * with an AWS-owned key.
 */
export class StateMachine<
  Bindings extends Readonly<Record<string, Binding>> = Readonly<Record<string, Binding>>,
> extends Construct {
  readonly name: string;
  readonly arn: string;
  /** Prefix of its executions' ARNs, up to the colon before their name. */
  readonly executionsArn: string;

  constructor(scope: Construct, id: string, props: StateMachineProps<Bindings>) {
    super(scope, id);
    const feature = Feature.of(this);
    const name = feature.nameOf(this);
    const definition = props.definition(valuesOf(props.bindings));
    checkPermissions(definition, props.bindings);

    const logs = new CloudwatchLogGroup(this, "log-group", {
      name: `/aws/vendedlogs/states/${name}`,
      retentionInDays: LOG_RETENTION_DAYS,
    });
    explain(logs, "Log groups with this prefix share one resource policy, of which an account has ten.");
    const role = this.createRole(feature, name);
    const permissions = this.createPermissions(role, {
      ...props.bindings,
      ...ownExecutions(definition, feature, name, props.bindings),
    });
    const machine = new SfnStateMachine(this, RESOURCE, {
      name,
      type: "STANDARD",
      roleArn: role.arn,
      definition: inPartition(definition, feature.partitionName),
      loggingConfiguration: { level: "ERROR", includeExecutionData: false, logDestination: `${logs.arn}:*` },
      tracingConfiguration: { enabled: true },
      dependsOn: [permissions],
    });
    explain(machine, "After its permissions: Step Functions refuses a machine that cannot write to its log group.");

    this.name = machine.name;
    this.arn = machine.arn;
    this.executionsArn = feature.arn("states", `execution:${name}`);
    this.createAlarms(props.alarms.executionFailures);
  }

  /** The machine's ARN with these actions. */
  grant(...actions: readonly ("StartExecution" | "ListExecutions" | "SendTaskSuccess" | "SendTaskFailure")[]): Binding {
    return { value: this.arn, actions: actions.map((action) => `states:${action}`), resources: [this.arn] };
  }

  /** {@link executionsArn} with these actions on all executions. */
  grantExecutions(
    ...actions: readonly ("DescribeExecution" | "GetExecutionHistory" | "StopExecution" | "RedriveExecution")[]
  ): Binding {
    return {
      value: this.executionsArn,
      actions: actions.map((action) => `states:${action}`),
      resources: [`${this.executionsArn}:*`],
    };
  }

  metric(
    metric:
      | "ExecutionsStarted"
      | "ExecutionsSucceeded"
      | "ExecutionsFailed"
      | "ExecutionsTimedOut"
      | "ExecutionsAborted",
  ): Metric {
    return { namespace: "AWS/States", metric, dimensions: { StateMachineArn: this.arn } };
  }

  private createRole(feature: Feature, name: string): IamRole {
    return new IamRole(this, "role", {
      name,
      assumeRolePolicy: policy([
        {
          Sid: "StepFunctions",
          Effect: "Allow",
          Principal: { Service: "states.amazonaws.com" },
          Action: "sts:AssumeRole",
          Condition: { ArnEquals: { "aws:SourceArn": feature.arn("states", `stateMachine:${name}`) } },
        },
      ]),
    });
  }

  private createPermissions(role: IamRole, bindings: Readonly<Record<string, Binding>>): IamRolePolicy {
    return new IamRolePolicy(this, "policy", {
      name: "permissions",
      role: role.id,
      policy: policy([
        ...statementsOf(bindings),
        { Sid: "Logs", Effect: "Allow", Action: LOG_DELIVERY_ACTIONS, Resource: ["*"] },
        {
          Sid: "Traces",
          Effect: "Allow",
          Action: [
            "xray:GetSamplingRules",
            "xray:GetSamplingTargets",
            "xray:PutTelemetryRecords",
            "xray:PutTraceSegments",
          ],
          Resource: ["*"], // X-Ray has no resource-level permissions for these
        },
      ]),
    });
  }

  private createAlarms(spec: AlarmSpec): void {
    new Alarm(this, "executions-failed", { spec, ...this.metric("ExecutionsFailed") });
    new Alarm(this, "executions-timed-out", { spec, ...this.metric("ExecutionsTimedOut") });
  }
}

/** Service integrations are ARNs, and {@link Machine} has those of the partition `aws`. */
function inPartition(machine: Machine, partition: string): string {
  return JSON.stringify(machine).replaceAll('"Resource":"arn:aws:', `"Resource":"arn:${partition}:`);
}

/**
 * A distributed map runs its items as executions of the machine itself.
 *
 * @see https://docs.aws.amazon.com/step-functions/latest/dg/iam-policies-eg-dist-map.html
 */
function ownExecutions(
  machine: Machine,
  feature: Feature,
  name: string,
  bindings: Readonly<Record<string, Binding>>,
): Readonly<Record<string, Binding>> {
  const isDistributed = statesIn(machine).some(
    ([, { ItemProcessor }]) => ItemProcessor?.ProcessorConfig?.Mode === "DISTRIBUTED",
  );
  if (!isDistributed) return {};
  const executions = feature.arn("states", `execution:${name}`);
  const machineName = `stateMachine:${name}`;
  // A machine that continues as a new execution has it already.
  const startsItself = Object.values(bindings).some(
    ({ actions, resources }) =>
      actions.includes("states:StartExecution") && resources.some((each) => each.endsWith(`:${machineName}`)),
  );
  return {
    ...(!startsItself && {
      ITEM_EXECUTIONS: {
        value: "",
        actions: ["states:StartExecution"],
        resources: [feature.arn("states", machineName)],
      },
    }),
    ITEM_EXECUTIONS_ENDS: {
      value: "",
      actions: ["states:DescribeExecution", "states:RedriveExecution", "states:StopExecution"],
      resources: [`${executions}:*`, `${executions}/*`],
    },
  };
}

/** The service of a resource's ARN, to the IAM action that it needs. Other tasks state their permissions by their bindings alone. */
const ACTIONS: Readonly<Record<string, string>> = {
  "dynamodb:putItem": "dynamodb:PutItem",
  "dynamodb:updateItem": "dynamodb:UpdateItem",
  "dynamodb:getItem": "dynamodb:GetItem",
  "lambda:invoke": "lambda:InvokeFunction",
  "sqs:sendMessage": "sqs:SendMessage",
  "states:startExecution": "states:StartExecution",
};

/**
 * Permissions follow from the tasks: each task's action is granted, and each action of a task that is granted is used.
 *
 * @throws {@link MachineError}
 */
function checkPermissions(machine: Machine, bindings: Readonly<Record<string, Binding>>): void {
  const needed = new Set(resourcesIn(machine).flatMap((resource) => ACTIONS[resource] ?? []));
  const granted = new Set(Object.values(bindings).flatMap(({ actions }) => actions));
  const ofTasks = new Set(Object.values(ACTIONS));
  const faults = [
    ...[...needed]
      .filter((action) => !granted.has(action))
      .map((action) => `a task needs ${action}: no binding grants it`),
    ...[...granted]
      .filter((action) => ofTasks.has(action) && !needed.has(action))
      .map((action) => `a binding grants ${action}: no task needs it`),
  ];
  if (faults.length > 0) throw new MachineError(faults.join("; "));
}

/** `dynamodb:putItem` of `arn:aws:states:::dynamodb:putItem.sync`. Not of tasks that assume another role. */
function resourcesIn(machine: Machine): string[] {
  return statesIn(machine).flatMap(([, state]) =>
    state.Resource === undefined || "Credentials" in state
      ? []
      : [state.Resource.replace(/^arn:[^:]*:states:[^:]*:[^:]*:/, "").replace(/\..*$/, "")],
  );
}

function valuesOf<Bindings extends Readonly<Record<string, Binding>>>(
  bindings: Bindings,
): { readonly [Name in keyof Bindings]: string } {
  const values = Object.entries(bindings).map(([name, { value }]) => [name, value] as const);
  return Object.fromEntries(values) as { readonly [Name in keyof Bindings]: string };
}
