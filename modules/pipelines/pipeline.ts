/** What one entry in the configuration brings: a door, a queue, a table, and the functions between them. */
import type { Construct } from "constructs";
import type { z } from "zod";
import {
  INDEXED_ATTRIBUTES,
  INDEXES,
  ROW_KEYS,
  kebab,
  schemaKey,
  type channelSchema,
  type DoorEnvironment,
  type DrainEnvironment,
  type IngestEnvironment,
  type NotifyEnvironment,
} from "../../functions/pipelines/contract";
import { Alarm } from "../constructs/alarm";
import type { Bucket } from "../constructs/bucket";
import { NodeFunction } from "../constructs/node-function";
import { COVERED_BY_API_ALARM } from "../constructs/patterns/api-function";
import { QueueFunction } from "../constructs/patterns/queue-function";
import type { ScheduledFunction } from "../constructs/patterns/scheduled-function";
import type { Queue } from "../constructs/queue";
import { Table } from "../constructs/table";

/** Within API Gateway's 29; a door waits for S3 and SQS. */
const DOOR_TIMEOUT_SECONDS = 15;

/** A batch takes a tenth of it: most of its time is waiting for DynamoDB, a row each, side by side. */
const INGEST_TIMEOUT_SECONDS = 10;

/** A whole CPU at 1,769 MB; a batch's requests cost CPU more than anything else. */
const INGEST_MEMORY_MB = 1_024;

/** Filled within a second, a batch shares one object in the archive. */
const INGEST_BATCH = { batchSize: 100, windowSeconds: 1 } as const;

/** What fails three times will fail a fourth time. */
const MAX_RECEIVES = 3;

/** More dead letters than this have a common cause. */
const HIGH_DLQ_DEPTH = 100;

/** Writing notices takes milliseconds; throttled, seconds. */
const NOTIFY_TIMEOUT_SECONDS = 60;

/** A batch of a hundred is in halves down to one after seven; the others are for DynamoDB to come back. */
const NOTIFY_BATCH = { batchSize: 100, retries: 20 } as const;

/** Half an hour, of the 24 that a stream keeps its records. */
const MAX_ITERATOR_AGE_MS = 1_800_000;

/** What all channels of an environment share. */
export interface Shared {
  readonly archive: Bucket;
  /** Holds schemas; undefined where no channel has one. */
  readonly configuration: Bucket | undefined;
  /** The line before Slack, and who works it off; undefined where no channel tells anybody. */
  readonly telling: { readonly notices: Table; readonly drain: ScheduledFunction<DrainEnvironment> } | undefined;
}

export interface CreatedChannel {
  readonly name: string;
  readonly door: NodeFunction<DoorEnvironment>;
  readonly ingest: QueueFunction<IngestEnvironment>;
  readonly table: Table;
  /** Undefined where nobody is to be told. */
  readonly notify: NodeFunction<NotifyEnvironment> | undefined;
}

type Config = z.output<typeof channelSchema>;

/** All names begin with the channel's: `job-order-ingest`. */
export function createChannel(scope: Construct, name: string, config: Config, shared: Shared): CreatedChannel {
  const table = createTable(scope, name);
  const ingest = createIngest(scope, name, table, shared);
  const { queue } = ingest;
  const { telling } = shared;
  const tells = config.slack !== undefined && telling !== undefined;
  return {
    name,
    table,
    door: createDoor(scope, name, config, queue, shared),
    ingest,
    notify: tells ? createNotify(scope, name, queue, table, telling) : undefined,
  };
}

function createTable(scope: Construct, name: string): Table {
  const text = (attribute: string) => ({ name: attribute, type: "S" }) as const;
  const attributes = INDEXED_ATTRIBUTES;
  return new Table(scope, `${kebab(name)}-table`, {
    nameSuffix: kebab(name),
    partitionKey: text(ROW_KEYS.partition),
    indexes: [
      { name: INDEXES.byDay, partitionKey: text(ROW_KEYS.day), sortKey: text(ROW_KEYS.receivedAt), attributes },
      { name: INDEXES.byGroup, partitionKey: text(ROW_KEYS.group), sortKey: text(ROW_KEYS.receivedAt), attributes },
    ],
    stream: "NEW_AND_OLD_IMAGES",
  });
}

function createDoor(
  scope: Construct,
  name: string,
  { schema }: Config,
  queue: Queue,
  { configuration }: Shared,
): NodeFunction<DoorEnvironment> {
  return new NodeFunction<DoorEnvironment>(scope, `${kebab(name)}-door`, {
    entry: "functions/pipelines/ingress.ts",
    environment: {
      ...channelVariables(name),
      QUEUE_URL: queue.grantSend(),
      SCHEMA_BUCKET:
        schema === undefined || configuration === undefined ? "" : configuration.grantRead(schemaKey(name)),
    },
    timeoutSeconds: DOOR_TIMEOUT_SECONDS,
    alarms: { errors: COVERED_BY_API_ALARM },
  });
}

function createIngest(
  scope: Construct,
  name: string,
  table: Table,
  { archive }: Shared,
): QueueFunction<IngestEnvironment> {
  return new QueueFunction<IngestEnvironment>(scope, `${kebab(name)}-ingest`, {
    entry: "functions/pipelines/ingest.ts",
    environment: {
      ...channelVariables(name),
      CHANNEL_TABLE: table.grant("PutItem"),
      ARCHIVE_BUCKET: archive.grantWrite(`${name}/*`),
    },
    timeoutSeconds: INGEST_TIMEOUT_SECONDS,
    memoryMb: INGEST_MEMORY_MB,
    queue: { nameSuffix: kebab(name), maxReceives: MAX_RECEIVES },
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
  { notices, drain }: NonNullable<Shared["telling"]>,
): NodeFunction<NotifyEnvironment> {
  const notify = new NodeFunction<NotifyEnvironment>(scope, `${kebab(name)}-notify`, {
    entry: "functions/pipelines/notify.ts",
    environment: {
      ...channelVariables(name),
      NOTICES_TABLE: notices.grant("BatchWriteItem"),
      DRAIN_FUNCTION: drain.grantInvoke(),
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

/** A channel's configuration but for its schema, out of the module's variable. */
function channelVariables(name: string) {
  return {
    CHANNEL_NAME: name,
    CHANNEL: `\${jsonencode({ for field, value in var.channels["${name}"] : field => value if field != "schema" })}`,
  };
}
