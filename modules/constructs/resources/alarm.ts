/** A CloudWatch alarm from its specification. */
import { CloudwatchMetricAlarm } from "@cdktf/provider-aws/lib/cloudwatch-metric-alarm";
import { Construct } from "constructs";
import { alarmDescription, type AlarmSpec } from "../alarm-spec";
import type { Metric } from "../dashboard";
import { Feature } from "../feature";
import { RESOURCE } from "../readable-id";

export interface AlarmProps extends Metric {
  readonly spec: AlarmSpec;
  /** @default "Sum" */
  readonly statistic?: "Sum" | "Maximum" | "Minimum" | "Average";
  /** @default "GreaterThanThreshold" */
  readonly comparison?: "GreaterThanThreshold" | "LessThanThreshold";
  /** @default 0 */
  readonly threshold?: number;
  /** Length of one data point. @default 300 */
  readonly periodSeconds?: number;
  /** Consecutive data points that must breach. @default 1 */
  readonly periods?: number;
  /** @default "notBreaching" */
  readonly missingData?: "breaching" | "notBreaching";
}

/** A CloudWatch alarm that notifies the environment's alarm topic when it starts and when it ends. */
export class Alarm extends Construct {
  constructor(scope: Construct, id: string, props: AlarmProps) {
    super(scope, id);
    if ("disabled" in props.spec) return;
    const feature = Feature.of(this);
    const { alarmTopicArn } = feature.deployment;

    new CloudwatchMetricAlarm(this, RESOURCE, {
      alarmName: feature.nameOf(this),
      alarmDescription: alarmDescription(props.spec),
      namespace: props.namespace,
      metricName: props.metric,
      dimensions: props.dimensions,
      statistic: props.statistic ?? "Sum",
      comparisonOperator: props.comparison ?? "GreaterThanThreshold",
      threshold: props.threshold ?? 0,
      period: props.periodSeconds ?? 300,
      evaluationPeriods: props.periods ?? 1,
      treatMissingData: props.missingData ?? "notBreaching",
      alarmActions: [alarmTopicArn],
      okActions: [alarmTopicArn],
    });
  }
}
