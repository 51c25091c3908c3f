/** The gate of a pipeline: accepts a message only if all that comes after it can. */
import { GetObjectCommand, type S3Client } from "@aws-sdk/client-s3";
import { SendMessageCommand, type SQSClient } from "@aws-sdk/client-sqs";
import * as z from "zod";

import { awsHttpError } from "../../shared/aws/aws-errors";
import type { Clock } from "../../shared/clock";
import { ExpiringCache } from "../../shared/resilience/expiring-cache";
import { BadRequestError, PayloadTooLargeError } from "../../shared/handlers/http-errors";
import { parseJson } from "../../shared/input";
import { escapeForSqs } from "../../shared/json-text";
import { DAY_MS, HOUR_MS, MINUTE_MS } from "../../shared/time";
import { MAX_MESSAGE_BYTES, MESSAGE_ATTRIBUTES, schemaKey, type AcceptedMessage, type Pipeline } from "../contract";
import { toSingleLine } from "../message/json";
import { MalformedMessageError, pointersOf, readMessage, type Message } from "../message/message";
import { schemaValidator, type SchemaValidator } from "../message/schema-validator";
import { isTimeAfter } from "../message/version";
import { itemBytes, MAX_ITEM_BYTES } from "../storage/item-size";
import { rowOf } from "../storage/row";

/** A deployment may change the schema alone, without restarting this function. */
const SCHEMA_CACHE_MS = MINUTE_MS;

/** A sender's clock may be ahead. Later times are mistakes, and each would be its key's newest version until then. */
const MAX_AHEAD_MS = DAY_MS;

/** While S3 is throttled or away, the schema of before counts. */
const STALE_SCHEMA = { maxAgeMs: HOUR_MS, isTemporary: (error: unknown) => awsHttpError(error) !== undefined };

export interface GateOptions {
  readonly name: string;
  readonly pipeline: Pipeline;
  readonly sqs: SQSClient;
  readonly queueUrl: string;
  /** When the pipeline's pointers were last changed. */
  readonly pointersSince: string;
  readonly clock: Clock;
  /** Of the pipeline's JSON Schema. @default none */
  readonly schema?: { readonly s3: S3Client; readonly bucket: string };
}

/**
 * Sends a message to the pipeline's queue. Returns once SQS has accepted it.
 *
 * @throws {@link BadRequestError} and {@link PayloadTooLargeError} with the path and the reason
 */
export function createGate(options: GateOptions): (text: string) => Promise<AcceptedMessage> {
  const { pipeline, sqs, queueUrl: QueueUrl, clock, schema } = options;
  const pointers = pointersOf(pipeline, options.pointersSince);
  const validator = schema === undefined ? undefined : cachedValidator(schema.s3, schema.bucket, options);
  return async (text) => {
    if (Buffer.byteLength(toSingleLine(text)) > MAX_MESSAGE_BYTES)
      throw new PayloadTooLargeError(`body: is longer than ${MAX_MESSAGE_BYTES} bytes`);
    const message = readOrReject(() => readMessage(text, pipeline, clock.now(), pointers));
    if (isTimeAfter(message.version, clock.now() + MAX_AHEAD_MS))
      throw new BadRequestError(`body: ${message.versionSource}: is a time more than a day ahead`);
    if (itemBytes(rowOf(message)) > MAX_ITEM_BYTES)
      throw new PayloadTooLargeError(`body: its row is longer than ${MAX_ITEM_BYTES} bytes`);
    const violation = (await validator?.())?.(parseJson(message.data));
    if (violation !== undefined) throw new BadRequestError(`body: ${violation}`);
    const { MessageId: messageId } = await sqs.send(
      new SendMessageCommand({
        QueueUrl,
        MessageBody: message.data,
        MessageAttributes: {
          [MESSAGE_ATTRIBUTES.receivedAt]: { DataType: "Number", StringValue: String(message.receivedAt) },
          [MESSAGE_ATTRIBUTES.pointers]: { DataType: "String", StringValue: escapeForSqs(JSON.stringify(pointers)) },
        },
      }),
    );
    return { messageId, key: message.key, version: message.version };
  };
}

function readOrReject(read: () => Message): Message {
  try {
    return read();
  } catch (error) {
    throw error instanceof MalformedMessageError ? new BadRequestError(`body: ${error.message}`) : error;
  }
}

function cachedValidator(
  s3: S3Client,
  Bucket: string,
  { name, clock }: Pick<GateOptions, "name" | "clock">,
): () => Promise<SchemaValidator> {
  const cache = new ExpiringCache<SchemaValidator>(SCHEMA_CACHE_MS, clock, STALE_SCHEMA);
  return () =>
    cache.get(name, async () => {
      const { Body } = await s3.send(new GetObjectCommand({ Bucket, Key: schemaKey(name) }));
      return schemaValidator(z.looseObject({}).parse(parseJson((await Body?.transformToString()) ?? "")));
    });
}
