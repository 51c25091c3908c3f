import { SqsQueue } from "@cdktf/provider-aws/lib/sqs-queue";
import { Lazy } from "cdktf";
import { Construct } from "constructs";
import { DAY_SECONDS } from "../../functions/shared/time";
import { Alarm, type AlarmText } from "./alarm";
import type { Metric } from "./dashboard";
import type { EventSource, QueueFeed } from "./event-source";
import { Feature } from "./feature";
import { policy, type Binding, type Statement } from "./grants";
import { RESOURCE } from "./readable-id";

/** SQS's longest: whoever comes back from a fortnight away finds nothing lost. */
const DEAD_LETTER_RETENTION_SECONDS = 14 * DAY_SECONDS;

interface BaseQueueProps {
  readonly role: string;
  readonly retentionSeconds?: number;
  readonly visibilityTimeoutSeconds?: number;
  readonly redrivePolicy?: string;
}

/** An SQS queue: encrypted, reached over TLS only. */
abstract class BaseQueue extends Construct {
  readonly arn: string;
  readonly url: string;
  readonly name: string;
  /** Known before the queue is, so that its policy can name it inline: a policy resource apart would cost another 25 s. */
  private readonly computedArn: string;
  private readonly senders: Statement[] = [];

  protected constructor(scope: Construct, id: string, props: BaseQueueProps) {
    super(scope, id);
    const feature = Feature.of(this);
    const name = feature.physicalName(props.role);
    this.computedArn = feature.arn("sqs", name);
    const resource = new SqsQueue(this, RESOURCE, {
      name,
      sqsManagedSseEnabled: true,
      policy: Lazy.stringValue({ produce: () => policy([this.tlsOnly(), ...this.senders]) }),
      ...(props.retentionSeconds !== undefined && { messageRetentionSeconds: props.retentionSeconds }),
      ...(props.visibilityTimeoutSeconds !== undefined && { visibilityTimeoutSeconds: props.visibilityTimeoutSeconds }),
      ...(props.redrivePolicy !== undefined && { redrivePolicy: props.redrivePolicy }),
    });
    this.arn = resource.arn;
    this.url = resource.url;
    this.name = resource.name;
  }

  /** One of those that SQS keeps of each queue. */
  metric(metric: "ApproximateAgeOfOldestMessage" | "ApproximateNumberOfMessagesVisible"): Metric {
    return { namespace: "AWS/SQS", metric, dimensions: { QueueName: this.name } };
  }

  /** The queue's URL, and the permission to send to it. */
  allowsSend(): Binding {
    return { value: this.url, actions: ["sqs:SendMessage"], resources: [this.arn] };
  }

  /** The queue's URL, and the permission to give back for later what was received. */
  allowsPutOff(): Binding {
    return { value: this.url, actions: ["sqs:ChangeMessageVisibility"], resources: [this.arn] };
  }

  /** Lets an AWS service send, on behalf of one resource (by its ARN; computed where a reference would be a cycle). */
  acceptFrom(service: string, sourceArn: string): void {
    this.senders.push({
      Sid: `From${service.replace(/\..*/, "").replace(/^./, (first) => first.toUpperCase())}${this.senders.length || ""}`,
      Effect: "Allow",
      Principal: { Service: service },
      Action: "sqs:SendMessage",
      Resource: this.computedArn,
      Condition: { ArnEquals: { "aws:SourceArn": sourceArn } },
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

export interface DeadLetterQueueProps {
  /** @default "dead-letters" */
  readonly role?: string;
  readonly alarms: { readonly notEmpty: AlarmText; readonly flood?: FloodAlarm };
}

/** So many dead letters that it is not about them any more, but about what makes them. */
export interface FloodAlarm {
  readonly text: AlarmText;
  /** Dead letters; from one more on it is a flood. */
  readonly threshold: number;
}

/** Where what could not be done waits for somebody: an alarm says so at once, and `npx almanac redrive` sends it back. */
export class DeadLetterQueue extends BaseQueue {
  constructor(scope: Construct, id: string, { role = "dead-letters", alarms }: DeadLetterQueueProps) {
    super(scope, id, { role, retentionSeconds: DEAD_LETTER_RETENTION_SECONDS });
    const { notEmpty, flood } = alarms;
    this.createAlarm("not-empty", notEmpty, 0);
    if (flood) this.createAlarm("flood", flood.text, flood.threshold);
  }

  private createAlarm(id: string, text: AlarmText, threshold: number): void {
    new Alarm(this, id, {
      text,
      ...this.metric("ApproximateNumberOfMessagesVisible"),
      statistic: "Maximum",
      comparison: "GreaterThanThreshold",
      threshold,
      periodSeconds: 60,
    });
  }
}

export interface QueueProps {
  readonly role: string;
  /** How long a received message is hidden from others: six times the consumer's timeout, says Lambda's documentation. */
  readonly visibilityTimeoutSeconds: number;
  /** Receives before a message is a dead letter. @default 5 */
  readonly maxReceives?: number;
  readonly alarms: {
    readonly deadLetters: AlarmText;
    readonly deadLetterFlood?: FloodAlarm;
    /** Nobody has taken its oldest message for fifteen minutes. @default no alarm */
    readonly standstill?: AlarmText;
  };
}

const STANDSTILL_SECONDS = 900;

/** An SQS queue with its dead-letter queue. */
export class Queue extends BaseQueue {
  readonly deadLetters: DeadLetterQueue;

  constructor(scope: Construct, id: string, props: QueueProps) {
    const deadLetters = new DeadLetterQueue(scope, `${id}-dead-letters`, {
      role: `${props.role}-dead-letters`,
      alarms: {
        notEmpty: props.alarms.deadLetters,
        ...(props.alarms.deadLetterFlood && { flood: props.alarms.deadLetterFlood }),
      },
    });
    super(scope, id, {
      role: props.role,
      visibilityTimeoutSeconds: props.visibilityTimeoutSeconds,
      redrivePolicy: JSON.stringify({ deadLetterTargetArn: deadLetters.arn, maxReceiveCount: props.maxReceives ?? 5 }),
    });
    this.deadLetters = deadLetters;
    if (props.alarms.standstill !== undefined) {
      new Alarm(this, "standstill", {
        text: props.alarms.standstill,
        ...this.metric("ApproximateAgeOfOldestMessage"),
        statistic: "Maximum",
        comparison: "GreaterThanThreshold",
        threshold: STANDSTILL_SECONDS,
        periodSeconds: 300,
      });
    }
  }

  /** Feeds a function, which names the messages of a batch that it failed on. */
  feeds({ batchSize, windowSeconds = 0, maxConcurrency }: QueueFeed): EventSource {
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
