import { S3Object } from "@cdktf/provider-aws/lib/s3-object";
import { Ajv2020 } from "ajv/dist/2020";
import type { TerraformStack } from "cdktf";
import { z } from "zod";
import {
  NOTICE_KEYS,
  SCHEMA_OPTIONS,
  channelNameSchema,
  channelSchema,
  kebab,
  schemaKey,
  type DrainEnvironment,
} from "../../functions/pipelines/contract";
import { Alarm } from "../constructs/alarm";
import { Bucket } from "../constructs/bucket";
import type { Graph } from "../constructs/dashboard";
import { Feature, type Deployment } from "../constructs/feature";
import { escapeTemplate } from "../constructs/escape-template";
import { ScheduledFunction } from "../constructs/patterns/scheduled-function";
import { RestApi } from "../constructs/rest-api";
import { Table } from "../constructs/table";
import { createChannel, type CreatedChannel, type Shared } from "./pipeline";

/** All channels together; a channel's index by day takes a thousand rows a second. */
const THROTTLING = { requestsPerSecond: 500, burst: 1_000 } as const;

/** A tick comes each minute, and goes on where the last one stopped. */
const DRAIN_TIMEOUT_SECONDS = 60;
const DRAIN_TICK_AGE_SECONDS = 60;

/** `jobOrder: { key: "/jobOrderId" }`: channels by name. */
export const channelsSchema = z
  .record(channelNameSchema, channelSchema)
  .refine((channels) => Object.keys(channels).length > 0, "has no channel")
  .superRefine((channels, context) => {
    for (const [name, { schema }] of Object.entries(channels)) {
      const fault = schema === undefined ? undefined : schemaFault(schema);
      if (fault === undefined) continue;
      context.addIssue({
        code: "custom",
        path: [name, "schema"],
        message: `is not a JSON Schema: ${fault}`,
        input: schema,
      });
    }
  });

/** The channels of an environment, as people write them in main.ts. */
export type ChannelsInput = z.input<typeof channelsSchema>;
type ChannelsConfig = z.output<typeof channelsSchema>;

