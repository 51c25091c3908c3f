import { CloudwatchMetricAlarm } from "@cdktf/provider-aws/lib/cloudwatch-metric-alarm";
import { Construct } from "constructs";
import type { Metric } from "./dashboard";
import { Feature } from "./feature";
import { RESOURCE } from "./readable-id";

/**
 * What an alarm tells whoever it wakes: what is wrong, and the README section that says what to do. Going without has to be
 * said aloud: "none, because ...".
 */
export type AlarmText = string;

const OPT_OUT = "none, because ";

export interface AlarmProps extends Metric {
  readonly text: AlarmText;
  readonly statistic: "Sum" | "Maximum" | "Minimum" | "Average";
  readonly comparison: "GreaterThanThreshold" | "LessThanThreshold";
  readonly threshold: number;
  /** Length of one data point. */
  readonly periodSeconds: number;
  /** Points that must all be bad. @default 1 */
  readonly periods?: number;
  /** What a time without data says. @default "notBreaching" */
  readonly missingData?: "breaching" | "notBreaching";
}

/** A CloudWatch alarm to the environment's topic, when it starts and when it is over. */
export class Alarm extends Construct {
  constructor(scope: Construct, id: string, props: AlarmProps) {
    super(scope, id);
    if (props.text.startsWith(OPT_OUT)) return;
    const feature = Feature.of(this);
    const { alarmTopicArn } = feature.deployment;

    new CloudwatchMetricAlarm(this, RESOURCE, {
      alarmName: feature.physicalName(
        this.node.scopes
          .slice(this.node.scopes.indexOf(feature) + 1)
          .map((s) => s.node.id)
          .join("-"),
      ),
      alarmDescription: props.text,
      namespace: props.namespace,
      metricName: props.metric,
      dimensions: props.dimensions,
      statistic: props.statistic,
      comparisonOperator: props.comparison,
      threshold: props.threshold,
      period: props.periodSeconds,
      evaluationPeriods: props.periods ?? 1,
      treatMissingData: props.missingData ?? "notBreaching",
      alarmActions: [alarmTopicArn],
      okActions: [alarmTopicArn],
    });
  }
}
