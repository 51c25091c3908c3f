import { S3Object } from "@cdktf/provider-aws/lib/s3-object";
import { Fn, Op, Token, conditional, type TerraformStack } from "cdktf";
import { z } from "zod";
import {
  LOOKUP_THREADS,
  TARGETS_KEY,
  TELEMETRY_KEYS,
  targetsSchema,
  worstCaseBodyMegabytes,
  worstCaseSeconds,
  type CheckEnvironment,
} from "../../functions/heartbeats/contract";
import { Alarm } from "../constructs/alarm";
import { Bucket } from "../constructs/bucket";
import { Feature, type Deployment } from "../constructs/feature";
import { literal } from "../constructs/literal";
import { MEMORY_MB, NodeFunction } from "../constructs/node-function";
import { DeadLetterQueue } from "../constructs/queue";
import { Schedule } from "../constructs/schedule";
import { minutesOf, scheduleSchema } from "../constructs/schedule-expression";
import { Table } from "../constructs/table";

/** For reading the targets before the checks, and for saving what they found after. */
const SECONDS_AROUND_CHECKS = 30;

/** Lambda's own limit. */
const MAX_TIMEOUT_SECONDS = 900;

/** Lambda's own limit, too. */
const MAX_MEMORY_MB = 10_240;

/** The alarm for silence looks back over three ticks, and CloudWatch no further than a day. */
const MAX_INTERVAL_MINUTES = 480;

/** A tick that is later than this would measure another time than its own: the next one has long been there. */
const MAX_TICK_AGE_SECONDS = 300;

export const heartbeatsSchema = z.strictObject({
  /** How often: a rate of up to eight hours, as EventBridge writes it. @default "rate(5 minutes)" */
  schedule: scheduleSchema
    .refine((schedule) => (minutesOf(schedule) ?? Infinity) <= MAX_INTERVAL_MINUTES, {
      error: `is not a rate of ${MAX_INTERVAL_MINUTES} minutes or less: heartbeats come at even intervals`,
      when: ({ issues }) => issues.length === 0,
    })
    .default("rate(5 minutes)"),
  /** How long each check's row is kept. @default 90 */
  telemetryDays: z.int().min(1).max(3650).default(90),
  targets: targetsSchema
    .refine(
      (targets) => worstCaseSeconds(targets) + SECONDS_AROUND_CHECKS <= MAX_TIMEOUT_SECONDS,
      `can take longer than Lambda's ${MAX_TIMEOUT_SECONDS} s when all of them time out: give them shorter timeouts`,
    )
    .refine(
      (targets) => MEMORY_MB + worstCaseBodyMegabytes(targets) <= MAX_MEMORY_MB,
      `can need more than Lambda's ${MAX_MEMORY_MB} MB for the bodies they search: give them a smaller maxBodyBytes`,
    ),
});

/** The heartbeats of an environment, as people write them in main.ts. */
export type HeartbeatsInput = z.input<typeof heartbeatsSchema>;
type HeartbeatsConfig = z.output<typeof heartbeatsSchema>;

/** Checks URLs on a schedule and keeps what it found. */
export class Heartbeats extends Feature {
  constructor(environment: TerraformStack, deployment: Deployment, config: HeartbeatsConfig) {
    super(environment, "heartbeats", deployment);
    const telemetry = this.createTelemetryTable();
    const targets = this.createTargetsBucket(config);
    const deadLetters = this.createDeadLetters();
    const checker = this.createChecker(telemetry, targets, deadLetters, config);
    const intervalMinutes = this.inputInterval(config);
    this.createSchedule(checker, deadLetters, intervalMinutes);
    this.createAlarms(checker, intervalMinutes);

    this.output("table_name", "Telemetry: a row for each check", telemetry.name);
    this.output("check_function_name", "Checks all targets when it is invoked", checker.name);
    this.output("dead_letter_queue_url", "Ticks that failed for good", deadLetters.url);
  }

  private createTelemetryTable(): Table {
    return new Table(this, "telemetry", {
      partitionKey: { name: TELEMETRY_KEYS.partition, type: "S" },
      sortKey: { name: TELEMETRY_KEYS.sort, type: "S" },
      timeToLiveAttribute: TELEMETRY_KEYS.timeToLive,
    });
  }