function schemaFault(schema: object): string | undefined {
  try {
    new Ajv2020(SCHEMA_OPTIONS).compile(schema);
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** Channels from an API over a queue into a table and an archive, and from the table to Slack. */
export class Pipelines extends Feature {
  readonly deadLetterAlarm = {
    description: "Slack sender invocations failed (messages in the dead-letter queue)",
    impact: "Slack notifications are late.",
    runbook: "pipelines#the-slack-sender-is-failing",
  } as const;

  constructor(environment: TerraformStack, deployment: Deployment, config: ChannelsConfig) {
    super(environment, "pipelines", deployment);
    this.inputChannels(config);
    const encryptionKey = this.inputEncryptionKey();
    const archive = new Bucket(this, "archive", { nameSuffix: "archive", versioned: true, encryptionKey });
    const configuration = this.createConfiguration(config);
    const webhooks = webhooksOf(config);
    const telling = webhooks.length === 0 ? undefined : this.createTelling(webhooks);
    const shared: Shared = { archive, configuration, telling };
    const channels = Object.entries(config).map(([name, channel]) => createChannel(this, name, channel, shared));
    const api = this.createApi(channels);
    this.createDashboardRow("Pipelines", this.graphs(channels, telling));

    this.output("channels", "By name: where messages go, and what becomes of them", outputsOf(channels, api));
    this.output("archive_bucket_name", "Every message: <channel>/dt=<day>/hour=<hour>/*.ndjson.gz", archive.name);
    this.output(
      "slack_parameters",
      "SSM parameters (SecureString) that have to hold the URLs of Slack webhooks",
      webhooks,
    );
    if (telling === undefined) return;
    this.output("notices_table_name", "Notices that wait for Slack", telling.notices.name);
    this.output("drain_function_name", "Tells Slack what waits, when it is invoked with {}", telling.drain.name);
  }

  /** As a variable, so that a plan shows what changes in a channel, and plain Terraform can change it. */
  private inputChannels(config: ChannelsConfig): void {
    this.input("channels", {
      type: "any",
      description: "How each channel reads its messages: objects by name, see README.md",
      value: escapeTemplate(config),
    });
  }

  /** Schemas, which are too long for a function's variables. */
  private createConfiguration(config: ChannelsConfig): Bucket | undefined {
    const names = Object.entries(config).flatMap(([name, { schema }]) => (schema === undefined ? [] : [name]));
    if (names.length === 0) return undefined;
    const bucket = new Bucket(this, "configuration", { nameSuffix: "configuration", versioned: true });
    for (const name of names) {
      new S3Object(this, `${kebab(name)}-schema`, {
        bucket: bucket.name,
        key: schemaKey(name),
        content: `\${jsonencode(var.channels["${name}"].schema)}`,
        contentType: "application/schema+json",
      });
    }
    return bucket;
  }

  /** The way to Slack that all channels share. */
  private createTelling(webhooks: readonly string[]): Telling {
    const notices = new Table(this, "notices", {
      nameSuffix: "notices",
      partitionKey: { name: NOTICE_KEYS.partition, type: "S" },
      sortKey: { name: NOTICE_KEYS.sort, type: "S" },
    });
    const drain = this.createDrain(notices, webhooks);
    new Alarm(this, "overdue-notices", {
      spec: {
        description: "Slack has accepted no notifications for five minutes",
        impact: "Slack notifications are late. None is lost.",
        runbook: "pipelines#slack-accepts-no-notifications",
      },
      ...this.metric("overdueNotices"),
    });
    return { notices, drain };
  }

  private createDrain(notices: Table, webhooks: readonly string[]): ScheduledFunction<DrainEnvironment> {
    return new ScheduledFunction<DrainEnvironment>(this, "drain", {
      entry: "functions/pipelines/send.ts",
      environment: {
        NOTICES_TABLE: notices.grant("BatchWriteItem", "Query", "UpdateItem"),
        SLACK_PARAMETERS: {
          value: webhooks.join(","),
          actions: ["ssm:GetParameter"],
          // Encrypted with the key that AWS manages, which asks for no permission of its own.
          resources: webhooks.map((name) => this.arn("ssm", `parameter${name}`)),
        },
      },
      timeoutSeconds: DRAIN_TIMEOUT_SECONDS,
      schedule: { everyMinutes: 1, description: "Sends pending Slack notifications" },
      retries: 0, // the next run is the retry
      maxEventAgeSeconds: DRAIN_TICK_AGE_SECONDS,
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

  private createApi(channels: readonly CreatedChannel[]): RestApi {
    return new RestApi(this, "api", {
      description: "Takes messages into channels",
      routes: channels.map(({ name, door }) => ({ method: "POST", path: `/channels/${name}`, handler: door })),
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

  private graphs(channels: readonly CreatedChannel[], telling: Telling | undefined): readonly Graph[] {
    return [
      ...channels.map(({ name, door, ingest: { queue } }): Graph => ({
        title: name,
        lines: [
          { ...door.metric("Invocations"), label: "messages at the door", statistic: "Sum" },
          { ...queue.metric("ApproximateAgeOfOldestMessage"), label: "oldest in the queue (s)", statistic: "Maximum" },
          {
            ...queue.deadLetterQueue.metric("ApproximateNumberOfMessagesVisible"),
            label: "dead letters",
            statistic: "Maximum",
          },
        ],
      })),
      ...(telling === undefined ? [] : [this.slackGraph()]),
    ];
  }

  private slackGraph(): Graph {
    return {
      title: "Slack",
      lines: [{ ...this.metric("overdueNotices"), label: "webhooks with overdue notices", statistic: "Maximum" }],
    };
  }
}

interface Telling {
  readonly notices: Table;
  readonly drain: ScheduledFunction<DrainEnvironment>;
}

function webhooksOf(config: ChannelsConfig): readonly string[] {
  return [...new Set(Object.values(config).flatMap(({ slack = [] }) => slack))].sort();
}

function outputsOf(channels: readonly CreatedChannel[], api: RestApi): object {
  return Object.fromEntries(
    channels.map(({ name, ingest: { queue }, table, notify }) => [
      name,
      {
        endpoint: `${api.url}/channels/${name}`,
        endpoint_arn: api.arnOf({ method: "POST", path: `/channels/${name}` }),
        queue_url: queue.url,
        dead_letter_queue_url: queue.deadLetterQueue.url,
        table_name: table.name,
        notify_function_name: notify?.name ?? "",
      },
    ]),
  );
}
