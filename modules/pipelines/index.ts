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
import { NodeFunction } from "../constructs/node-function";
import { DeadLetterQueue } from "../constructs/queue";
import { RestApi } from "../constructs/rest-api";
import { Schedule } from "../constructs/schedule";
import { Table } from "../constructs/table";
import { createChannel, type CreatedChannel, type Shared } from "./channel";

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
    this.showOnDashboard("Pipelines", this.graphs(channels, telling));

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
    this.output("dead_letter_queue_url", "Calls of the drain that failed for good", telling.deadLetters.url);
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
    const deadLetters = new DeadLetterQueue(this, "dead-letters", {
      alarms: { notEmpty: "Slack is not told on time. See modules/pipelines/README.md, 'The drain fails'" },
    });
    const notices = new Table(this, "notices", {
      nameSuffix: "notices",
      partitionKey: { name: NOTICE_KEYS.partition, type: "S" },
      sortKey: { name: NOTICE_KEYS.sort, type: "S" },
    });
    const drain = this.createDrain(notices, deadLetters, webhooks);
    new Alarm(this, "overdue-notices", {
      text: "Slack has taken nothing for five minutes. See modules/pipelines/README.md, 'Slack takes nothing'",
      ...this.metric("overdueNotices"),
      statistic: "Sum",
      comparison: "GreaterThanThreshold",
      threshold: 0,
      periodSeconds: 300,
    });
    return { notices, drain, deadLetters };
  }

  private createDrain(
    notices: Table,
    deadLetters: DeadLetterQueue,
    webhooks: readonly string[],
  ): NodeFunction<DrainEnvironment> {
    const drain = new NodeFunction<DrainEnvironment>(this, "drain", {
      entry: "functions/pipelines/drain.ts",
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
      // The next tick is the next try.
      asynchronous: { deadLetters, retries: 0, maxEventAgeSeconds: DRAIN_TICK_AGE_SECONDS },
      alarms: { errors: "Slack is not told. See modules/pipelines/README.md, 'The drain fails'" },
    });
    new Schedule(this, "drain-schedule", {
      description: "Tells Slack what was left waiting",
      expression: "rate(1 minute)",
      target: drain,
      deadLetters,
      maxEventAgeSeconds: DRAIN_TICK_AGE_SECONDS,
    });
    return drain;
  }

  private createApi(channels: readonly CreatedChannel[]): RestApi {
    return new RestApi(this, "api", {
      description: "Takes messages into channels",
      routes: channels.map(({ name, door }) => ({ method: "POST", path: `/channels/${name}`, handler: door })),
      throttling: THROTTLING,
      alarms: { failures: "Messages are not taken. See modules/pipelines/README.md, 'Messages are not taken'" },
    });
  }

  private graphs(channels: readonly CreatedChannel[], telling: Telling | undefined): readonly Graph[] {
    return [
      ...channels.map(({ name, door, ingest, queue }): Graph => ({
        title: name,
        lines: [
          { ...door.metric("Invocations"), label: "messages at the door", statistic: "Sum" },
          { ...ingest.metric("Errors"), label: "failed batches", statistic: "Sum" },
          { ...queue.metric("ApproximateAgeOfOldestMessage"), label: "oldest in the queue (s)", statistic: "Maximum" },
          {
            ...queue.deadLetters.metric("ApproximateNumberOfMessagesVisible"),
            label: "dead letters",
            statistic: "Maximum",
          },
        ],
      })),
      ...(telling === undefined ? [] : [this.slackGraph(telling)]),
    ];
  }

  private slackGraph({ drain }: Telling): Graph {
    return {
      title: "Slack",
      lines: [
        { ...drain.metric("Errors"), label: "failed drains", statistic: "Sum" },
        { ...this.metric("overdueNotices"), label: "webhooks with overdue notices", statistic: "Maximum" },
      ],
    };
  }
}

interface Telling {
  readonly notices: Table;
  readonly drain: NodeFunction<DrainEnvironment>;
  readonly deadLetters: DeadLetterQueue;
}

function webhooksOf(config: ChannelsConfig): readonly string[] {
  return [...new Set(Object.values(config).flatMap(({ slack = [] }) => slack))].sort();
}

function outputsOf(channels: readonly CreatedChannel[], api: RestApi): object {
  return Object.fromEntries(
    channels.map(({ name, queue, table, notify }) => [
      name,
      {
        endpoint: `${api.url}/channels/${name}`,
        endpoint_arn: api.arnOf({ method: "POST", path: `/channels/${name}` }),
        queue_url: queue.url,
        dead_letter_queue_url: queue.deadLetters.url,
        table_name: table.name,
        notify_function_name: notify?.name ?? "",
      },
    ]),
  );
}