  /** An object, because a thousand targets fit in no environment variable, and because its diff in a plan is easily read. */
  private createTargetsBucket({ targets }: HeartbeatsConfig): Bucket {
    const bucket = new Bucket(this, "configuration", { role: "configuration", versioned: true });
    const input = this.input("targets", {
      type: "any",
      description: "What to check: a list of objects, see README.md",
      value: literal(targets),
    });
    new S3Object(this, "targets-object", {
      bucket: bucket.name,
      key: TARGETS_KEY,
      content: Fn.jsonencode(input.value),
      contentType: "application/json",
    });
    return bucket;
  }

  private createDeadLetters(): DeadLetterQueue {
    return new DeadLetterQueue(this, "dead-letters", {
      alarms: { notEmpty: "Heartbeats were not taken. See modules/heartbeats/README.md, 'Dead letters'" },
    });
  }

  private createChecker(
    telemetry: Table,
    configuration: Bucket,
    deadLetters: DeadLetterQueue,
    { targets, telemetryDays }: HeartbeatsConfig,
  ): NodeFunction<CheckEnvironment> {
    return new NodeFunction<CheckEnvironment>(this, "check", {
      entry: "functions/heartbeats/check.ts",
      environment: {
        HEARTBEATS_TABLE: telemetry.allows("BatchWriteItem"),
        TARGETS_BUCKET: configuration.allowsRead(TARGETS_KEY),
        TELEMETRY_DAYS: this.input("telemetry_days", {
          type: "number",
          description: "Days that a telemetry row is kept",
          value: telemetryDays,
        }).stringValue,
      },
      timeoutSeconds: this.input("timeout_seconds", {
        type: "number",
        description: "The checker's timeout: all checks at their slowest, and reading and saving",
        value: Math.ceil(worstCaseSeconds(targets)) + SECONDS_AROUND_CHECKS,
      }).numberValue,
      memoryMb: this.input("memory_mb", {
        type: "number",
        description: "The checker's memory: for itself, and for the bodies that it searches at one time",
        value: MEMORY_MB + worstCaseBodyMegabytes(targets),
      }).numberValue,
      threads: LOOKUP_THREADS,
      asynchronous: { deadLetters, retries: 2, maxEventAgeSeconds: MAX_TICK_AGE_SECONDS },
      alarms: { errors: "The checker fails. See modules/heartbeats/README.md, 'The checker fails'" },
    });
  }

  private inputInterval({ schedule }: HeartbeatsConfig): number {
    return this.input("interval_minutes", {
      type: "number",
      description: `Minutes from one round of checks to the next, ${MAX_INTERVAL_MINUTES} at most`,
      value: minutesOf(schedule),
    }).numberValue;
  }

  private createSchedule(
    checker: NodeFunction<CheckEnvironment>,
    deadLetters: DeadLetterQueue,
    intervalMinutes: number,
  ): void {
    const plural = conditional(Op.eq(intervalMinutes, 1), "", "s");
    new Schedule(this, "schedule", {
      description: "Checks all heartbeat targets",
      expression: `rate(${intervalMinutes} minute${Token.asString(plural)})`,
      target: checker,
      deadLetters,
      maxEventAgeSeconds: MAX_TICK_AGE_SECONDS,
    });
  }

  private createAlarms(checker: NodeFunction<CheckEnvironment>, intervalMinutes: number): void {
    // A monitor that does not run reports nothing bad: its silence is what has to be noticed, here of three ticks.
    new Alarm(this, "silence", {
      text: "No heartbeats are taken at all. See modules/heartbeats/README.md, 'Silence'",
      namespace: "AWS/Lambda",
      metric: "Invocations",
      dimensions: { FunctionName: checker.name },
      statistic: "Sum",
      comparison: "LessThanThreshold",
      threshold: 1,
      periodSeconds: Token.asNumber(Op.mul(intervalMinutes, 3 * 60)),
      missingData: "breaching",
    });
    new Alarm(this, "broken-checks", {
      text: "Checks fail for a fault of the checker. See modules/heartbeats/README.md, 'Broken checks'",
      namespace: "Almanac",
      metric: "brokenChecks",
      dimensions: { service: this.feature, environment: this.qualifiedEnvironment },
      statistic: "Sum",
      comparison: "GreaterThanThreshold",
      threshold: 0,
      periodSeconds: 300,
    });
  }
}
