import { GetObjectCommand, type S3Client } from "@aws-sdk/client-s3";
import { SendMessageCommand } from "@aws-sdk/client-sqs";
import * as z from "zod";

import { createS3 } from "../shared/aws/clients/s3";
import { createSqs } from "../shared/aws/clients/sqs";
import type { Clock } from "../shared/clock";
import { BadRequestError, PayloadTooLargeError } from "../shared/handlers/http-errors";
import { endpoint, restHandler } from "../shared/handlers/rest-handler";
import { MINUTE_MS } from "../shared/time";
import { parseJson } from "../shared/input";
import { ingressEnvironment, MAX_MESSAGE_BYTES, MESSAGE_ATTRIBUTES, schemaKey } from "./contract";
import { toSingleLine } from "./message/json";
import { MalformedMessageError, readMessage, type Message } from "./message/message";
import { schemaValidator, type SchemaValidator } from "./message/schema-validator";
import { itemBytes, MAX_ITEM_BYTES } from "./storage/item-size";
import { rowOf } from "./storage/row";

/** A deployment may change the schema alone, without restarting this function. */
const SCHEMA_CACHE_MS = MINUTE_MS;

const requestSchema = z.object({ text: z.string(), body: z.unknown() });

/**
 * `POST /pipelines/<name>`: sends a message to the pipeline's queue and answers 202 once SQS has accepted it. A caller that retries
 * after a lost response sends a duplicate, which ingest ignores.
 */
export const handler = restHandler(ingressEnvironment, ({ environment, clock, logger }) => {
  const { PIPELINE_CONFIG: pipeline, PIPELINE_NAME: name, QUEUE_URL: QueueUrl, SCHEMA_BUCKET: bucket } = environment;
  const sqs = createSqs();
  const validator = bucket === undefined ? undefined : cachedValidator(createS3(), bucket, name, clock);

  return {
    [`POST /pipelines/${name}`]: endpoint(requestSchema, async ({ text, body }) => {
      if (Buffer.byteLength(toSingleLine(text)) > MAX_MESSAGE_BYTES)
        throw new PayloadTooLargeError(`body: is longer than ${MAX_MESSAGE_BYTES} bytes`);
      const message = readOrReject(() => readMessage(text, pipeline, clock.now()));
      if (itemBytes(rowOf(message)) > MAX_ITEM_BYTES)
        throw new PayloadTooLargeError(`body: its row is longer than ${MAX_ITEM_BYTES} bytes`);
      const violation = (await validator?.())?.(body);
      if (violation !== undefined) throw new BadRequestError(`body: ${violation}`);
      const { MessageId } = await sqs.send(
        new SendMessageCommand({
          QueueUrl,
          MessageBody: message.data,
          MessageAttributes: {
            [MESSAGE_ATTRIBUTES.receivedAt]: { DataType: "Number", StringValue: String(message.receivedAt) },
          },
        }),
      );
      const accepted = { messageId: MessageId, key: message.key, version: message.version };
      logger.info("accepted", { pipeline: name, ...accepted });
      return { status: 202, body: accepted };
    }),
  };
});

function readOrReject(read: () => Message): Message {
  try {
    return read();
  } catch (error) {
    if (error instanceof MalformedMessageError) throw new BadRequestError(`body: ${error.message}`, { cause: error });
    throw error;
  }
}

function cachedValidator(s3: S3Client, Bucket: string, name: string, clock: Clock): () => Promise<SchemaValidator> {
  let cached: { readonly validator: SchemaValidator; readonly until: number } | undefined;
  return async () => {
    if (cached === undefined || clock.now() >= cached.until) {
      const { Body } = await s3.send(new GetObjectCommand({ Bucket, Key: schemaKey(name) }));
      const schema = z.looseObject({}).parse(parseJson((await Body?.transformToString()) ?? ""));
      cached = { validator: schemaValidator(schema), until: clock.now() + SCHEMA_CACHE_MS };
    }
    return cached.validator;
  };
}
