import { CloudwatchEventRule, type CloudwatchEventRuleConfig } from "@cdktf/provider-aws/lib/cloudwatch-event-rule";
import { CloudwatchEventTarget } from "@cdktf/provider-aws/lib/cloudwatch-event-target";
import { LambdaPermission } from "@cdktf/provider-aws/lib/lambda-permission";
import { Construct } from "constructs";
import { Feature } from "./feature";
import type { DeadLetterQueue } from "./queue";
import { RESOURCE } from "./readable-id";

export interface RuleProps {
  readonly description: string;
  readonly target: { readonly name: string; readonly arn: string };
  /** Where an event goes that EventBridge could not hand to Lambda. */
  readonly deadLetters: DeadLetterQueue;
  /** An event that could not be handed over is tried again for this long. 60 s to 24 h. */
  readonly maxEventAgeSeconds: number;
}

/** A rule of EventBridge's default bus that invokes a function, asynchronously. */
export abstract class Rule extends Construct {
  protected constructor(
    scope: Construct,
    id: string,
    props: RuleProps,
    when: Pick<CloudwatchEventRuleConfig, "scheduleExpression" | "eventPattern">,
  ) {
    super(scope, id);
    const feature = Feature.of(this);
    const name = feature.physicalName(id);
    const rule = new CloudwatchEventRule(this, RESOURCE, { name, description: props.description, ...when });
    const permission = new LambdaPermission(this, "permission", {
      statementId: name,
      action: "lambda:InvokeFunction",
      functionName: props.target.name,
      principal: "events.amazonaws.com",
      sourceArn: rule.arn,
    });
    props.deadLetters.allowService("events.amazonaws.com", feature.arn("events", `rule/${name}`));
    new CloudwatchEventTarget(this, "target", {
      rule: rule.name,
      arn: props.target.arn,
      deadLetterConfig: { arn: props.deadLetters.arn },
      retryPolicy: { maximumEventAgeInSeconds: props.maxEventAgeSeconds },
      dependsOn: [permission],
    });
  }
}

/** What events have to be like: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-event-patterns.html */
export interface EventPattern {
  readonly source: readonly string[];
  readonly "detail-type": readonly string[];
  readonly detail?: Readonly<Record<string, readonly string[]>>;
}

/** Invokes a function for each event of a kind. */
export class EventRule extends Rule {
  constructor(scope: Construct, id: string, { pattern, ...props }: RuleProps & { readonly pattern: EventPattern }) {
    super(scope, id, props, { eventPattern: JSON.stringify(pattern) });
  }
}
