import { CloudwatchEventRule } from "@cdktf/provider-aws/lib/cloudwatch-event-rule";
import { CloudwatchEventTarget } from "@cdktf/provider-aws/lib/cloudwatch-event-target";
import { LambdaPermission } from "@cdktf/provider-aws/lib/lambda-permission";
import { Construct } from "constructs";
import { Feature } from "./feature";
import type { DeadLetterQueue } from "./queue";
import { RESOURCE } from "./readable-id";

export interface ScheduleProps {
  readonly description: string;
  /** `rate(5 minutes)` or `cron(0 17 * * ? *)`, UTC; or a variable of the module that holds one. */
  readonly expression: string;
  readonly target: { readonly name: string; readonly arn: string };
  /** Where a tick goes that EventBridge could not hand to Lambda. */
  readonly deadLetters: DeadLetterQueue;
  /** A tick that could not be handed over is tried again for this long. 60 s to 24 h. */
  readonly maxEventAgeSeconds: number;
}

/** An EventBridge rule that invokes a function, asynchronously, at every tick. */
export class Schedule extends Construct {
  constructor(scope: Construct, id: string, props: ScheduleProps) {
    super(scope, id);
    const feature = Feature.of(this);
    const name = feature.physicalName(id);
    const rule = new CloudwatchEventRule(this, RESOURCE, {
      name,
      description: props.description,
      scheduleExpression: props.expression,
    });
    const permission = new LambdaPermission(this, "permission", {
      statementId: name,
      action: "lambda:InvokeFunction",
      functionName: props.target.name,
      principal: "events.amazonaws.com",
      sourceArn: rule.arn,
    });
    props.deadLetters.acceptFrom("events.amazonaws.com", feature.arn("events", `rule/${name}`));
    new CloudwatchEventTarget(this, "target", {
      rule: rule.name,
      arn: props.target.arn,
      deadLetterConfig: { arn: props.deadLetters.arn },
      retryPolicy: { maximumEventAgeInSeconds: props.maxEventAgeSeconds },
      dependsOn: [permission],
    });
  }
}
