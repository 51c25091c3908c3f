/** The resources of one pipeline: ingress function, queue with its ingest function, table, and notify function. */
import type { Construct } from "constructs";
import type * as z from "zod";
import {
  INDEXED_ATTRIBUTES,
  INDEXES,
  ROW_KEYS,
  kebabCase,
  schemaKey,
  type IngestEnvironment,
  type IngressEnvironment,
  type NotifyEnvironment,
  type SendEnvironment,
  type WebhookEnvironment,
  type pipelineSchema,
} from "../../functions/pipelines/contract";
import { Alarm } from "../constructs/resources/alarm";
import type { Bucket } from "../constructs/resources/bucket";
import { Feature } from "../constructs/feature";
import { NodeFunction } from "../constructs/resources/node-function";
import { API_TIMEOUT_SECONDS, COVERED_BY_API_ALARM } from "../constructs/patterns/api-function";
import { QueueFunction } from "../constructs/patterns/queue-function";
import type { ScheduledFunction } from "../constructs/patterns/scheduled-function";
import type { Queue } from "../constructs/resources/queue";
import { Table } from "../constructs/resources/table";
import { TerraformData } from "../constructs/terraform-data";

/** Ten times what a batch needs. */
const INGEST_TIMEOUT_SECONDS = 10;

/** A batch is CPU-bound. Lambda gives a whole CPU for 1,769 MB. */
const INGEST_MEMORY_MB = 1_024;

/** A batch becomes one object in the archive, so larger batches are cheaper. */
const INGEST_BATCH = { batchSize: 100, windowSeconds: 1 } as const;

const MAX_RECEIVES = 3;

/** More dead letters than this have a common cause. */
const HIGH_DLQ_DEPTH = 100;

/** Writing notifications takes milliseconds, or seconds when DynamoDB throttles. */
const NOTIFY_TIMEOUT_SECONDS = 60;

/** Seven retries bisect a batch of 100 down to single records. The others outlast an outage of DynamoDB. */
const NOTIFY_BATCH = { batchSize: 100, retries: 20 } as const;

/** 30 minutes. A stream keeps its records for 24 hours. */
const MAX_ITERATOR_AGE_MS = 1_800_000;

export interface SlackSender {
  readonly notifications: Table;
  readonly send: ScheduledFunction<SendEnvironment>;
}

/** Shared by all pipelines of an environment. */
export interface Shared {
  readonly archive: Bucket;
  /** The bucket of JSON Schemas. Undefined when no pipeline has one. */
  readonly configuration: Bucket | undefined;
  /** Undefined when no pipeline notifies Slack. */
  readonly slack: SlackSender | undefined;
  /** Accepted webhook deliveries. Undefined when no pipeline has a webhook. */
  readonly deliveries: Table | undefined;
}

/** What the functions of a pipeline share. */
interface PipelineShared extends Shared {
  /** When the pointers to its key and version were last changed: an expression. */
  readonly pointersSince: string;
}

export interface CreatedPipeline {
  readonly name: string;
  readonly ingress: NodeFunction<IngressEnvironment>;
  /** Undefined without a webhook. */
  readonly webhook: NodeFunction<WebhookEnvironment> | undefined;
  readonly ingest: QueueFunction<IngestEnvironment>;
  readonly table: Table;
  /** Undefined when the pipeline does not notify Slack. */
  readonly notify: NodeFunction<NotifyEnvironment> | undefined;
  /** Empty when the pipeline does not notify Slack. */
  readonly slackParameter: string;
}

type Config = z.output<typeof pipelineSchema>;

/** All construct ids begin with the pipeline's name: `job-order-ingest`. */
export function createPipeline(scope: Construct, name: string, config: Config, environment: Shared): CreatedPipeline {
  const table = createTable(scope, name);
  const pointersSince = creationTime(scope, `${kebabCase(name)}-pointers-since`, [
    `\${var.pipelines["${name}"].key}`,
    `\${try(var.pipelines["${name}"].version, "")}`,
  ]);
  const shared: PipelineShared = { ...environment, pointersSince };
  const ingest = createIngest(scope, name, table, shared);
  const { queue } = ingest;
  const { slack } = shared;
  return {
    name,
    table,
    ingress: createIngress(scope, name, config, queue, shared),
    webhook: createWebhook(scope, name, config, queue, shared),
    ingest,
    slackParameter: config.slack ?? "",
    notify: config.slack !== undefined && slack ? createNotify(scope, name, queue, table, slack) : undefined,
  };
}

function createTable(scope: Construct, name: string): Table {
  const text = (attribute: string) => ({ name: attribute, type: "S" }) as const;
  const attributes = INDEXED_ATTRIBUTES;
  return new Table(scope, `${kebabCase(name)}-table`, {
    nameSuffix: kebabCase(name),
    partitionKey: text(ROW_KEYS.partition),
    indexes: [
      { name: INDEXES.byDay, partitionKey: text(ROW_KEYS.day), sortKey: text(ROW_KEYS.receivedAt), attributes },
      { name: INDEXES.byGroup, partitionKey: text(ROW_KEYS.group), sortKey: text(ROW_KEYS.receivedAt), attributes },
    ],
    stream: "NEW_AND_OLD_IMAGES",
  });
}

function createIngress(
  scope: Construct,
  name: string,
  config: Config,
  queue: Queue,
  shared: PipelineShared,
): NodeFunction<IngressEnvironment> {
  return new NodeFunction<IngressEnvironment>(scope, `${kebabCase(name)}-ingress`, {
    entry: "functions/pipelines/ingress.ts",
    environment: gateVariables(name, config, queue, shared),
    timeoutSeconds: API_TIMEOUT_SECONDS,
    alarms: { errors: COVERED_BY_API_ALARM },
  });
}

