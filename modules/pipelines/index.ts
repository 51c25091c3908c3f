import { S3Object } from "@cdktf/provider-aws/lib/s3-object";
import { Ajv2020 } from "ajv/dist/2020";
import type { TerraformStack } from "cdktf";
import { z } from "zod";
import {
  NOTIFICATION_KEYS,
  SCHEMA_OPTIONS,
  pipelineNameSchema,
  pipelineSchema,
  kebabCase,
  schemaKey,
  type SendEnvironment,
} from "../../functions/pipelines/contract";
import { Alarm } from "../constructs/alarm";
import { Bucket } from "../constructs/bucket";
import type { Graph } from "../constructs/dashboard";
import { Feature, type Deployment } from "../constructs/feature";
import { literal } from "../constructs/literal";
import { NodeFunction } from "../constructs/node-function";
import { DeadLetterQueue } from "../constructs/queue";
import { RestApi } from "../constructs/rest-api";
import { Schedule } from "../constructs/schedule";
import { Table } from "../constructs/table";
import { createPipeline, type CreatedPipeline, type Shared } from "./pipeline";

/** All pipelines together; a pipeline's index by day takes a thousand rows a second. */
const THROTTLING = { requestsPerSecond: 500, burst: 1_000 } as const;

/** A tick comes each minute, and goes on where the last one stopped. */
const DRAIN_TIMEOUT_SECONDS = 60;
const DRAIN_TICK_AGE_SECONDS = 60;

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
        message: `is not a JSON Schema: ${fault}`,
        input: schema,
      });
    }
  });

/** The pipelines of an environment, as people write them in main.ts. */
export type PipelinesInput = z.input<typeof pipelinesSchema>;
type PipelinesConfig = z.output<typeof pipelinesSchema>;

function schemaFault(schema: object): string | undefined {
  try {
    new Ajv2020(SCHEMA_OPTIONS).compile(schema);
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** Pipelines from an API over a queue into a table and an archive, and from the table to Slack. */
export class Pipelines extends Feature {
  constructor(environment: TerraformStack, deployment: Deployment, config: PipelinesConfig) {
    super(environment, "pipelines", deployment);
    this.inputPipelines(config);
    const encryptionKey = this.inputEncryptionKey();
    const archive = new Bucket(this, "archive", { role: "archive", versioned: true, encryptionKey });
    const configuration = this.createConfiguration(config);
    const webhooks = webhooksOf(config);
    const telling = webhooks.length === 0 ? undefined : this.createTelling(webhooks);
    const shared: Shared = { archive, configuration, telling };
    const pipelines = Object.entries(config).map(([name, pipeline]) => createPipeline(this, name, pipeline, shared));
    const api = this.createApi(pipelines);
    this.showOnDashboard("Pipelines", this.graphs(pipelines, telling));

    this.output("pipelines", "By name: where messages go, and what becomes of them", outputsOf(pipelines, api));
    this.output("archive_bucket_name", "Every message: <pipeline>/dt=<day>/hour=<hour>/*.ndjson.gz", archive.name);
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

  /** As a variable, so that a plan shows what changes in a pipeline, and plain Terraform can change it. */
  private inputPipelines(config: PipelinesConfig): void {
    this.input("pipelines", {
      type: "any",
      description: "How each pipeline reads its messages: objects by name, see README.md",
      value: literal(config),
    });
  }

  /** Schemas, which are too long for a function's variables. */
  private createConfiguration(config: PipelinesConfig): Bucket | undefined {
    const names = Object.entries(config).flatMap(([name, { schema }]) => (schema === undefined ? [] : [name]));
    if (names.length === 0) return undefined;
    const bucket = new Bucket(this, "configuration", { role: "configuration", versioned: true });
    for (const name of names) {
      new S3Object(this, `${kebabCase(name)}-schema`, {
        bucket: bucket.name,
        key: schemaKey(name),
        content: `\${jsonencode(var.pipelines["${name}"].schema)}`,
        contentType: "application/schema+json",
      });
    }
    return bucket;
  }

  /** The way to Slack that all pipelines share. */
  private createTelling(webhooks: readonly string[]): Telling {
    const deadLetters = new DeadLetterQueue(this, "dead-letters", {
      alarms: { notEmpty: "Slack is not told on time. See modules/pipelines/README.md, 'The drain fails'" },
    });
    const notices = new Table(this, "notices", {
      role: "notices",
      partitionKey: { name: NOTIFICATION_KEYS.partition, type: "S" },
      sortKey: { name: NOTIFICATION_KEYS.sort, type: "S" },
    });
    const drain = this.createDrain(notices, deadLetters, webhooks);
    new Alarm(this, "overdue-notices", {
      text: "Slack has taken nothing for five minutes. See modules/pipelines/README.md, 'Slack takes nothing'",
      ...this.metric("overdueNotifications"),
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
  ): NodeFunction<SendEnvironment> {
    const drain = new NodeFunction<SendEnvironment>(this, "drain", {
      entry: "functions/pipelines/send.ts",
      environment: {
        NOTIFICATIONS_TABLE: notices.allows("BatchWriteItem", "Query", "UpdateItem"),
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

  private createApi(pipelines: readonly CreatedPipeline[]): RestApi {
    return new RestApi(this, "api", {
      description: "Takes messages into pipelines",
      routes: pipelines.map(({ name, door }) => ({ method: "POST", path: `/pipelines/${name}`, handler: door })),
      throttling: THROTTLING,
      alarms: { failures: "Messages are not taken. See modules/pipelines/README.md, 'Messages are not taken'" },
    });
  }

  private graphs(pipelines: readonly CreatedPipeline[], telling: Telling | undefined): readonly Graph[] {
    return [
      ...pipelines.map(({ name, door, ingest, queue }): Graph => ({
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
        { ...this.metric("overdueNotifications"), label: "webhooks with overdue notices", statistic: "Maximum" },
      ],
    };
  }
}

interface Telling {
  readonly notices: Table;
  readonly drain: NodeFunction<SendEnvironment>;
  readonly deadLetters: DeadLetterQueue;
}

function webhooksOf(config: PipelinesConfig): readonly string[] {
  return [...new Set(Object.values(config).flatMap(({ slack = [] }) => slack))].sort();
}

function outputsOf(pipelines: readonly CreatedPipeline[], api: RestApi): object {
  return Object.fromEntries(
    pipelines.map(({ name, queue, table, notify }) => [
      name,
      {
        endpoint: `${api.url}/pipelines/${name}`,
        endpoint_arn: api.arnOf({ method: "POST", path: `/pipelines/${name}` }),
        queue_url: queue.url,
        dead_letter_queue_url: queue.deadLetters.url,
        table_name: table.name,
        notify_function_name: notify?.name ?? "",
      },
    ]),
  );
}
