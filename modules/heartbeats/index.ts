/** The module of heartbeats: checker, publisher, API, tables, status page, alarms. */
import { S3Object } from "@cdktf/provider-aws/lib/s3-object";
import { Fn, type TerraformStack, type TerraformVariable } from "cdktf";
import * as z from "zod";
import {
  DNS_LOOKUP_THREADS,
  STATE_KEYS,
  TARGETS_KEY,
  TELEMETRY_KEYS,
  MONITORS_KEY,
  PING_METHODS,
  PING_ROUTES,
  REPORT_ROUTES,
  isRegex,
  parameterSchema,
  processorMegabytes,
  secretsOf,
  targetsSchema,
  monitorSettingsSchema,
  storedSettingsSchema,
  worstCaseBodyMegabytes,
  worstCaseSeconds,
  type CheckEnvironment,
  type CronMonitor,
  type PublishEnvironment,
  type HeartbeatApiEnvironment,
  type ScheduleMonitor,
  type Target,
  type MonitorSettings,
} from "../../functions/heartbeats/contract";
import { isCatastrophic } from "../../functions/shared/bounded-evaluation";
import { rateMs, scheduleExpressionSchema } from "../../functions/shared/calendar/schedule-expression";
import { MINUTE_MS } from "../../functions/shared/time";
import { Alarm } from "../constructs/resources/alarm";
import { runbookUrl } from "../constructs/alarm-spec";
import { Bucket } from "../constructs/resources/bucket";
import type { Graph } from "../constructs/dashboard";
import { Feature, type Deployment } from "../constructs/feature";
import type { Binding } from "../constructs/resources/grants";
import { escapeTemplate } from "../constructs/escape-template";
import { ApiFunction } from "../constructs/patterns/api-function";
import { AsyncFunction } from "../constructs/patterns/async-function";
import { ScheduledFunction } from "../constructs/patterns/scheduled-function";
import { Table } from "../constructs/resources/table";
import { StatusPage, brandOf, statusPageSchema } from "./status-page";

/** Reading the configuration before the checks; saving the results and delivering notifications after them. */
const SECONDS_AROUND_CHECKS = 75;

/** Lambda's limit. */
const MAX_TIMEOUT_SECONDS = 900;

/** Reading the histories of a thousand monitors takes some seconds, once an hour. */
const PUBLISH_TIMEOUT_SECONDS = 120;

/** For a thousand monitors, page and status.json are some megabytes, held in several copies. */
const PUBLISH_MEMORY_MB = 1_024;

/** Lambda's limit. */
const MAX_MEMORY_MB = 10_240;

/** The alarm for missing runs covers three intervals, and a CloudWatch period is at most a day. */
const MAX_INTERVAL_MINUTES = 480;

const DEFAULT_INTERVAL_MINUTES = 5;

/** An older tick is dropped: the next one has been delivered by then. */
const MAX_TICK_AGE_SECONDS = 300;

/** Enough for thousands of cron monitors with a heartbeat every minute. */
const HEARTBEAT_API_THROTTLING = { requestsPerSecond: 50, burst: 100 } as const;

/** Anybody can call a ping URL: the requests of others take nothing from signed reports. */
const PING_THROTTLING = { requestsPerSecond: 50, burst: 100 } as const;

/** All routes of reports: `.../POST/heartbeats/*`. */
const HEARTBEATS = { method: "POST", path: "/heartbeats/{name}" } as const;

/** Less than the shortest interval, so that each run reads changed secrets. */
const SECRET_CACHE_SECONDS = 50;

const webhookUrlSchema = z.url({ protocol: /^https$/, error: "is not an https URL" });

const intervalMinutes = (schedule: string): number => (rateMs(schedule) ?? Infinity) / MINUTE_MS;