function createWebhook(
  scope: Construct,
  name: string,
  config: Config,
  queue: Queue,
  shared: PipelineShared,
): NodeFunction<WebhookEnvironment> | undefined {
  const { webhook } = config;
  const { deliveries } = shared;
  if (webhook === undefined || deliveries === undefined) return undefined;
  return new NodeFunction<WebhookEnvironment>(scope, `${kebabCase(name)}-webhook`, {
    entry: "functions/pipelines/webhook.ts",
    environment: {
      ...gateVariables(name, config, queue, shared),
      WEBHOOK_SECRET: {
        value: webhook.secret,
        actions: ["ssm:GetParameter"],
        // No kms:Decrypt: AWS's managed key for SSM does not need it.
        resources: [Feature.of(scope).arn("ssm", `parameter${webhook.secret}`)],
      },
      DELIVERIES_TABLE: deliveries.grant("GetItem", "PutItem"),
    },
    timeoutSeconds: API_TIMEOUT_SECONDS,
    alarms: { errors: COVERED_BY_API_ALARM },
  });
}

/** What the functions that accept messages need. */
function gateVariables(
  name: string,
  { schema }: Config,
  queue: Queue,
  { configuration, pointersSince }: PipelineShared,
) {
  return {
    ...pipelineVariables(name),
    POINTERS_SINCE: pointersSince,
    QUEUE_URL: queue.grantSend(),
    SCHEMA_BUCKET: schema === undefined || configuration === undefined ? "" : configuration.grantRead(schemaKey(name)),
  };
}

function createIngest(
  scope: Construct,
  name: string,
  table: Table,
  { archive, pointersSince }: PipelineShared,
): QueueFunction<IngestEnvironment> {
  return new QueueFunction<IngestEnvironment>(scope, `${kebabCase(name)}-ingest`, {
    entry: "functions/pipelines/ingest.ts",
    environment: {
      ...pipelineVariables(name),
      POINTERS_SINCE: pointersSince,
      PIPELINE_TABLE: table.grant("PutItem"),
      ARCHIVE_BUCKET: archive.grantWrite(`${name}/*`),
    },
    timeoutSeconds: INGEST_TIMEOUT_SECONDS,
    memoryMb: INGEST_MEMORY_MB,
    queue: { nameSuffix: kebabCase(name), maxReceives: MAX_RECEIVES },
    batch: INGEST_BATCH,
    alarms: {
      deadLetterQueue: {
        depth: {
          description: `Messages of ${name} cannot be processed (messages in the dead-letter queue)`,
          impact: "These messages are not stored, or Slack is not notified of them.",
          runbook: "pipelines#dead-letter-queue",
        },
        highDepth: {
          spec: {
            description: `More than ${HIGH_DLQ_DEPTH} messages of ${name} cannot be processed`,
            impact: "Probably no message of this pipeline is stored.",
            runbook: "pipelines#many-messages-in-the-dead-letter-queue",
          },
          messages: HIGH_DLQ_DEPTH,
        },
      },
      oldestMessageAge: {
        description: `Messages of ${name} have been waiting in the queue for 15 minutes`,
        impact: "New messages appear late in the table and in Slack.",
        runbook: "pipelines#messages-are-waiting",
      },
    },
  });
}

function createNotify(
  scope: Construct,
  name: string,
  queue: Queue,
  table: Table,
  { notifications, send }: SlackSender,
): NodeFunction<NotifyEnvironment> {
  const notify = new NodeFunction<NotifyEnvironment>(scope, `${kebabCase(name)}-notify`, {
    entry: "functions/pipelines/notify.ts",
    environment: {
      ...pipelineVariables(name),
      NOTIFICATIONS_TABLE: notifications.grant("BatchWriteItem"),
      SEND_FUNCTION: send.grantInvoke(),
      NOTIFY_FROM: creationTime(scope, `${kebabCase(name)}-notify-from`),
    },
    timeoutSeconds: NOTIFY_TIMEOUT_SECONDS,
    eventSource: table.eventSource({ ...NOTIFY_BATCH, onFailure: queue.deadLetterQueue }),
    alarms: { errors: { disabled: "covered by the alarms for iterator age and the dead-letter queue" } },
  });
  new Alarm(notify, "iterator-age", {
    spec: {
      description: `Changes of ${name} have been waiting in the table's stream for 30 minutes`,
      impact: "Slack notifications are late. Changes older than 24 hours are lost.",
      runbook: "pipelines#changes-are-waiting",
    },
    ...notify.metric("IteratorAge"),
    statistic: "Maximum",
    threshold: MAX_ITERATOR_AGE_MS,
  });
  return notify;
}

/**
 * When this part of the configuration was first deployed: Terraform keeps it in the state. ISO 8601.
 *
 * @param triggersReplace expressions: a change of one is a new part
 */
function creationTime(scope: Construct, id: string, triggersReplace?: readonly string[]): string {
  const data = new TerraformData(scope, id, {
    input: { time: "${plantimestamp()}" },
    lifecycle: { ignoreChanges: ["input"] },
    ...(triggersReplace && { triggersReplace }),
  });
  return data.outputOf("time");
}

/** The pipeline's name and its configuration without the schema, from the module's variable. */
function pipelineVariables(name: string) {
  return {
    PIPELINE_NAME: name,
    PIPELINE_CONFIG: `\${jsonencode({ for field, value in var.pipelines["${name}"] : field => value if field != "schema" })}`,
  };
}
