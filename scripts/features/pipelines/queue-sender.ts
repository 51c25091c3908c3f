/** Sends messages to a pipeline's queue, bypassing its ingress, which has validated them before. */
import { SendMessageBatchCommand, type SendMessageBatchRequestEntry, type SQSClient } from "@aws-sdk/client-sqs";
import { sendInBatches } from "../../../functions/shared/aws/batches";
import { systemClock } from "../../../functions/shared/clock";
import { groupBy } from "../../../functions/shared/group-by";
import { MINUTE_MS } from "../../../functions/shared/time";

/** SQS's limits for one call: messages, and their total bytes. */
const MESSAGES_A_CALL = 10;
const BYTES_A_CALL = 256 * 1024;

const CONCURRENCY = 8;
const SENDING_MS = MINUTE_MS;

export interface Outgoing {
  readonly body: string;
  /** By name. */
  readonly attributes: Readonly<Record<string, number | string>>;
}

/** Some messages were not sent. Sending all again is safe: the pipeline deduplicates by key and version. */
export class NotSentError extends Error {
  override readonly name = "NotSentError";
}

/** @throws NotSentError */
export async function sendAll(sqs: SQSClient, QueueUrl: string, messages: readonly Outgoing[]): Promise<void> {
  const { items, errors } = await sendInBatches(callsOf(messages), {
    batchSize: 1,
    concurrency: CONCURRENCY,
    deadline: Date.now() + SENDING_MS,
    clock: systemClock,
    random: Math.random,
    send: async ([call = []]) => {
      const Entries = call.map(({ body, attributes }, index): SendMessageBatchRequestEntry => ({
        Id: String(index),
        MessageBody: body,
        MessageAttributes: Object.fromEntries(
          Object.entries(attributes).map(([name, value]) => {
            const DataType = typeof value === "number" ? "Number" : "String";
            return [name, { DataType, StringValue: String(value) }];
          }),
        ),
      }));
      const { Failed = [] } = await sqs.send(new SendMessageBatchCommand({ QueueUrl, Entries }));
      const failed = new Set(Failed.map(({ Id }) => Number(Id)));
      const left = call.filter((_, index) => failed.has(index));
      return left.length === 0 ? [] : [left];
    },
  });
  if (items.length > 0) throw new NotSentError(`${items.flat().length} messages were not sent`, { cause: errors[0] });
}

function callsOf(messages: readonly Outgoing[]): readonly (readonly Outgoing[])[] {
  let call = 0;
  let count = 0;
  let bytes = 0;
  const numbered = messages.map((message) => {
    const size = Buffer.byteLength(message.body) + Buffer.byteLength(JSON.stringify(message.attributes)) + 100;
    if (count === MESSAGES_A_CALL || bytes + size > BYTES_A_CALL) [call, count, bytes] = [call + 1, 0, 0];
    count += 1;
    bytes += size;
    return { call, message };
  });
  return [...groupBy(numbered, (each) => each.call).values()].map((those) => those.map(({ message }) => message));
}
