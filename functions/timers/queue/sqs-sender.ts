/** SendMessageBatch without the SDK: a fifth of its CPU time. */
import * as z from "zod";

import { AwsJsonError, isTransient, type AwsJson } from "../../shared/aws/aws-json";
import { isThrottlingCode } from "../../shared/aws/error-codes";
import { parseJson } from "../../shared/input";
import { isoTime } from "../../shared/time";
import { MESSAGE_ATTRIBUTES, type Callbacks } from "../contract";
import type { Fire } from "../schedule/timer";
import { FireRejectedError, QueueRefusesError, type BatchEntry, type SendBatch } from "./fire-queue";

const responseSchema = z.object({
  Successful: z.array(z.object({ Id: z.string() })).default([]),
  Failed: z
    .array(z.object({ Id: z.string(), SenderFault: z.boolean(), Code: z.string(), Message: z.string().optional() }))
    .default([]),
});

/** SQS's response does not cover every entry. */
export class IncompleteResponseError extends Error {
  override readonly name = "IncompleteResponseError";
}

/** @param callbacks by name: the fires of another wait until it is configured again, or their timers name another one */
export function sqsSender(
  sqs: AwsJson,
  callbacks: Readonly<Record<string, Pick<Callbacks[string], "queueUrl">>>,
): SendBatch {
  return async (entries, deadline, callback) => {
    const url = callbacks[callback]?.queueUrl;
    if (url === undefined) throw new QueueRefusesError(callback, "no callback of that name is configured");
    return sendBatch(sqs, { url, callback }, entries, deadline);
  };
}

async function sendBatch(
  sqs: AwsJson,
  { url, callback }: { readonly url: string; readonly callback: string | undefined },
  entries: readonly BatchEntry[],
  deadline: number,
): ReturnType<SendBatch> {
  const body = `{"QueueUrl":${JSON.stringify(url)},"Entries":[${entries.map(entryOf).join(",")}]}`;
  const response = await sqs.call("AmazonSQS.SendMessageBatch", body, deadline).catch((error: unknown) => {
    if (!(error instanceof AwsJsonError) || isTransient(error)) throw error;
    throw new QueueRefusesError(callback, `${error.name}: ${error.message}`, { cause: error });
  });
  if (hasSentAll(response, entries.length)) return [];
  const { Successful, Failed } = responseSchema.parse(parseJson(response));
  if (Successful.length + Failed.length !== entries.length)
    throw new IncompleteResponseError(
      `SQS reports ${Successful.length} sent and ${Failed.length} failed of ${entries.length} messages`,
    );
  return Failed.map(({ Id, SenderFault, Code, Message = "" }) => ({
    index: Number(Id),
    isRejected: SenderFault && INVALID_MESSAGE.test(Code),
    isRefused: SenderFault && !INVALID_MESSAGE.test(Code) && !isThrottlingCode(Code),
    reason: `${Code}: ${Message}`,
  }));
}

/**
 * What no retry mends. The other faults of the sender are the queue's, and pass: throttling, a key of KMS that is disabled or denied, a queue that
 * has yet to be made.
 */
const INVALID_MESSAGE = /^Invalid(MessageContents|ParameterValue|AttributeValue)$/;

/**
 * Most responses. They are not parsed: the dispatcher reads thousands a second. Only entries that were sent have a message id, and only
 * those that failed a code. In a string these names would have escaped quotes.
 */
function hasSentAll(response: string, entries: number): boolean {
  return response.split('"MessageId":').length - 1 === entries && !response.includes('"Code":');
}

/** Sends one fire to the dead-letter queue, as SQS does after the last receive. Rejects when it could not. */
export function deadLetterSender(sqs: AwsJson, queueUrl: string): (fire: Fire, deadline: number) => Promise<void> {
  const queue = { url: queueUrl, callback: undefined };
  return async (fire, deadline) => {
    const [failure] = await sendBatch(sqs, queue, [{ fire, delaySeconds: 0 }], deadline);
    if (failure !== undefined) throw new FireRejectedError({ fire, reason: failure.reason });
  };
}

/** Concatenated JSON: JSON.stringify of an object takes 1.5 times as long, and this is the hottest path. */
function entryOf({ fire, delaySeconds }: BatchEntry, index: number): string {
  const { kind, id, version, shard, due, fireId, data } = fire;
  return (
    `{"Id":"${index}","MessageBody":${JSON.stringify(data)},"DelaySeconds":${delaySeconds}` +
    `${TO_KIND}${kind}${TO_ID}${escaped(id)}${TO_VERSION}${escaped(version)}${TO_SHARD}${escaped(shard)}` +
    `${TO_DUE}${isoTime(due)}${TO_FIRE_ID}${escaped(fireId)}"}}}`
  );
}

/** What is between two values. */
const attribute = (name: string) => `${JSON.stringify(name)}:{"DataType":"String","StringValue":"`;
const TO_KIND = `,"MessageAttributes":{${attribute(MESSAGE_ATTRIBUTES.kind)}`;
const TO_ID = `"},${attribute(MESSAGE_ATTRIBUTES.id)}`;
const TO_VERSION = `"},${attribute(MESSAGE_ATTRIBUTES.version)}`;
const TO_SHARD = `"},${attribute(MESSAGE_ATTRIBUTES.shard)}`;
const TO_DUE = `"},${attribute(MESSAGE_ATTRIBUTES.due)}`;
const TO_FIRE_ID = `"},${attribute(MESSAGE_ATTRIBUTES.fireId)}`;

/** In a JSON string. Most texts need no escape. */
function escaped(text: string): string {
  return PLAIN.test(text) ? text : JSON.stringify(text).slice(1, -1);
}

/** ASCII that needs no JSON escape. */
const PLAIN = /^[\x20\x21\x23-\x5b\x5d-\x7e]*$/;
