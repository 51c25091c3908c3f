/** The pattern of a function with a queue of its own. */
import type { Construct } from "constructs";
import type { AlarmSpec } from "../alarm-spec";
import type { QueueEventSourceProps } from "../resources/event-source";
import { Feature } from "../feature";
import type { Bindings } from "../resources/grants";
import { NodeFunction, type NodeFunctionProps } from "../resources/node-function";
import { Queue, type QueueProps } from "../resources/queue";

/** AWS's recommendation: a message stays hidden while Lambda retries a throttled batch. */
const VISIBILITY_TIMEOUTS = 6;

export interface QueueFunctionProps<E> extends Omit<
  NodeFunctionProps<E>,
  "environment" | "eventInvokeConfig" | "eventSource" | "alarms"
> {
  readonly queue: Omit<QueueProps, "visibilityTimeoutSeconds" | "alarms">;
  readonly batch: QueueEventSourceProps;
  /** A function of the queue where the handler uses the queue itself. */
  readonly environment: Bindings<E> | ((queue: Queue) => Bindings<E>);
  readonly alarms: QueueProps["alarms"] & {
    /** @default disabled, because messages that fail go to the dead-letter queue */
    readonly errors?: AlarmSpec;
  };
}

/** A function that processes the messages of its own SQS queue, which has a dead-letter queue. */
export class QueueFunction<E extends { readonly [Name in keyof E]: string }> extends NodeFunction<E> {
  readonly queue: Queue;

  constructor(
    scope: Construct,
    id: string,
    { queue: queueProps, batch, environment, alarms, ...props }: QueueFunctionProps<E>,
  ) {
    const { errors = { disabled: "covered by the dead-letter queue's alarm" }, ...queueAlarms } = alarms;
    const queue = new Queue(scope, `${id}-queue`, {
      ...queueProps,
      visibilityTimeoutSeconds: VISIBILITY_TIMEOUTS * props.timeoutSeconds,
      alarms: queueAlarms,
    });
    super(scope, id, {
      ...props,
      environment: typeof environment === "function" ? environment(queue) : environment,
      eventSource: queue.eventSource(batch),
      alarms: { errors },
    });
    this.queue = queue;
    Feature.of(this).addToErrorsGraph(this, this.metric("Errors"));
  }
}
