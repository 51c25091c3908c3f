import { CloudwatchLogGroup } from "@cdktf/provider-aws/lib/cloudwatch-log-group";
import { IamRole } from "@cdktf/provider-aws/lib/iam-role";
import { IamRolePolicy } from "@cdktf/provider-aws/lib/iam-role-policy";
import { SfnStateMachine } from "@cdktf/provider-aws/lib/sfn-state-machine";
import { Construct } from "constructs";
import type { Machine } from "../asl/machine";
import { Alarm, type AlarmText } from "./alarm";
import type { Metric } from "./dashboard";
import { Feature } from "./feature";
import { policy, statementsOf, type Binding } from "./grants";
import { RESOURCE } from "./readable-id";

/** Long enough to look into last month's incident. */
const LOG_RETENTION_DAYS = 30;

/** What it takes to write to a log group of one's own: CloudWatch knows no resources for these. */
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
  /** What the machine uses: its permission to the role, its value by its name to `definition`. */
  readonly bindings: Bindings;
  readonly definition: (values: { readonly [Name in keyof Bindings]: string }) => Machine;
  readonly alarms: {
    /** An execution failed, or ran into the machine's time limit. Those that people abort raise none. */
    readonly failed: AlarmText;
  };
}

/**
 * A Step Functions state machine of the standard kind: each state is done at most once per try, and an execution may take a year.
 * With its role, its log of failures (without what executions are about), X-Ray and alarms. Encrypted always, with a key that AWS
 * owns.
 */
export class StateMachine<
  Bindings extends Readonly<Record<string, Binding>> = Readonly<Record<string, Binding>>,
> extends Construct {
  readonly name: string;
  readonly arn: string;
  /** What its executions' ARNs begin with, up to the colon before their name. */
  readonly executionsArn: string;

  constructor(scope: Construct, id: string, props: StateMachineProps<Bindings>) {
    super(scope, id);
    const feature = Feature.of(this);
    const name = feature.physicalName(id);

    const logs = new CloudwatchLogGroup(this, "logs", {
      // Under this prefix, log groups share one resource policy; each of another name would fill up CloudWatch's ten.
      name: `/aws/vendedlogs/states/${name}`,
      retentionInDays: LOG_RETENTION_DAYS,
    });
    const role = this.createRole(feature, name);
    const permissions = this.createPermissions(role, props.bindings);
    const machine = new SfnStateMachine(this, RESOURCE, {
      name,
      type: "STANDARD",
      roleArn: role.arn,
      definition: JSON.stringify(props.definition(valuesOf(props.bindings))),
      loggingConfiguration: { level: "ERROR", includeExecutionData: false, logDestination: `${logs.arn}:*` },
      tracingConfiguration: { enabled: true },
      dependsOn: [permissions], // else it could not write to its log group, and is refused
    });

    this.name = machine.name;
    this.arn = machine.arn;
    this.executionsArn = feature.arn("states", `execution:${name}`);
    this.createAlarms(props.alarms);
  }

  /** The machine's ARN, and these actions on it. */
  grant(...actions: readonly ("StartExecution" | "ListExecutions")[]): Binding {
    return { value: this.arn, actions: actions.map((action) => `states:${action}`), resources: [this.arn] };
  }

  /** {@link executionsArn}, and these actions on all of them. */
  grantExecutions(...actions: readonly ("DescribeExecution" | "StopExecution")[]): Binding {
    return {
      value: this.executionsArn,
      actions: actions.map((action) => `states:${action}`),
      resources: [`${this.executionsArn}:*`],
    };
  }

  /** A metric that Step Functions counts of it. */
  metric(
    metric:
      "ExecutionsStarted" | "ExecutionsSucceeded" | "ExecutionsFailed" | "ExecutionsTimedOut" | "ExecutionsAborted",
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

  private createPermissions(role: IamRole, bindings: Bindings): IamRolePolicy {
    return new IamRolePolicy(this, "permissions", {
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
          Resource: ["*"], // X-Ray knows no resources for these
        },
      ]),
    });
  }

  private createAlarms({ failed }: StateMachineProps<Bindings>["alarms"]): void {
    for (const [id, metric] of [
      ["failed", "ExecutionsFailed"],
      ["timed-out", "ExecutionsTimedOut"],
    ] as const) {
      new Alarm(this, id, {
        text: failed,
        ...this.metric(metric),
        statistic: "Sum",
        comparison: "GreaterThanThreshold",
        threshold: 0,
        periodSeconds: 300,
      });
    }
  }
}

function valuesOf<Bindings extends Readonly<Record<string, Binding>>>(
  bindings: Bindings,
): { readonly [Name in keyof Bindings]: string } {
  const values = Object.entries(bindings).map(([name, { value }]) => [name, value] as const);
  return Object.fromEntries(values) as { readonly [Name in keyof Bindings]: string };
}