const heartbeatsFields = monitorSettingsSchema.extend({
  /** Check interval: an EventBridge rate of at most eight hours. @default "rate(5 minutes)" */
  schedule: scheduleExpressionSchema
    .refine((schedule) => intervalMinutes(schedule) <= MAX_INTERVAL_MINUTES, {
      error: `is not a rate of ${MAX_INTERVAL_MINUTES} minutes or less`,
      when: ({ issues }) => issues.length === 0,
    })
    .default(`rate(${DEFAULT_INTERVAL_MINUTES} minutes)`),
  /** SSM parameter (SecureString) with a secret of 32 characters or more, from which the ping URLs of jobs that cannot sign are made. @default no ping URLs */
  pingSecretParameter: parameterSchema.optional(),
  /** SSM parameter (SecureString) with the URL of a Slack webhook for notifications. @default none */
  slackWebhookParameter: parameterSchema.optional(),
  /** A receiver of notifications as JSON, signed as Standard Webhooks say. @default none */
  webhook: z
    .strictObject({
      /** https, without a credential in it: the signature is the credential. */
      url: webhookUrlSchema,
      /** SSM parameter (SecureString) with the secret: `whsec_` and 24 to 64 bytes in base64. */
      secretParameter: parameterSchema,
    })
    .optional(),
  /** Who can see the status page. @default a private bucket without CloudFront */
  statusPage: statusPageSchema.prefault({}),
  /** Retention of telemetry rows. @default 90 */
  telemetryDays: z.int().min(1).max(3650).default(90),
  /** URLs to check. Names are unique; all checks must fit into one invocation. */
  targets: targetsSchema
    .refine(
      (targets) => worstCaseSeconds(targets) + SECONDS_AROUND_CHECKS <= MAX_TIMEOUT_SECONDS,
      `can take longer than Lambda's limit of ${MAX_TIMEOUT_SECONDS} s when all time out: use shorter timeouts`,
    )
    .refine(
      (targets) => processorMegabytes(targets) + worstCaseBodyMegabytes(targets) <= MAX_MEMORY_MB,
      `can need more than Lambda's limit of ${MAX_MEMORY_MB} MB to search their bodies: use a smaller maxBodyBytes`,
    )
    .superRefine(rejectSlowPatterns),
});
export const heartbeatsSchema = heartbeatsFields.superRefine(rejectSharedNames);

/** A page would decide how long the checker takes. */
function rejectSlowPatterns(targets: readonly Target[], context: z.RefinementCtx): void {
  targets.forEach(({ bodyMatches }, index) => {
    // The target's own schema says of a text that it is no expression.
    if (bodyMatches === undefined || !isRegex(bodyMatches) || !isCatastrophic(bodyMatches)) return;
    context.addIssue({
      code: "custom",
      path: [index, "bodyMatches"],
      message: "can take exponential time: rewrite it without nested repetition",
      input: bodyMatches,
    });
  });
}

/** Badges and incidents are identified by the monitor's name. */
function rejectSharedNames(
  { targets, cronMonitors }: { readonly targets: readonly Target[]; readonly cronMonitors: readonly CronMonitor[] },
  context: z.RefinementCtx,
): void {
  const names = new Set(targets.map(({ name }) => name));
  cronMonitors.forEach(({ name }, index) => {
    if (!names.has(name)) return;
    context.addIssue({
      code: "custom",
      path: ["cronMonitors", index, "name"],
      message: "is also the name of a target",
      input: name,
    });
  });
}

/** The state table, which schedules report to: an output. */
export const STATE_TABLE_OUTPUT = "state_table_name";

type HeartbeatsConfig = z.output<typeof heartbeatsSchema>;

/** Checks URLs on a schedule, receives heartbeats of cron monitors, notifies of incidents, publishes a status page. */
export class Heartbeats extends Feature {
  readonly deadLetterAlarm = {
    description: "Heartbeat checks or status page builds failed after all retries (messages in the dead-letter queue)",
    impact: "Targets were not checked at those times, or the status page was stale.",
    runbook: "heartbeats#dead-letter-queue",
  } as const;

