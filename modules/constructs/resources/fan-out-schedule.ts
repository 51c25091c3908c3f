/** A schedule that invokes a function several times at each tick. */
import { CloudwatchEventRule } from "@cdktf/provider-aws/lib/cloudwatch-event-rule";
import { CloudwatchEventTarget } from "@cdktf/provider-aws/lib/cloudwatch-event-target";
import { Construct } from "constructs";
import { deliveryTo, type RuleTarget } from "./event-rule";
import { Feature } from "../feature";

/** EventBridge's limit. */
const TARGETS_PER_RULE = 5;

const EVENT_PATHS = { id: "$.id", time: "$.time", source: "$.source", type: "$.detail-type" };

export interface FanOutScheduleProps {
  readonly description: string;
  /** `rate(1 minute)` */
  readonly expression: string;
  /** Invocations per tick. The event of each has its number: `{"target": 0, "targets": 4}`. */
  readonly targets: number;
  readonly target: RuleTarget;
}

/** Invokes a function several times in parallel at each tick, with as many EventBridge rules as that needs. */
export class FanOutSchedule extends Construct {
  constructor(scope: Construct, id: string, { description, expression, targets, target }: FanOutScheduleProps) {
    super(scope, id);
    const feature = Feature.of(this);
    const rules = Math.ceil(targets / TARGETS_PER_RULE);
    for (let number = 0; number < rules; number++) {
      const name = `${feature.nameOf(this)}-${number}`;
      const rule = new CloudwatchEventRule(this, `rule-${number}`, {
        name,
        description,
        scheduleExpression: expression,
      });
      const first = number * TARGETS_PER_RULE;
      for (let index = first; index < Math.min(targets, first + TARGETS_PER_RULE); index++) {
        new CloudwatchEventTarget(this, `target-${index}`, {
          rule: rule.name,
          targetId: `target-${index}`,
          ...deliveryTo(target),
          inputTransformer: {
            inputPaths: EVENT_PATHS,
            inputTemplate: `{"id": <id>, "time": <time>, "source": <source>, "detail-type": <type>, "target": ${index}, "targets": ${targets}}`,
          },
        });
      }
    }
  }
}
