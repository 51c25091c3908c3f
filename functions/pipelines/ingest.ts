/** The handler of a pipeline's queue: archives and stores messages. */
import { promisify } from "node:util";
import { gzip } from "node:zlib";

import { PutObjectCommand } from "@aws-sdk/client-s3";

import { createAwsJsonClient } from "../shared/aws/clients/aws-json";
import { createS3 } from "../shared/aws/clients/s3";
import { queueHandler, type QueueMessage } from "../shared/handlers/queue-handler";
import { MINUTE_MS } from "../shared/time";
import { parseJson } from "../shared/input";
import { ingestEnvironment, MESSAGE_ATTRIBUTES, pointersSchema, type Pointers } from "./contract";
import { pointersOf } from "./message/message";
import { CONCURRENT_WRITES, ingestBatch, type ReceivedMessage } from "./storage/ingest-batch";
import { messageWriter } from "./storage/pipeline-table";

const compress = promisify(gzip);

/**
 * Archives messages and stores each that is newer than its row. Idempotent under at-least-once delivery: rows are written
 * conditionally, and a redelivered batch has the same object keys.
 */
export const handler = queueHandler(ingestEnvironment, ({ environment, account, logger }) => {
  const { PIPELINE_CONFIG: pipeline, PIPELINE_NAME: name, PIPELINE_TABLE: table, ARCHIVE_BUCKET: Bucket } = environment;
  const s3 = createS3(account);
  const write = messageWriter(createAwsJsonClient({ service: "dynamodb", connections: CONCURRENT_WRITES }), table);
  const pointers = pointersOf(pipeline, environment.POINTERS_SINCE);
  return async (batch) => {
    const messages = batch.map((message) => received(message, pointers));
    const { stored, unchanged, failures } = await ingestBatch(messages, {
      name,
      pipeline,
      archive: async ({ key: Key, text }) => {
        const ContentType = "application/x-ndjson";
        await s3.send(new PutObjectCommand({ Bucket, Key, Body: await compress(text), ContentType }));
      },
      write,
    });
    const messageIds = batch.map(({ id }) => id);
    const failed = failures.length;
    logger.info("ingested", { pipeline: name, messages: batch.length, stored, unchanged, failed, messageIds });
    return failures;
  };
});

function received({ id, body, sentAt, attributes }: QueueMessage, pointers: Pointers): ReceivedMessage {
  const { [MESSAGE_ATTRIBUTES.receivedAt]: receivedAt = "" } = attributes;
  // Producers that send to the queue directly may omit it or set anything. A time to come would be the newest version for ever.
  const isPast = /^[1-9]\d{0,14}$/.test(receivedAt) && Number(receivedAt) <= sentAt + MAX_CLOCK_SKEW_MS;
  return {
    id,
    text: body,
    pointers: acceptedBy(attributes[MESSAGE_ATTRIBUTES.pointers]) ?? pointers,
    receivedAt: isPast ? Number(receivedAt) : sentAt,
    archived: attributes[MESSAGE_ATTRIBUTES.archived] === "1",
    quiet: attributes[MESSAGE_ATTRIBUTES.quiet] === "1",
  };
}

/** Undefined for messages of replays and of producers that send to the queue directly. */
function acceptedBy(attribute: string | undefined): Pointers | undefined {
  try {
    return pointersSchema.safeParse(parseJson(attribute ?? "null")).data;
  } catch {
    return undefined; // not JSON: of another producer
  }
}

/** Of Lambda's clock to SQS's. */
const MAX_CLOCK_SKEW_MS = MINUTE_MS;
