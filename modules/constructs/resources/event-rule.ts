/** EventBridge rules and their targets. */
import { CloudwatchEventRule, type CloudwatchEventRuleConfig } from "@cdktf/provider-aws/lib/cloudwatch-event-rule";
import { CloudwatchEventTarget } from "@cdktf/provider-aws/lib/cloudwatch-event-target";
import type { LambdaPermission } from "@cdktf/provider-aws/lib/lambda-permission";
import { Construct } from "constructs";
import { Feature } from "../feature";
import type { DeadLetterQueue } from "./queue";
import { RESOURCE } from "../readable-id";

/**
 * EventBridge's own default: it retries until the event is too old. Always set, because the AWS provider sends an unset number of
 * retries as 0.
 */
const DELIVERY_RETRIES = 185;

/** A function that EventBridge invokes asynchronously. */
export interface RuleTarget {
  readonly arn: string;
  /** Lets the rules of its feature invoke it: one statement, however many rules there are. */
  allowRules(): LambdaPermission;
  /** Receives events that EventBridge could not deliver to Lambda. */
  readonly deadLetterQueue: DeadLetterQueue;
  /** How long EventBridge retries a delivery. 60 s to 24 h. */
  readonly maxEventAgeSeconds: number;
}

export interface RuleProps {
  readonly description: string;
  readonly target: RuleTarget;
}

/** A rule on the default EventBridge bus that invokes a function. */
export abstract class Rule extends Construct {
  protected constructor(
    scope: Construct,
    id: string,
    { description, target }: RuleProps,
    when: Pick<CloudwatchEventRuleConfig, "scheduleExpression" | "eventPattern">,
  ) {
    super(scope, id);
    const feature = Feature.of(this);
    const name = feature.nameOf(this);
    const rule = new CloudwatchEventRule(this, RESOURCE, { name, description, ...when });
    new CloudwatchEventTarget(this, "target", { rule: rule.name, ...deliveryTo(target) });
  }
}

/** How EventBridge delivers the events of a rule to a function. */
export function deliveryTo(target: RuleTarget) {
  target.deadLetterQueue.allowRules();
  return {
    arn: target.arn,
    deadLetterConfig: { arn: target.deadLetterQueue.arn },
    retryPolicy: { maximumEventAgeInSeconds: target.maxEventAgeSeconds, maximumRetryAttempts: DELIVERY_RETRIES },
    dependsOn: [target.allowRules()],
  };
}

/** https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-event-patterns.html */
export interface EventPattern {
  readonly source: readonly string[];
  readonly "detail-type": readonly string[];
  readonly detail?: Readonly<Record<string, readonly (string | NumericMatch)[]>>;
}

/** `{ numeric: [">", 0] }` */
interface NumericMatch {
  readonly numeric: readonly [operator: ">", value: number];
}

/** Invokes a function for each event that matches a pattern. */
export class EventRule extends Rule {
  constructor(scope: Construct, id: string, { pattern, ...props }: RuleProps & { readonly pattern: EventPattern }) {
    super(scope, id, props, { eventPattern: JSON.stringify(pattern) });
  }
}
