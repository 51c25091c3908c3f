import { promisify } from "node:util";
import { gzip } from "node:zlib";

import { PutObjectCommand } from "@aws-sdk/client-s3";

import { createAwsJsonClient } from "../shared/aws/clients/aws-json";
import { createS3 } from "../shared/aws/clients/s3";
import { queueHandler, type QueueMessage } from "../shared/handlers/queue-handler";
import { messageStore } from "./storage/pipeline-table";
import { MESSAGE_ATTRIBUTES, ingestEnvironment } from "./contract";
import { CONCURRENT_WRITES, ingestBatch, type Queued } from "./storage/ingest-batch";

const compressed = promisify(gzip);

/**
 * Archives messages and stores each that is newer than its row. Safe under at-least-once delivery: rows are put by condition, and a
 * batch that comes again has the same name in the archive.
 */
export const handler = queueHandler(ingestEnvironment, ({ environment, logger }) => {
  const { CHANNEL: channel, CHANNEL_NAME: name, CHANNEL_TABLE: table, ARCHIVE_BUCKET: Bucket } = environment;
  const s3 = createS3();
  const store = messageStore(createAwsJsonClient({ service: "dynamodb", connections: CONCURRENT_WRITES }), table);
  return async (batch) => {
    const { stored, known, failures } = await ingestBatch(batch.map(queued), {
      name,
      channel,
      archive: async ({ key: Key, text }) => {
        const ContentType = "application/x-ndjson";
        await s3.send(new PutObjectCommand({ Bucket, Key, Body: await compressed(text), ContentType }));
      },
      store,
    });
    logger.info("ingested", { channel: name, messages: batch.length, stored, known, failed: failures.length });
    return failures;
  };
});

function queued({ id, body, sentAt, attributes }: QueueMessage): Queued {
  const { [MESSAGE_ATTRIBUTES.receivedAt]: receivedAt = "", [MESSAGE_ATTRIBUTES.archived]: archived } = attributes;
  return {
    id,
    text: body,
    // Whoever sends to the queue itself may leave it out, or write what they like.
    receivedAt: /^[1-9]\d{0,14}$/.test(receivedAt) ? Number(receivedAt) : sentAt,
    archived: archived === "1",
  };
}
