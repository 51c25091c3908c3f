/** The module of pipelines: API, and for each pipeline queue, table, archive and Slack notifications. */
import { S3Object } from "@cdktf/provider-aws/lib/s3-object";
import type { TerraformStack } from "cdktf";
import * as z from "zod";
import {
  DELIVERY_KEYS,
  NOTIFICATION_KEYS,
  kebabCase,
  pipelineNameSchema,
  pipelineSchema,
  pipelineVariableSchema,
  schemaKey,
  type SendEnvironment,
} from "../../functions/pipelines/contract";
import { MINUTE_SECONDS } from "../../functions/shared/time";
import { Alarm } from "../constructs/resources/alarm";
import { Bucket } from "../constructs/resources/bucket";
import type { Graph } from "../constructs/dashboard";
import { escapeTemplate } from "../constructs/escape-template";
import { Feature, type Deployment } from "../constructs/feature";
import { ScheduledFunction } from "../constructs/patterns/scheduled-function";
import { RestApi, type Route } from "../constructs/resources/rest-api";
import { Table } from "../constructs/resources/table";
import { createPipeline, type CreatedPipeline, type Shared, type SlackSender } from "./pipeline";
import { schemaFault } from "./schema-fault";

/** For all pipelines together. A pipeline's index by day is limited to 1,000 writes per second. */
const THROTTLING = { requestsPerSecond: 500, burst: 1_000 } as const;

/** Anybody can call a webhook, so that its pipeline's share of Lambda's concurrency is limited. */
const WEBHOOK_THROTTLING = { requestsPerSecond: 50, burst: 100 } as const;

/** `jobOrder: { key: "/jobOrderId" }`: pipelines by name. */
export const pipelinesSchema = z
  .record(pipelineNameSchema, pipelineSchema)
  .refine((pipelines) => Object.keys(pipelines).length > 0, "has no pipeline")
  .superRefine((pipelines, context) => {
    for (const [name, { schema }] of Object.entries(pipelines)) {
      const fault = schema === undefined ? undefined : schemaFault(schema);
      if (fault === undefined) continue;
      context.addIssue({
        code: "custom",
        path: [name, "schema"],
        message: fault,
        input: schema,
      });
    }
  });
type PipelinesConfig = z.output<typeof pipelinesSchema>;

/** Pipelines: from an API through a queue to a table and an archive, and from the table to Slack. */
export class Pipelines extends Feature {
  readonly deadLetterAlarm = {
    description: "Slack sender invocations failed (messages in the dead-letter queue)",
    impact: "Slack notifications are late.",
    runbook: "pipelines#the-slack-sender-is-failing",
  } as const;

  constructor(environment: TerraformStack, deployment: Deployment, config: PipelinesConfig) {
    super(environment, "pipelines", deployment);
    this.inputPipelines(config);
    const encryptionKey = this.inputEncryptionKey();
    const archive = new Bucket(this, "archive", { nameSuffix: "archive", versioned: true, encryptionKey });
    const configuration = this.createConfiguration(config);
    const webhooks = webhooksOf(config);
    const slack = webhooks.length === 0 ? undefined : this.createSlackSender(config);
    const deliveries = this.createDeliveries(config);
    const shared: Shared = { archive, configuration, slack, deliveries };
    const pipelines = Object.entries(config).map(([name, pipeline]) => createPipeline(this, name, pipeline, shared));
    const api = this.createApi(pipelines);
    this.createDashboardRow("Pipelines", this.graphs(pipelines, slack));

    this.output(
      "pipelines",
      "Endpoints, queues, table and notify function by pipeline name",
      outputsOf(pipelines, api),
    );
    this.output("archive_bucket_name", "Archive: <pipeline>/dt=<day>/hour=<hour>/*.ndjson.gz", archive.name);
    this.output("slack_parameters", "SSM parameters (SecureString) for the URLs of Slack webhooks", webhooks);
    if (slack === undefined) return;
    this.output("notifications_table_name", "Notifications that wait for Slack", slack.notifications.name);
    this.output("send_function_name", "Sends all waiting notifications when invoked with {}", slack.send.name);
  }

  /** A variable, so that plans show its changes and plain Terraform can set it. */
  private inputPipelines(config: PipelinesConfig): void {
    this.input("pipelines", {
      type: "any",
      description: "Configuration by pipeline name, see README.md",
      value: escapeTemplate(config),
      schema: z.record(pipelineNameSchema, pipelineVariableSchema),
    });
  }

  /** JSON Schemas, which are too long for a function's environment. */
  private createConfiguration(config: PipelinesConfig): Bucket | undefined {
    const names = Object.entries(config).flatMap(([name, { schema }]) => (schema === undefined ? [] : [name]));
    if (names.length === 0) return undefined;
    const bucket = new Bucket(this, "configuration", { nameSuffix: "configuration", versioned: true });
    for (const name of names) {
      new S3Object(this, `${kebabCase(name)}-schema`, {
        bucket: bucket.name,
        key: schemaKey(name),
        content: `\${jsonencode(var.pipelines["${name}"].schema)}`,
        etag: `\${md5(jsonencode(var.pipelines["${name}"].schema))}`, // a change outside Terraform shows in a plan
        contentType: "application/schema+json",
      });
    }
    return bucket;
  }