  /** @param schedules monitors that the schedules' module reports to */
  constructor(
    environment: TerraformStack,
    deployment: Deployment,
    config: HeartbeatsConfig,
    schedules: readonly ScheduleMonitor[],
  ) {
    super(environment, "heartbeats", deployment);
    const telemetry = this.createTelemetryTable();
    const state = this.createStateTable();
    const configuration = this.createConfiguration(config, schedules);
    const topic = this.inputTopic();
    const interval = this.inputInterval(config);
    const statusPage = new StatusPage(this, "status-page", config.statusPage);
    const publisher = this.createPublisher({ state, configuration, statusPage, interval });
    const checker = this.createChecker(
      { telemetry, state, configuration, publisher, statusPage, topic, interval },
      config,
    );
    this.createAlarms();
    if (config.cronMonitors.length > 0) this.createHeartbeatApi(state, configuration, config.pingSecretParameter);
    this.createDashboardRow("Heartbeats", this.graphs(checker));

    this.output("telemetry_table_name", "Telemetry: one row for each check", telemetry.name);
    this.output(STATE_TABLE_OUTPUT, "Monitor states, incidents and roll-ups", state.name);
    this.output("status_page_url", "URL of the status page", statusPage.url);
    this.output("status_page_bucket_name", "Bucket of the status page and status.json", statusPage.bucketName);
    this.output("check_function_name", "The checker", checker.name);
    this.output("publish_function_name", "Publishes the status page", publisher.name);
    this.output("configuration_bucket_name", "Bucket of targets.json and monitors.json", configuration.name);
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

  /** In S3, because a thousand targets exceed the size of environment variables. */
  private createConfiguration({ targets, ...config }: HeartbeatsConfig, schedules: readonly ScheduleMonitor[]): Bucket {
    const { cronMonitors, maintenance, remindAfterHours, digestAbove, canaries } = config;
    const monitorSettings = {
      cronMonitors,
      maintenance,
      remindAfterHours,
      digestAbove,
      canaries,
    } satisfies MonitorSettings;
    const settings = { ...monitorSettings, schedules, brand: brandOf(config.statusPage) };
    const bucket = new Bucket(this, "configuration", { nameSuffix: "configuration", versioned: true });
    const input = this.input("targets", {
      type: "any",
      description: "Targets: a list of objects, see README.md",
      value: escapeTemplate(targets),
      schema: targetsSchema,
    });
    new S3Object(this, "targets-object", {
      bucket: bucket.name,
      key: TARGETS_KEY,
      content: Fn.jsonencode(input.value),
      etag: Fn.md5(Fn.jsonencode(input.value)), // a change outside Terraform shows in a plan
      contentType: "application/json",
    });
    const monitors = this.input("monitors", {
      type: "any",
      description: "Cron monitors and schedules, and settings for all monitors: an object, see README.md",
      value: escapeTemplate(settings),
      schema: storedSettingsSchema.prefault({}),
    });
    new S3Object(this, "monitors-object", {
      bucket: bucket.name,
      key: MONITORS_KEY,
      content: Fn.jsonencode(monitors.value),
      etag: Fn.md5(Fn.jsonencode(monitors.value)),
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
        CONFIGURATION_BUCKET: configuration.grantRead(TARGETS_KEY, MONITORS_KEY),
        STATUS_PAGE_BUCKET: statusPage.grantPublish(),
        STATUS_PAGE_URL: statusPage.url,
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
    { telemetry, state, configuration, publisher, statusPage, topic, interval }: CheckerParts,
    { targets, telemetryDays, slackWebhookParameter, webhook }: HeartbeatsConfig,
  ): ScheduledFunction<CheckEnvironment> {
    const memory = this.input("memory_mb", {
      type: "number",
      description:
        "The checker's memory: the processor share that its targets need, plus the worst case of searched bodies",
      value: processorMegabytes(targets) + worstCaseBodyMegabytes(targets),
      schema: z.int().min(128).max(MAX_MEMORY_MB),
    });
    return new ScheduledFunction<CheckEnvironment>(this, "check", {
      entry: "functions/heartbeats/check.ts",
      environment: {
        TELEMETRY_TABLE: telemetry.grant("BatchWriteItem"),
        STATE_TABLE: state.grant("BatchGetItem", "GetItem", "PutItem", "UpdateItem"),
        CONFIGURATION_BUCKET: configuration.grantRead(TARGETS_KEY, MONITORS_KEY),
        TELEMETRY_DAYS: this.input("telemetry_days", {
          type: "number",
          description: "Retention of telemetry rows in days",
          value: telemetryDays,
          schema: heartbeatsFields.shape.telemetryDays,
        }).stringValue,
        INTERVAL_MINUTES: interval.stringValue,
        PUBLISH_FUNCTION: publisher.grantInvoke(),
        NOTIFICATION_TOPIC: topic,
        MEMORY_MB: memory.stringValue,
        STATUS_PAGE_URL: statusPage.url,
        RUNBOOK_URL: runbookUrl("heartbeats#an-incident"),
        SLACK_WEBHOOK_PARAMETER: this.secretParameter(
          "slack_webhook_parameter",
          "the URL of a Slack webhook",
          slackWebhookParameter,
        ),
        WEBHOOK_URL: this.webhookUrl(webhook?.url),
        WEBHOOK_SECRET_PARAMETER: this.secretParameter(
          "webhook_secret_parameter",
          "the secret of the webhook",
          webhook?.secretParameter,
        ),
        SECRET_CACHE_SECONDS: this.secrets(targets),
      },
      timeoutSeconds: this.input("timeout_seconds", {
        type: "number",
        description: "The checker's timeout: the worst case of all checks, plus 75 s",
        value: Math.ceil(worstCaseSeconds(targets)) + SECONDS_AROUND_CHECKS,
        schema: z.int().min(SECONDS_AROUND_CHECKS).max(MAX_TIMEOUT_SECONDS),
      }).numberValue,
      memoryMb: memory.numberValue,
      threads: DNS_LOOKUP_THREADS,
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

  /** The alarm topic, which also receives notifications. */
  private inputTopic(): Binding {
    const { alarmTopicArn } = this.deployment;
    const encryptionKey = this.inputEncryptionKey().arn;
    return { value: alarmTopicArn, actions: ["sns:Publish"], resources: [alarmTopicArn], encryptionKey };
  }

  /** An SSM parameter that is encrypted with the AWS managed key, which needs no permission. */
  private secretParameter(input: string, description: string, parameter: string | undefined): Binding | string {
    if (parameter === undefined) return "";
    const { stringValue: value } = this.input(input, {
      type: "string",
      description: `SSM parameter (SecureString) with ${description}`,
      value: parameter,
      schema: parameterSchema,
    });
    return { value, actions: ["ssm:GetParameter"], resources: [this.arn("ssm", `parameter${value}`)] };
  }

  private webhookUrl(url: string | undefined): string {
    if (url === undefined) return "";
    return this.input("webhook_url", {
      type: "string",
      description: "URL that is notified, with signed JSON",
      value: url,
      schema: webhookUrlSchema,
    }).stringValue;
  }

  /** Exactly the parameters in the targets' headers. Only customer managed keys need a permission. */
  private secrets(targets: readonly Target[]): Binding | string {
    const secrets = secretsOf(targets);
    if (secrets.length === 0) return "";
    return {
      value: String(SECRET_CACHE_SECONDS),
      actions: ["ssm:GetParameter"],
      resources: secrets.map(({ ssm }) => this.arn("ssm", `parameter${ssm}`)),
      decryptionKeys: [...new Set(secrets.flatMap(({ key }) => key ?? []))],
    };
  }

  private inputInterval({ schedule }: HeartbeatsConfig): TerraformVariable {
    return this.input("interval_minutes", {
      type: "number",
      description: `Check interval in minutes, at most ${MAX_INTERVAL_MINUTES}`,
      value: intervalMinutes(schedule),
      schema: z.int().min(1).max(MAX_INTERVAL_MINUTES).default(DEFAULT_INTERVAL_MINUTES),
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
        title: "Target latency (ms)",
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

  /** Signed reports of jobs, and pings where there is a secret for them. */
  private createHeartbeatApi(state: Table, configuration: Bucket, pingSecret: string | undefined): void {
    const reports = REPORT_ROUTES.map((path) => ({ method: "POST", path }) as const);
    const pings = PING_ROUTES.flatMap((path) =>
      PING_METHODS.map((method) => ({ method, path, authorization: "NONE", throttling: PING_THROTTLING }) as const),
    );
    const { api } = new ApiFunction<HeartbeatApiEnvironment>(this, "api", {
      entry: "functions/heartbeats/heartbeat-api.ts",
      environment: {
        STATE_TABLE: state.grant("UpdateItem"),
        CONFIGURATION_BUCKET: configuration.grantRead(MONITORS_KEY),
        PING_SECRET_PARAMETER: this.secretParameter("ping_secret_parameter", "the secret of the ping URLs", pingSecret),
      },
      routes: pingSecret === undefined ? reports : [...reports, ...pings],
      api: {
        description: "Receives heartbeats of cron monitors",
        throttling: HEARTBEAT_API_THROTTLING,
        secretPaths: pingSecret !== undefined,
      },
      alarms: {
        serverErrors: {
          description: "The heartbeats API returns 5xx",
          impact: "Heartbeats are lost, and cron monitors may be reported as down although their jobs ran.",
          runbook: "heartbeats#the-api-returns-5xx",
        },
      },
    });
    this.output("heartbeat_url", "POST <this>/<name>, signed (AWS_IAM), sends a heartbeat", `${api.url}/heartbeats`);
    this.output("heartbeat_arn", "Resource for execute-api:Invoke in a job's role", api.arnOf(HEARTBEATS));
    this.output("heartbeat_api_id", "ID of the API", api.id);
    if (pingSecret === undefined) return;
    this.output(
      "ping_url",
      "GET or POST <this>/<key> is a heartbeat: npx almanac heartbeats ping-url",
      `${api.url}/ping`,
    );
    this.output("ping_secret_parameter", "SSM parameter with the secret of the ping URLs", pingSecret);
  }
}

interface PublisherParts {
  readonly state: Table;
  readonly configuration: Bucket;
  readonly statusPage: StatusPage;
  readonly interval: TerraformVariable;
}

interface CheckerParts {
  readonly telemetry: Table;
  readonly state: Table;
  readonly configuration: Bucket;
  readonly publisher: AsyncFunction<PublishEnvironment>;
  readonly statusPage: StatusPage;
  readonly topic: Binding;
  readonly interval: TerraformVariable;
}
