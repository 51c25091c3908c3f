import { CloudwatchEventRule } from "@cdktf/provider-aws/lib/cloudwatch-event-rule";
import { CloudwatchEventTarget } from "@cdktf/provider-aws/lib/cloudwatch-event-target";
import { LambdaPermission } from "@cdktf/provider-aws/lib/lambda-permission";
import { Construct } from "constructs";
import { Feature } from "./feature";
import type { DeadLetterQueue } from "./queue";

/** EventBridge's own limit. */
const TARGETS_PER_RULE = 5;

/** A tick that could not be handed over is worth nothing when the next one is there. EventBridge's shortest, too. */
const MAX_TICK_AGE_SECONDS = 60;

/** The event as it is, and which of the targets this is. */
const EVENT_PATHS = { id: "$.id", time: "$.time", source: "$.source", type: "$.detail-type" };

export interface FanOutScheduleProps {
  readonly description: string;
  /** How many times the function is invoked each minute, each time told its number: `{"target": 0, "targets": 4}` in the event. */
  readonly targets: number;
  readonly target: { readonly name: string; readonly arn: string };
  /** Where a tick goes that EventBridge could not hand to Lambda. */
  readonly deadLetters: DeadLetterQueue;
}

/** Invokes a function many times each minute, side by side: as many EventBridge rules as that takes. */
export class FanOutSchedule extends Construct {
  constructor(scope: Construct, id: string, { description, targets, target, deadLetters }: FanOutScheduleProps) {
    super(scope, id);
    const feature = Feature.of(this);
    const rules = Math.ceil(targets / TARGETS_PER_RULE);
    for (let number = 0; number < rules; number++) {
      const name = feature.physicalName(`${id}-${number}`);
      const rule = new CloudwatchEventRule(this, `rule-${number}`, {
        name,
        description,
        scheduleExpression: "rate(1 minute)",
      });
      const permission = new LambdaPermission(this, `permission-${number}`, {
        statementId: name,
        action: "lambda:InvokeFunction",
        functionName: target.name,
        principal: "events.amazonaws.com",
        sourceArn: rule.arn,
      });
      deadLetters.allowService("events.amazonaws.com", feature.arn("events", `rule/${name}`));
      const first = number * TARGETS_PER_RULE;
      for (let index = first; index < Math.min(targets, first + TARGETS_PER_RULE); index++) {
        new CloudwatchEventTarget(this, `target-${index}`, {
          rule: rule.name,
          targetId: `target-${index}`,
          arn: target.arn,
          inputTransformer: {
            inputPaths: EVENT_PATHS,
            inputTemplate: `{"id": <id>, "time": <time>, "source": <source>, "detail-type": <type>, "target": ${index}, "targets": ${targets}}`,
          },
          deadLetterConfig: { arn: deadLetters.arn },
          retryPolicy: { maximumEventAgeInSeconds: MAX_TICK_AGE_SECONDS, maximumRetryAttempts: 1 },
          dependsOn: [permission],
        });
      }
    }
  }
}
