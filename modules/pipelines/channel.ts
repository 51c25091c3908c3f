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
import { Queue } from "../constructs/queue";
import { Table } from "../constructs/table";

/** Within API Gateway's 29; a door waits for S3 and SQS. */
const DOOR_TIMEOUT_SECONDS = 15;

/** A batch takes a tenth of it: most of its time is waiting for DynamoDB, a row each, side by side. */
const INGEST_TIMEOUT_SECONDS = 10;

/** A whole CPU at 1,769 MB; a batch's requests cost CPU more than anything else. */
const INGEST_MEMORY_MB = 1_024;

/** Filled within a second, a batch shares one object in the archive. */
const INGEST_BATCH = { batchSize: 100, windowSeconds: 1 } as const;

/** Six times the consumer's timeout, says Lambda's documentation. */
const VISIBILITY_TIMEOUT_SECONDS = 6 * INGEST_TIMEOUT_SECONDS;

/** What fails three times will fail a fourth time. */
const MAX_RECEIVES = 3;

/** So many dead letters are no mishap any more. */
const FLOOD = 100;

/** Writing notices takes milliseconds; throttled, seconds. */
const NOTIFY_TIMEOUT_SECONDS = 60;

/** A batch of a hundred is in halves down to one after seven; the others are for DynamoDB to come back. */
const NOTIFY_FEED = { batchSize: 100, retries: 20 } as const;

/** Half an hour, of the 24 that a stream keeps its records. */
const STREAM_LAG_MS = 1_800_000;

/** What all channels of an environment share. */
export interface Shared {
  readonly archive: Bucket;
  /** Holds schemas; undefined where no channel has one. */
  readonly configuration: Bucket | undefined;
  /** The line before Slack, and who works it off; undefined where no channel tells anybody. */
  readonly telling: { readonly notices: Table; readonly drain: NodeFunction<DrainEnvironment> } | undefined;
}

export interface CreatedChannel {
  readonly name: string;
  readonly door: NodeFunction<DoorEnvironment>;
  readonly queue: Queue;
  readonly ingest: NodeFunction<IngestEnvironment>;
  readonly table: Table;
  /** Undefined where nobody is to be told. */
  readonly notify: NodeFunction<NotifyEnvironment> | undefined;
}

type Config = z.output<typeof channelSchema>;

const README = "See modules/pipelines/README.md";

/** All names begin with the channel's: `job-order-ingest`. */
export function createChannel(scope: Construct, name: string, config: Config, shared: Shared): CreatedChannel {
  const queue = createQueue(scope, name);
  const table = createTable(scope, name);
  const { telling } = shared;
  const tells = config.slack !== undefined && telling !== undefined;
  return {
    name,
    queue,
    table,
    door: createDoor(scope, name, config, queue, shared),
    ingest: createIngest(scope, name, queue, table, shared),
    notify: tells ? createNotify(scope, name, queue, table, telling) : undefined,
  };
}

function createQueue(scope: Construct, name: string): Queue {
  return new Queue(scope, `${kebab(name)}-queue`, {
    nameSuffix: kebab(name),
    visibilityTimeoutSeconds: VISIBILITY_TIMEOUT_SECONDS,
    maxReceives: MAX_RECEIVES,
    alarms: {
      deadLetters: `Some messages of ${name} cannot be worked off. ${README}, 'Dead letters'`,
      deadLetterFlood: {
        text: `More than ${FLOOD} messages of ${name} cannot be worked off: it is not the messages. ${README}, 'A flood of dead letters'`,
        threshold: FLOOD,
      },
      standstill: `Messages of ${name} wait for fifteen minutes. ${README}, 'Messages wait'`,
    },
  });
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
    entry: "functions/pipelines/door.ts",
    environment: {
      ...channelVariables(name),
      QUEUE_URL: queue.grantSend(),
      SCHEMA_BUCKET:
        schema === undefined || configuration === undefined ? "" : configuration.grantRead(schemaKey(name)),
    },
    timeoutSeconds: DOOR_TIMEOUT_SECONDS,
    alarms: { errors: "none, because what fails here is answered with 5xx, and the API has an alarm for that" },
  });
}

function createIngest(
  scope: Construct,
  name: string,
  queue: Queue,
  table: Table,
  { archive }: Shared,
): NodeFunction<IngestEnvironment> {
  return new NodeFunction<IngestEnvironment>(scope, `${kebab(name)}-ingest`, {
    entry: "functions/pipelines/ingest.ts",
    environment: {
      ...channelVariables(name),
      CHANNEL_TABLE: table.grant("PutItem"),
      ARCHIVE_BUCKET: archive.grantWrite(`${name}/*`),
    },
    timeoutSeconds: INGEST_TIMEOUT_SECONDS,
    memoryMb: INGEST_MEMORY_MB,
    source: queue.eventSource(INGEST_BATCH),
    alarms: {
      errors: "none, because what fails comes again, and waits or is a dead letter in the end: both have an alarm",
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
    source: table.eventSource({ ...NOTIFY_FEED, onFailure: queue.deadLetters }),
    alarms: {
      errors: "none, because what fails comes again, and lags or is a dead letter in the end: both have an alarm",
    },
  });
  new Alarm(scope, `${kebab(name)}-stream-lag`, {
    text: `Changes of ${name} wait for half an hour to be told. ${README}, 'Changes are not told'`,
    ...notify.metric("IteratorAge"),
    statistic: "Maximum",
    comparison: "GreaterThanThreshold",
    threshold: STREAM_LAG_MS,
    periodSeconds: 300,
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
