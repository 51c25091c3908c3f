import { S3Object } from "@cdktf/provider-aws/lib/s3-object";
import { Fn, type TerraformStack, type TerraformVariable } from "cdktf";
import { z } from "zod";
import {
  LOOKUP_THREADS,
  STATE_KEYS,
  TARGETS_KEY,
  TELEMETRY_KEYS,
  WATCH_KEY,
  parameterNameSchema,
  secretsOf,
  targetsSchema,
  watchSchema,
  worstCaseBodyMegabytes,
  worstCaseSeconds,
  type CheckEnvironment,
  type Job,
  type PublishEnvironment,
  type ReportInEnvironment,
  type Target,
  type Watch,
} from "../../functions/heartbeats/contract";
import { Alarm } from "../constructs/alarm";
import { Bucket } from "../constructs/bucket";
import type { Graph } from "../constructs/dashboard";
import { Feature, type Deployment } from "../constructs/feature";
import type { Binding } from "../constructs/grants";
import { escapeTemplate } from "../constructs/escape-template";
import { MEMORY_MB } from "../constructs/node-function";
import { ApiFunction } from "../constructs/patterns/api-function";
import { AsyncFunction } from "../constructs/patterns/async-function";
import { ScheduledFunction } from "../constructs/patterns/scheduled-function";
import { minutesOf, scheduleSchema } from "../constructs/schedule-expression";
import { Table } from "../constructs/table";
import { StatusPage, statusPageSchema } from "./status-page";

/** For reading the targets before the checks, and for saving what they found after. */
const SECONDS_AROUND_CHECKS = 30;

/** Lambda's own limit. */
const MAX_TIMEOUT_SECONDS = 900;

/** Reading the histories of a thousand targets takes some seconds, once an hour. */
const PUBLISH_TIMEOUT_SECONDS = 120;

/** Of a thousand targets, the page and its status.json are some megabytes, in several copies on their way. */
const PUBLISH_MEMORY_MB = 1_024;

/** Lambda's own limit, too. */
const MAX_MEMORY_MB = 10_240;

/** The alarm for silence looks back over three ticks, and CloudWatch no further than a day. */
const MAX_INTERVAL_MINUTES = 480;

/** A tick that is later than this would measure another time than its own: the next one has long been there. */
const MAX_TICK_AGE_SECONDS = 300;

/** Reports come one by one, and are answered within seconds or not at all. */
const REPORT_TIMEOUT_SECONDS = 15;

/** Many more than jobs that report every minute can need. */
const REPORT_THROTTLING = { requestsPerSecond: 50, burst: 100 } as const;

/** Less than the shortest interval: each round knows a secret that was changed since the last. */
const SECRETS_KEPT_SECONDS = 50;