  private createDeliveries(config: PipelinesConfig): Table | undefined {
    if (Object.values(config).every(({ webhook }) => webhook === undefined)) return undefined;
    return new Table(this, "webhook-deliveries", {
      nameSuffix: "webhook-deliveries",
      partitionKey: { name: DELIVERY_KEYS.partition, type: "S" },
      timeToLiveAttribute: DELIVERY_KEYS.expiresAt,
    });
  }

  private createSlackSender(config: PipelinesConfig): SlackSender {
    const notifications = new Table(this, "notifications", {
      nameSuffix: "notifications",
      partitionKey: { name: NOTIFICATION_KEYS.partition, type: "S" },
      sortKey: { name: NOTIFICATION_KEYS.sort, type: "S" },
    });
    const send = this.createSend(notifications, config);
    new Alarm(this, "overdue-notifications", {
      spec: {
        description: "Slack has accepted no notifications for five minutes",
        impact: "Slack notifications are late. None is lost.",
        runbook: "pipelines#slack-accepts-no-notifications",
      },
      ...this.metric("overdueNotifications"),
    });
    new Alarm(this, "unreadable-notifications", {
      spec: {
        description: "Slack notifications cannot be read (set aside)",
        impact: "These notifications are not sent. Others are.",
        runbook: "pipelines#notifications-cannot-be-read",
      },
      ...this.metric("unreadableNotifications"),
    });
    return { notifications, send };
  }

  private createSend(notifications: Table, config: PipelinesConfig): ScheduledFunction<SendEnvironment> {
    return new ScheduledFunction<SendEnvironment>(this, "send", {
      entry: "functions/pipelines/send.ts",
      environment: {
        NOTIFICATIONS_TABLE: notifications.grant("BatchWriteItem", "Query", "UpdateItem"),
        SLACK_PARAMETERS: {
          value: Object.entries(config)
            .map(([name, { slack = "" }]) => `${name}=${slack}`)
            .join(","),
          actions: ["ssm:GetParameter"],
          // No kms:Decrypt: AWS's managed key for SSM does not need it.
          resources: webhooksOf(config).map((name) => this.arn("ssm", `parameter${name}`)),
        },
      },
      timeoutSeconds: MINUTE_SECONDS,
      schedule: { everyMinutes: 1, description: "Sends pending Slack notifications" },
      retries: 0, // the next run is the retry
      maxEventAgeSeconds: MINUTE_SECONDS,
      alarms: {
        errors: {
          description: "The Slack sender is failing",
          impact: "Slack notifications are late.",
          runbook: "pipelines#the-slack-sender-is-failing",
        },
        noInvocations: { disabled: "each new notification also invokes it" },
      },
    });
  }

  private createApi(pipelines: readonly CreatedPipeline[]): RestApi {
    return new RestApi(this, "api", {
      description: "Accepts messages for pipelines",
      routes: pipelines.flatMap(({ name, ingress, webhook }): Route[] => [
        { method: "POST", path: `/pipelines/${name}`, handler: ingress },
        ...(webhook === undefined ? [] : [webhookRoute(name, webhook)]),
      ]),
      throttling: THROTTLING,
      alarms: {
        serverErrors: {
          description: "The pipelines API returns 5xx",
          impact: "Messages are not accepted. Senders must retry.",
          runbook: "pipelines#the-api-returns-5xx",
        },
      },
    });
  }

  private graphs(pipelines: readonly CreatedPipeline[], slack: SlackSender | undefined): readonly Graph[] {
    return [
      ...pipelines.map(({ name, ingress, ingest: { queue } }): Graph => ({
        title: name,
        lines: [
          { ...ingress.metric("Invocations"), label: "requests", statistic: "Sum" },
          { ...queue.metric("ApproximateAgeOfOldestMessage"), label: "oldest in the queue (s)", statistic: "Maximum" },
          {
            ...queue.deadLetterQueue.metric("ApproximateNumberOfMessagesVisible"),
            label: "dead letters",
            statistic: "Maximum",
          },
        ],
      })),
      ...(slack === undefined ? [] : [this.slackGraph()]),
    ];
  }

  private slackGraph(): Graph {
    const overdue = this.metric("overdueNotifications");
    return {
      title: "Slack",
      lines: [{ ...overdue, label: "webhooks with overdue notifications", statistic: "Maximum" }],
    };
  }
}

function webhookRoute(name: string, handler: Route["handler"]): Route {
  const path = `/webhooks/${name}`;
  return { method: "POST", path, handler, authorization: "NONE", throttling: WEBHOOK_THROTTLING };
}

function webhooksOf(config: PipelinesConfig): readonly string[] {
  return [...new Set(Object.values(config).flatMap(({ slack = [] }) => slack))].sort();
}

function outputsOf(pipelines: readonly CreatedPipeline[], api: RestApi): object {
  return Object.fromEntries(
    pipelines.map(({ name, webhook, slackParameter, ingest: { queue }, table, notify }) => [
      name,
      {
        endpoint: `${api.url}/pipelines/${name}`,
        endpoint_arn: api.arnOf({ method: "POST", path: `/pipelines/${name}` }),
        queue_url: queue.url,
        dead_letter_queue_url: queue.deadLetterQueue.url,
        table_name: table.name,
        notify_function_name: notify?.name ?? "",
        slack_parameter: slackParameter,
        webhook_url: webhook === undefined ? "" : `${api.url}/webhooks/${name}`,
      },
    ]),
  );
}
