/** SQS queues with their dead-letter queues. */
import { SqsQueue } from "@cdktf/provider-aws/lib/sqs-queue";
import { Lazy } from "cdktf";
import { Construct } from "constructs";
import { DAY_SECONDS } from "../../../functions/shared/time";
import { Alarm } from "./alarm";
import type { AlarmSpec } from "../alarm-spec";
import type { Metric } from "../dashboard";
import type { EventSource, QueueEventSourceProps } from "./event-source";
import { Feature } from "../feature";
import { policy, type Binding, type Statement } from "./grants";
import { RESOURCE } from "../readable-id";

/** SQS's maximum: two weeks to notice and redrive. */
const DLQ_RETENTION_SECONDS = 14 * DAY_SECONDS;

interface BaseQueueProps {
  readonly nameSuffix: string;
  readonly retentionSeconds?: number;
  readonly visibilityTimeoutSeconds?: number;
  readonly redrivePolicy?: string;
}

/** An SQS queue: encrypted, TLS only. */
abstract class BaseQueue extends Construct {
  readonly arn: string;
  readonly url: string;
  readonly name: string;
  /** Known before the queue exists, so that its policy can be inline: a separate policy resource takes 25 s longer. */
  private readonly computedArn: string;
  private readonly allowStatements = new Map<string, Statement>();

  protected constructor(scope: Construct, id: string, props: BaseQueueProps) {
    super(scope, id);
    const feature = Feature.of(this);
    const name = feature.physicalName(props.nameSuffix);
    this.computedArn = feature.arn("sqs", name);
    const resource = new SqsQueue(this, RESOURCE, {
      name,
      sqsManagedSseEnabled: true,
      policy: Lazy.stringValue({ produce: () => policy([this.tlsOnly(), ...this.allowStatements.values()]) }),
      ...(props.retentionSeconds !== undefined && { messageRetentionSeconds: props.retentionSeconds }),
      ...(props.visibilityTimeoutSeconds !== undefined && { visibilityTimeoutSeconds: props.visibilityTimeoutSeconds }),
      ...(props.redrivePolicy !== undefined && { redrivePolicy: props.redrivePolicy }),
    });
    this.arn = resource.arn;
    this.url = resource.url;
    this.name = resource.name;
  }

  metric(metric: "ApproximateAgeOfOldestMessage" | "ApproximateNumberOfMessagesVisible"): Metric {
    return { namespace: "AWS/SQS", metric, dimensions: { QueueName: this.name } };
  }

  /** The queue's URL with `sqs:SendMessage`. */
  grantSend(): Binding {
    return { value: this.url, actions: ["sqs:SendMessage"], resources: [this.arn] };
  }

  /** The queue's URL with `sqs:ChangeMessageVisibility`. */
  grantChangeVisibility(): Binding {
    return { value: this.url, actions: ["sqs:ChangeMessageVisibility"], resources: [this.arn] };
  }

  /**
   * Lets EventBridge send on behalf of the rules of its feature. One statement for all of them: a queue's policy has at most 20, and a
   * feature may have hundreds of rules.
   */
  allowRules(): void {
    this.allowStatements.set("events", {
      Sid: "Events",
      Effect: "Allow",
      Principal: { Service: "events.amazonaws.com" },
      Action: "sqs:SendMessage",
      Resource: this.computedArn,
      Condition: { ArnLike: { "aws:SourceArn": Feature.of(this).ruleArns } },
    });
  }

  private tlsOnly(): Statement {
    return {
      Sid: "TlsOnly",
      Effect: "Deny",
      Principal: "*",
      Action: "sqs:*",
      Resource: this.computedArn,
      Condition: { Bool: { "aws:SecureTransport": "false" } },
    };
  }
}

export interface DeadLetterQueueAlarms {
  /** Any message. */
  readonly depth: AlarmSpec;
  /** More than this many messages: the cause is not in single messages. @default no alarm */
  readonly highDepth?: { readonly spec: AlarmSpec; readonly messages: number };
}

export interface DeadLetterQueueProps {
  /** @default "dlq" */
  readonly nameSuffix?: string;
  readonly alarms: DeadLetterQueueAlarms;
}

/** A dead-letter queue. Alarms when not empty; `npx almanac redrive` retries its messages. */
export class DeadLetterQueue extends BaseQueue {
  constructor(scope: Construct, id: string, { nameSuffix = "dlq", alarms }: DeadLetterQueueProps) {
    super(scope, id, { nameSuffix, retentionSeconds: DLQ_RETENTION_SECONDS });
    const { depth, highDepth } = alarms;
    this.createDepthAlarm("depth", depth, 0);
    if (highDepth) this.createDepthAlarm("high-depth", highDepth.spec, highDepth.messages);
  }

  private createDepthAlarm(id: string, spec: AlarmSpec, threshold: number): void {
    new Alarm(this, id, {
      spec,
      ...this.metric("ApproximateNumberOfMessagesVisible"),
      statistic: "Maximum",
      threshold,
      periodSeconds: 60,
    });
  }
}

export interface QueueProps {
  readonly nameSuffix: string;
  /** AWS recommends six times the consumer's timeout. */
  readonly visibilityTimeoutSeconds: number;
  /** Receives before a message goes to the dead-letter queue. @default 5 */
  readonly maxReceives?: number;
  readonly alarms: {
    readonly deadLetterQueue: DeadLetterQueueAlarms;
    readonly oldestMessageAge: AlarmSpec & { readonly seconds?: number };
  };
}

const OLDEST_MESSAGE_SECONDS = 900;

/** An SQS queue with its dead-letter queue. */
export class Queue extends BaseQueue {
  readonly deadLetterQueue: DeadLetterQueue;

  constructor(scope: Construct, id: string, props: QueueProps) {
    const deadLetterQueue = new DeadLetterQueue(scope, `${id}-dlq`, {
      nameSuffix: `${props.nameSuffix}-dlq`,
      alarms: props.alarms.deadLetterQueue,
    });
    super(scope, id, {
      nameSuffix: props.nameSuffix,
      visibilityTimeoutSeconds: props.visibilityTimeoutSeconds,
      redrivePolicy: JSON.stringify({
        deadLetterTargetArn: deadLetterQueue.arn,
        maxReceiveCount: props.maxReceives ?? 5,
      }),
    });
    this.deadLetterQueue = deadLetterQueue;
    const { oldestMessageAge } = props.alarms;
    new Alarm(this, "oldest-message-age", {
      spec: oldestMessageAge,
      ...this.metric("ApproximateAgeOfOldestMessage"),
      statistic: "Maximum",
      threshold: oldestMessageAge.seconds ?? OLDEST_MESSAGE_SECONDS,
    });
  }

  /** Invokes a function, which reports the messages of a batch that failed. */
  eventSource({ batchSize, windowSeconds = 0, maxConcurrency }: QueueEventSourceProps): EventSource {
    const actions = ["DeleteMessage", "GetQueueAttributes", "ReceiveMessage"].map((action) => `sqs:${action}`);
    return {
      permissions: { QUEUE: { value: this.url, actions, resources: [this.arn] } },
      mapping: {
        eventSourceArn: this.arn,
        batchSize,
        functionResponseTypes: ["ReportBatchItemFailures"],
        ...(windowSeconds > 0 && { maximumBatchingWindowInSeconds: windowSeconds }),
        ...(maxConcurrency !== undefined && { scalingConfig: { maximumConcurrency: maxConcurrency } }),
      },
    };
  }
}
