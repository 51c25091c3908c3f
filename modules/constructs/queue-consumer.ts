import { LambdaEventSourceMapping } from "@cdktf/provider-aws/lib/lambda-event-source-mapping";
import { Construct } from "constructs";
import { RESOURCE } from "./readable-id";

export interface QueueConsumerProps {
  readonly queue: { readonly arn: string };
  /** Its environment has to have a binding of {@link Queue.allowsConsume}. */
  readonly consumer: { readonly arn: string };
  /** Messages an invocation gets at most, 1 to 10. */
  readonly batchSize: number;
  /** Invocations at a time at most, 2 to 1,000. @default as many as the account has left */
  readonly maxConcurrency?: number;
}

/** Hands a queue's messages to a function. What the function names as failed comes again, alone. */
export class QueueConsumer extends Construct {
  constructor(scope: Construct, id: string, { queue, consumer, batchSize, maxConcurrency }: QueueConsumerProps) {
    super(scope, id);
    new LambdaEventSourceMapping(this, RESOURCE, {
      eventSourceArn: queue.arn,
      functionName: consumer.arn,
      batchSize,
      functionResponseTypes: ["ReportBatchItemFailures"],
      ...(maxConcurrency !== undefined && { scalingConfig: { maximumConcurrency: maxConcurrency } }),
    });
  }
}
