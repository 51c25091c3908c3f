/** Sends the messages of a dead-letter queue back to where they failed. */
import {
  ChangeMessageVisibilityCommand,
  DeleteMessageCommand,
  GetQueueAttributesCommand,
  ReceiveMessageCommand,
  type Message,
  type ReceiveMessageCommandInput,
  type SQSClient,
} from "@aws-sdk/client-sqs";
import { setTimeout as sleep } from "node:timers/promises";
import { errorMessage } from "../../../functions/shared/errors";
import { mapConcurrently } from "../../../functions/shared/resilience/concurrency";
import { plainText } from "../../shared/terminal/plain-text";

/** Long enough to send a batch back; the rest becomes visible again after it. */
const VISIBILITY_SECONDS = 60;

/** Hides what has been listed from the next receive of the same listing, and from a redrive for no longer than that. */
const LIST_VISIBILITY_SECONDS = 5;

/** How long a listing waits for what others have received. */
const OTHERS_LIST_MS = 2_000;
const LOOK_AGAIN_MS = 100;

const SHOWN_AT_ONCE = 10;

/** SQS may answer with no messages although the queue has some. */
const EMPTY_RECEIVES = 3;

export interface RedriveTools {
  readonly sqs: SQSClient;
  /** Epoch milliseconds. */
  readonly now: () => number;
  readonly onProgress: (line: string) => void;
  /** One message, by its id or otherwise: all others stay. @default all are sent back */
  readonly only?: string | ((message: Message) => boolean);
}

export interface Redriven {
  readonly sent: number;
  readonly left: number;
}

/** Every dead letter of a queue, which keeps them. Others may list, too: what one has received, the others do not receive meanwhile. */
export async function readDeadLetters(QueueUrl: string, sqs: SQSClient): Promise<readonly Message[]> {
  const found = new Map<string, Message>();
  const until = performance.now() + OTHERS_LIST_MS;
  for (;;) {
    await receiveNew(found, QueueUrl, sqs);
    if (found.size >= (await countOf(QueueUrl, sqs)) || performance.now() > until) return [...found.values()];
    await sleep(LOOK_AGAIN_MS);
  }
}

/** Receives all that are visible, and shows them again. */
async function receiveNew(found: Map<string, Message>, QueueUrl: string, sqs: SQSClient): Promise<void> {
  const received = new Map<string, Message>();
  for (let nothingNew = 0; nothingNew < EMPTY_RECEIVES;) {
    const before = received.size;
    for (const message of await receive(QueueUrl, sqs, { VisibilityTimeout: LIST_VISIBILITY_SECONDS }))
      received.set(message.MessageId ?? "", message);
    nothingNew = received.size === before ? nothingNew + 1 : 0;
  }
  for (const [id, message] of received) found.set(id, message);
  await showAgain(QueueUrl, [...received.values()], sqs);
}

/** Visible or not, approximately. 0 when these credentials may only receive. */
async function countOf(QueueUrl: string, sqs: SQSClient): Promise<number> {
  try {
    const { Attributes = {} } = await sqs.send(
      new GetQueueAttributesCommand({
        QueueUrl,
        AttributeNames: ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"],
      }),
    );
    return Object.values(Attributes).reduce((sum, text) => sum + Number(text), 0);
  } catch {
    return 0;
  }
}

async function receive(
  QueueUrl: string,
  sqs: SQSClient,
  waits: Pick<ReceiveMessageCommandInput, "VisibilityTimeout" | "WaitTimeSeconds">,
): Promise<readonly Message[]> {
  const { Messages = [] } = await sqs.send(
    new ReceiveMessageCommand({
      QueueUrl,
      MaxNumberOfMessages: 10,
      MessageAttributeNames: ["All"],
      MessageSystemAttributeNames: ["SentTimestamp"],
      ...waits,
    }),
  );
  return Messages;
}

/** Where a dead letter goes. */
export interface RedriveTarget {
  /** For people. */
  readonly to: string;
  readonly send: () => Promise<unknown>;
  /** True: an error of `send` concerns this message only. False: it ends the redrive. @default false */
  readonly continueOnError?: boolean;
}

/**
 * Sends every dead letter back and deletes it afterwards: a crash in between duplicates one and loses none. Those without a target, and
 * those that fail again during the redrive, stay in the queue.
 */
export async function redriveDeadLetters(
  QueueUrl: string,
  targetOf: (message: Message) => RedriveTarget | undefined,
  tools: RedriveTools,
): Promise<Redriven> {
  const others: Message[] = [];
  try {
    return await sendBack(QueueUrl, targetOf, tools, others);
  } finally {
    await showAgain(QueueUrl, others, tools.sqs);
  }
}

/** @param others gets those that were received and not meant */
async function sendBack(
  QueueUrl: string,
  targetOf: (message: Message) => RedriveTarget | undefined,
  { sqs, now, onProgress, only }: RedriveTools,
  others: Message[],
): Promise<Redriven> {
  const startedAt = now();
  const left = new Set<string>();
  const leave = (id: string, why: string): void => {
    if (!left.has(id)) onProgress(`${id}: left: ${plainText(why)}`);
    left.add(id);
  };
  let sent = 0;
  for (let empty = 0; empty < EMPTY_RECEIVES;) {
    const messages = await receive(QueueUrl, sqs, { VisibilityTimeout: VISIBILITY_SECONDS, WaitTimeSeconds: 1 });
    const before = sent;
    for (const message of messages) {
      const { MessageId: id = "", ReceiptHandle, Attributes } = message;
      if (typeof only === "string" ? id !== only : only?.(message) === false) {
        others.push(message);
        continue;
      }
      const target = targetOf(message);
      if (target === undefined) leave(id, "not a known format");
      else if (Number(Attributes?.SentTimestamp ?? 0) > startedAt) leave(id, "failed again");
      else
        try {
          await target.send();
          await sqs.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle }));
          sent += 1;
          onProgress(`${id}: sent back to ${target.to}`);
        } catch (error) {
          if (target.continueOnError !== true) throw error;
          leave(id, errorMessage(error));
        }
    }
    // With one of many, a receive that has only others says nothing about it.
    const progressed = only === undefined ? sent > before : messages.length > 0;
    if (only !== undefined && (sent > 0 || left.size > 0)) break;
    empty = progressed ? 0 : empty + 1;
  }
  return { sent, left: left.size };
}

/** Else others would not find them for a while. Best effort. */
async function showAgain(QueueUrl: string, messages: readonly Message[], sqs: SQSClient): Promise<void> {
  const show = ({ ReceiptHandle }: Message) =>
    sqs.send(new ChangeMessageVisibilityCommand({ QueueUrl, ReceiptHandle, VisibilityTimeout: 0 }));
  await mapConcurrently(messages, SHOWN_AT_ONCE, show).catch(() => undefined);
}
