import { GetObjectCommand, type S3Client } from "@aws-sdk/client-s3";
import { SendMessageCommand } from "@aws-sdk/client-sqs";
import * as z from "zod";

import { createS3 } from "../shared/aws/clients/s3";
import { createSqs } from "../shared/aws/clients/sqs";
import { BadRequestError, PayloadTooLargeError } from "../shared/handlers/http-errors";
import { endpoint, restHandler } from "../shared/handlers/rest-handler";
import { MINUTE_MS } from "../shared/time";
import { MAX_MESSAGE_BYTES, MESSAGE_ATTRIBUTES, schemaKey, doorEnvironment } from "./contract";
import { MalformedMessageError, readMessage, type Message } from "./message/message";
import { schemaCheck, type SchemaCheck } from "./message/schema-check";

/** How long a schema is remembered: a deployment that changes it need not change this function. */
const REMEMBERED_MS = MINUTE_MS;

const requestSchema = z.object({ text: z.string(), body: z.unknown() });

/**
 * `POST /channels/<name>`: takes a message into the channel's queue. Answers 202 once SQS has it; a message sent again, after an
 * answer that was lost, is one more in the queue, and no more than that.
 */
export const handler = restHandler(doorEnvironment, ({ environment, clock }) => {
  const { CHANNEL: channel, CHANNEL_NAME: name, QUEUE_URL: QueueUrl, SCHEMA_BUCKET: bucket } = environment;
  const sqs = createSqs();
  const s3 = bucket === undefined ? undefined : createS3();
  let remembered: { readonly check: SchemaCheck; readonly until: number } | undefined;
  const checkOf = async (): Promise<SchemaCheck> => {
    if (s3 === undefined || bucket === undefined) return () => undefined;
    if (remembered === undefined || clock.now() >= remembered.until)
      remembered = { check: schemaCheck(await readSchema(s3, bucket, name)), until: clock.now() + REMEMBERED_MS };
    return remembered.check;
  };

  return {
    [`POST /channels/${name}`]: endpoint(requestSchema, async ({ text, body }) => {
      if (Buffer.byteLength(text) > MAX_MESSAGE_BYTES)
        throw new PayloadTooLargeError(`body: is longer than ${MAX_MESSAGE_BYTES} bytes`);
      const message = readOrRefuse(() => readMessage(text, channel, clock.now()));
      const violation = (await checkOf())(body);
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
      return { status: 202, body: { messageId: MessageId, key: message.key, version: message.version } };
    }),
  };
});

function readOrRefuse(read: () => Message): Message {
  try {
    return read();
  } catch (error) {
    if (error instanceof MalformedMessageError) throw new BadRequestError(`body: ${error.message}`, { cause: error });
    throw error;
  }
}

async function readSchema(s3: S3Client, Bucket: string, name: string): Promise<object> {
  const { Body } = await s3.send(new GetObjectCommand({ Bucket, Key: schemaKey(name) }));
  return z.looseObject({}).parse(JSON.parse((await Body?.transformToString()) ?? ""));
}