const heartbeatsFields = watchSchema.extend({
  /** How often: a rate of up to eight hours, as EventBridge writes it. @default "rate(5 minutes)" */
  schedule: scheduleSchema
    .refine((schedule) => (minutesOf(schedule) ?? Infinity) <= MAX_INTERVAL_MINUTES, {
      error: `is not a rate of ${MAX_INTERVAL_MINUTES} minutes or less: heartbeats come at even intervals`,
      when: ({ issues }) => issues.length === 0,
    })
    .default("rate(5 minutes)"),
  /** The SSM parameter (a SecureString) that holds the URL of a Slack webhook, which is told of incidents. @default none */
  slackWebhookParameter: parameterNameSchema.optional(),
  /** The page that shows how all targets are. @default in its bucket only */
  statusPage: statusPageSchema.prefault({}),
  /** How long each check's row is kept. @default 90 */
  telemetryDays: z.int().min(1).max(3650).default(90),
  /** URLs to check. Names are unique; all checks must fit into one invocation. */
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
export const heartbeatsSchema = heartbeatsFields.superRefine(rejectSharedNames);

/** Badges and incidents are known by one name. */
function rejectSharedNames(
  { targets, jobs }: { readonly targets: readonly Target[]; readonly jobs: readonly Job[] },
  context: z.RefinementCtx,
): void {
  const names = new Set(targets.map(({ name }) => name));
  jobs.forEach(({ name }, index) => {
    if (!names.has(name)) return;
    context.addIssue({
      code: "custom",
      path: ["jobs", index, "name"],
      message: "is a target's name, too",
      input: name,
    });
  });
}

/** The heartbeats of an environment, as people write them in main.ts. */
export type HeartbeatsInput = z.input<typeof heartbeatsSchema>;
type HeartbeatsConfig = z.output<typeof heartbeatsSchema>;

/** Checks URLs on a schedule, listens for jobs, keeps what it found, and tells of incidents. */
export class Heartbeats extends Feature {
  readonly deadLetterAlarm = {
    description: "Heartbeat checks or status page builds failed after all retries (messages in the dead-letter queue)",
    impact: "Targets were not checked at those times, or the status page was stale.",
    runbook: "heartbeats#dead-letter-queue",
  } as const;

  constructor(environment: TerraformStack, deployment: Deployment, config: HeartbeatsConfig) {
    super(environment, "heartbeats", deployment);
    const telemetry = this.createTelemetryTable();
    const state = this.createStateTable();
    const configuration = this.createConfiguration(config);
    const topic = this.inputTopic();
    const interval = this.inputInterval(config);
    const statusPage = new StatusPage(this, "status-page", config.statusPage);
    const publisher = this.createPublisher({ state, configuration, statusPage, interval });
    const checker = this.createChecker({ telemetry, state, configuration, publisher, topic, interval }, config);
    this.createAlarms();
    if (config.jobs.length > 0) this.createHeartbeatApi(state, configuration);
    this.createDashboardRow("Heartbeats", this.graphs(checker));

    this.output("table_name", "Telemetry: a row for each check", telemetry.name);
    this.output("state_table_name", "States, incidents and roll-ups", state.name);
    this.output("status_page_url", "The status page", statusPage.url);
    this.output("status_bucket_name", "Holds the status page and status.json", statusPage.bucketName);
    this.output("check_function_name", "Checks all targets when it is invoked", checker.name);
  }

  private createTelemetryTable(): Table {
    return new Table(this, "telemetry", {
      partitionKey: { name: TELEMETRY_KEYS.partition, type: "S" },
      sortKey: { name: TELEMETRY_KEYS.sort, type: "S" },
      timeToLiveAttribute: TELEMETRY_KEYS.timeToLive,
    });
  }

  private createStateTable(): Table {
    return new Table(this, "state", {
      nameSuffix: "state",
      partitionKey: { name: STATE_KEYS.partition, type: "S" },
      sortKey: { name: STATE_KEYS.sort, type: "S" },
      timeToLiveAttribute: STATE_KEYS.timeToLive,
    });
  }

  /** An object, because a thousand targets fit in no environment variable, and because its diff in a plan is easily read. */
  private createConfiguration({ targets, jobs, maintenance, remindAfterHours }: HeartbeatsConfig): Bucket {
    const bucket = new Bucket(this, "configuration", { nameSuffix: "configuration", versioned: true });
    const input = this.input("targets", {
      type: "any",
      description: "What to check: a list of objects, see README.md",
      value: escapeTemplate(targets),
    });
    new S3Object(this, "targets-object", {
      bucket: bucket.name,
      key: TARGETS_KEY,
      content: Fn.jsonencode(input.value),
      contentType: "application/json",
    });
    const watch = this.input("watch", {
      type: "any",
      description: "Jobs that report in, maintenance of everything, reminders: an object, see README.md",
      value: escapeTemplate({ jobs, maintenance, remindAfterHours } satisfies Watch),
    });
    new S3Object(this, "watch-object", {
      bucket: bucket.name,
      key: WATCH_KEY,
      content: Fn.jsonencode(watch.value),
      contentType: "application/json",
    });
    return bucket;
  }

  private createPublisher(parts: PublisherParts): AsyncFunction<PublishEnvironment> {
    const { state, configuration, statusPage, interval } = parts;
    return new AsyncFunction<PublishEnvironment>(this, "publish", {
      entry: "functions/heartbeats/publish.ts",
      environment: {
        STATE_TABLE: state.grant("BatchGetItem", "Query"),
        TARGETS_BUCKET: configuration.grantRead(TARGETS_KEY, WATCH_KEY),
        STATUS_BUCKET: statusPage.grantPublish(),
        INTERVAL_MINUTES: interval.stringValue,
      },
      timeoutSeconds: PUBLISH_TIMEOUT_SECONDS,
      memoryMb: PUBLISH_MEMORY_MB,
      retries: 2,
      maxEventAgeSeconds: MAX_TICK_AGE_SECONDS,
      alarms: {
        errors: {
          description: "The status page publisher is failing",
          impact: "The status page is stale. Checks and notifications continue.",
          runbook: "heartbeats#the-status-page-is-not-published",
        },
      },
    });
  }

  private createChecker(
    { telemetry, state, configuration, publisher, topic, interval }: CheckerParts,
    { targets, telemetryDays, slackWebhookParameter }: HeartbeatsConfig,
  ): ScheduledFunction<CheckEnvironment> {
    return new ScheduledFunction<CheckEnvironment>(this, "check", {
      entry: "functions/heartbeats/check.ts",
      environment: {
        HEARTBEATS_TABLE: telemetry.grant("BatchWriteItem"),
        STATE_TABLE: state.grant("BatchGetItem", "GetItem", "PutItem", "UpdateItem"),
        TARGETS_BUCKET: configuration.grantRead(TARGETS_KEY, WATCH_KEY),
        TELEMETRY_DAYS: this.input("telemetry_days", {
          type: "number",
          description: "Days that a telemetry row is kept",
          value: telemetryDays,
        }).stringValue,
        INTERVAL_MINUTES: interval.stringValue,
        PUBLISH_FUNCTION: publisher.grantInvoke(),
        NOTIFICATION_TOPIC: topic,
        SLACK_WEBHOOK_PARAMETER: this.slackWebhook(slackWebhookParameter),
        SECRETS_KEPT_SECONDS: this.secrets(targets),
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
      schedule: { everyMinutes: interval.numberValue, description: "Checks all heartbeat targets" },
      retries: 2,
      maxEventAgeSeconds: MAX_TICK_AGE_SECONDS,
      alarms: {
        errors: {
          description: "The heartbeat checker is failing",
          impact: "Targets may not be checked. Failed runs are retried twice.",
          runbook: "heartbeats#the-checker-is-failing",
        },
        // A monitor that does not run reports no failures.
        noInvocations: {
          description: "The heartbeat checker is not running",
          impact: "No target is checked, and outages go unnoticed.",
          runbook: "heartbeats#the-checker-is-not-running",
        },
      },
    });
  }

  /** The topic that alarms go to as well, and the key to it. */
  private inputTopic(): Binding {
    const { alarmTopicArn } = this.deployment;
    const encryptionKey = this.inputEncryptionKey().arn;
    return { value: alarmTopicArn, actions: ["sns:Publish"], resources: [alarmTopicArn], encryptionKey };
  }

  /** The parameter is encrypted with the key that AWS manages, which asks for no permission of its own. */
  private slackWebhook(parameter: string | undefined): Binding | string {
    if (parameter === undefined) return "";
    const { stringValue: value } = this.input("slack_webhook_parameter", {
      type: "string",
      description: "SSM parameter (SecureString) that holds the URL of a Slack webhook",
      value: parameter,
    });
    return { value, actions: ["ssm:GetParameter"], resources: [this.arn("ssm", `parameter${value}`)] };
  }

  /** Exactly the parameters that headers name; AWS's own key asks for no permission, a key of one's own does. */
  private secrets(targets: readonly Target[]): Binding | string {
    const secrets = secretsOf(targets);
    if (secrets.length === 0) return "";
    return {
      value: String(SECRETS_KEPT_SECONDS),
      actions: ["ssm:GetParameter"],
      resources: secrets.map(({ ssm }) => this.arn("ssm", `parameter${ssm}`)),
      decryptionKeys: [...new Set(secrets.flatMap(({ key }) => key ?? []))],
    };
  }

  private inputInterval({ schedule }: HeartbeatsConfig): TerraformVariable {
    return this.input("interval_minutes", {
      type: "number",
      description: `Minutes from one round of checks to the next, ${MAX_INTERVAL_MINUTES} at most`,
      value: minutesOf(schedule),
    });
  }

  private createAlarms(): void {
    new Alarm(this, "broken-checks", {
      spec: {
        description: "Checks fail because of an internal error, not because of the target",
        impact: "The status of the affected targets is unknown. Other targets are checked.",
        runbook: "heartbeats#checks-with-internal-errors",
      },
      ...this.metric("brokenChecks"),
    });
    new Alarm(this, "failed-notifications", {
      spec: {
        description: "Incident notifications cannot be delivered",
        impact: "People are not notified of incidents until a retry succeeds.",
        runbook: "heartbeats#notifications-cannot-be-delivered",
      },
      ...this.metric("failedNotifications"),
    });
  }

  private graphs(checker: ScheduledFunction<CheckEnvironment>): readonly Graph[] {
    return [
      {
        title: "Checks",
        lines: [
          { ...this.metric("checks"), label: "checks", statistic: "Sum" },
          { ...this.metric("failedChecks"), label: "failed", statistic: "Sum" },
          { ...this.metric("brokenChecks"), label: "broken", statistic: "Sum" },
        ],
      },
      {
        title: "Latency of the targets (ms)",
        lines: [
          { ...this.metric("latency"), label: "p50", statistic: "p50" },
          { ...this.metric("latency"), label: "p99", statistic: "p99" },
        ],
      },
      {
        title: "Checker",
        lines: [
          { ...checker.metric("Invocations"), label: "runs", statistic: "Sum" },
          { ...this.metric("failedNotifications"), label: "failed notifications", statistic: "Sum" },
        ],
      },
    ];
  }

  /** `POST /heartbeats/{name}`, for jobs that report in. */
  private createHeartbeatApi(state: Table, configuration: Bucket): void {
    const route = { method: "POST", path: "/heartbeats/{name}" } as const;
    const { api } = new ApiFunction<ReportInEnvironment>(this, "api", {
      entry: "functions/heartbeats/heartbeat-api.ts",
      environment: {
        STATE_TABLE: state.grant("UpdateItem"),
        WATCH_BUCKET: configuration.grantRead(WATCH_KEY),
      },
      timeoutSeconds: REPORT_TIMEOUT_SECONDS,
      routes: [route],
      api: { description: "Jobs report in", throttling: REPORT_THROTTLING },
      alarms: {
        serverErrors: {
          description: "The heartbeats API returns 5xx",
          impact: "Jobs cannot report in, and may be shown as missing although they ran.",
          runbook: "heartbeats#the-api-returns-5xx",
        },
      },
    });
    this.output("report_url", "POST <this>/<job>, signed (AWS_IAM): a job reports in", `${api.url}/heartbeats`);
    this.output("report_arn", "What a job's role needs execute-api:Invoke on", api.arnOf(route));
    this.output("report_api_id", "The API behind that address", api.id);
  }
}

/** What the publisher works with. */
interface PublisherParts {
  readonly state: Table;
  readonly configuration: Bucket;
  readonly statusPage: StatusPage;
  readonly interval: TerraformVariable;
}

/** What the checker works with. */
interface CheckerParts {
  readonly telemetry: Table;
  readonly state: Table;
  readonly configuration: Bucket;
  readonly publisher: AsyncFunction<PublishEnvironment>;
  readonly topic: Binding;
  readonly interval: TerraformVariable;
}
