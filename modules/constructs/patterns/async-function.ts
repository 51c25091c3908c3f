/** The pattern of a function that events or other functions invoke asynchronously. */
import { LambdaPermission } from "@cdktf/provider-aws/lib/lambda-permission";
import type { Construct } from "constructs";
import type { RuleTarget } from "../resources/event-rule";
import { Feature } from "../feature";
import { NodeFunction, type EventInvokeConfig, type NodeFunctionProps } from "../resources/node-function";
import { DeadLetterQueue } from "../resources/queue";

export type AsyncFunctionProps<E> = Omit<NodeFunctionProps<E>, "eventInvokeConfig" | "eventSource"> &
  Omit<EventInvokeConfig, "deadLetterQueue">;

/**
 * A function that events or other functions invoke asynchronously. Events that fail after all retries go to its feature's
 * dead-letter queue.
 */
export class AsyncFunction<E extends { readonly [Name in keyof E]: string }>
  extends NodeFunction<E>
  implements RuleTarget
{
  readonly deadLetterQueue: DeadLetterQueue;
  readonly maxEventAgeSeconds: number;
  private rules?: LambdaPermission;

  constructor(scope: Construct, id: string, { retries, maxEventAgeSeconds, ...props }: AsyncFunctionProps<E>) {
    const feature = Feature.of(scope);
    const deadLetterQueue = deadLetterQueueOf(feature);
    super(scope, id, { ...props, eventInvokeConfig: { deadLetterQueue, retries, maxEventAgeSeconds } });
    this.deadLetterQueue = deadLetterQueue;
    this.maxEventAgeSeconds = maxEventAgeSeconds;
    feature.addToErrorsGraph(this, this.metric("Errors"));
  }

  /** One statement for all rules of its feature: a function's resource policy has 20 KB. */
  allowRules(): LambdaPermission {
    this.rules ??= new LambdaPermission(this, "rules", {
      statementId: "rules",
      action: "lambda:InvokeFunction",
      functionName: this.name,
      principal: "events.amazonaws.com",
      sourceArn: Feature.of(this).ruleArns,
    });
    return this.rules;
  }
}

const QUEUE_ID = "dlq";

/** The feature's dead-letter queue for asynchronous invocations, an output of its module. Created on first use. */
function deadLetterQueueOf(feature: Feature): DeadLetterQueue {
  const existing = feature.node.tryFindChild(QUEUE_ID);
  if (existing instanceof DeadLetterQueue) return existing;
  const queue = new DeadLetterQueue(feature, QUEUE_ID, { alarms: { depth: feature.deadLetterAlarm } });
  feature.output("dead_letter_queue_url", "Dead-letter queue of asynchronous invocations", queue.url);
  return queue;
}
