import { BatchWriteItemCommand, DynamoDBClient } from "@aws-sdk/client-dynamodb";
import {
  DynamoDBStreamsClient,
  GetRecordsCommand,
  GetShardIteratorCommand,
  type _Record,
} from "@aws-sdk/client-dynamodb-streams";
import { InvokeCommand, LambdaClient } from "@aws-sdk/client-lambda";
import { DeleteMessageCommand, ReceiveMessageCommand, SQSClient, type Message } from "@aws-sdk/client-sqs";
import { mockClient } from "aws-sdk-client-mock";
import { handler as notify } from "../../../../functions/pipelines/notify";
import type { Outgoing } from "../../../../scripts/features/pipelines/queue-sender";
import {
  redriveEdited,
  redrivePipeline,
  streamEvent,
  type LostChanges,
} from "../../../../scripts/features/pipelines/redrive";
import { readChanges } from "../../../../scripts/features/pipelines/stream-reader";
import { lambdaContext, setupHandler } from "../../../support/lambda";

const sqs = mockClient(SQSClient);
const streams = mockClient(DynamoDBStreamsClient);
beforeEach(() => {
  sqs.reset();
  streams.reset();
});

const LOST: LostChanges = {
  shardId: "shardId-1",
  startSequenceNumber: "100",
  endSequenceNumber: "300",
  streamArn: "arn:aws:dynamodb:eu-central-1:123456789012:table/orders/stream/1",
};
/** What Lambda writes when it has given up on a batch of a stream. */
const note = (id: string): Message => ({
  MessageId: id,
  ReceiptHandle: `receipt-${id}`,
  Body: JSON.stringify({ requestContext: { condition: "RetryAttemptsExhausted" }, DDBStreamBatchInfo: LOST }),
});
const change = (number: number): _Record => ({
  dynamodb: {
    SequenceNumber: String(number),
    ApproximateCreationDateTime: new Date("2026-11-21T07:00:00.900Z"),
    NewImage: { id: { S: `order-${number}` } },
  },
});

async function redrive(notify: (lost: LostChanges) => Promise<void> = () => Promise.resolve()) {
  const sent: Outgoing[] = [];
  const progress: string[] = [];
  const result = await redrivePipeline({
    sqs: new SQSClient(),
    deadLetterQueueUrl: "dead-letters",
    send: (message) => Promise.resolve(void sent.push(message)),
    notify,
    now: () => 1_000_000,
    onProgress: (line) => progress.push(line),
  });
  return { ...result, messages: sent, progress };
}

describe("an edited message", () => {
  const edit = async (status: number) => {
    sqs.on(ReceiveMessageCommand).resolves({
      Messages: [
        { MessageId: "1", ReceiptHandle: "r1", Body: "{" },
        { MessageId: "2", ReceiptHandle: "r2", Body: "[" },
      ],
    });
    const [posted, progress]: [(string | Uint8Array)[], string[]] = [[], []];
    const send = (body: string | Uint8Array) => {
      posted.push(body);
      return Promise.resolve({ status, text: '{"message":"no key"}' });
    };
    const counts = await redriveEdited({ id: "2", body: '{"id":2}' }, send, {
      ...{ sqs: new SQSClient(), deadLetterQueueUrl: "dead-letters", now: () => 1_000_000 },
      onProgress: (line) => progress.push(line),
    });
    const deleted = sqs.commandCalls(DeleteMessageCommand).map(({ args: [{ input }] }) => input.ReceiptHandle);
    return { ...counts, posted, progress, deleted };
  };

  it("goes through the ingress in the place of its dead letter, which is deleted then, and no other", async () => {
    await expect(edit(202)).resolves.toEqual({
      ...{ sent: 1, left: 0, posted: ['{"id":2}'], deleted: ["r2"], progress: ["2: sent back to the ingress"] },
    });
  });

  it("leaves its dead letter where it is when the ingress does not accept it", async () => {
    await expect(edit(400)).resolves.toEqual({
      ...{ sent: 0, left: 1, posted: ['{"id":2}'], deleted: [] },
      progress: ['2: left: the ingress responds 400: {"message":"no key"}'],
    });
  });
});

describe("redriving a pipeline", () => {
  it("sends messages back with the time at which they came first, and deletes each then", async () => {
    const attributes = { receivedAt: { DataType: "Number", StringValue: "5" } };
    sqs
      .on(ReceiveMessageCommand)
      .resolvesOnce({
        Messages: [
          { MessageId: "1", ReceiptHandle: "r1", Body: '{"id":1}', MessageAttributes: attributes },
          { MessageId: "2", ReceiptHandle: "r2", Body: '{"id":2}', Attributes: { SentTimestamp: "7" } },
        ],
      })
      .resolves({});
    const { messages, ...counts } = await redrive();
    expect(messages).toEqual([
      { body: '{"id":1}', attributes: { receivedAt: 5 } },
      { body: '{"id":2}', attributes: { receivedAt: 7 } },
    ]);
    expect(counts).toMatchObject({ sent: 2, left: 0 });
    expect(sqs.commandCalls(DeleteMessageCommand)).toHaveLength(2);
  });

  it("has changes told that the stream's reader gave up on, and not the note of them sent anywhere", async () => {
    sqs
      .on(ReceiveMessageCommand)
      .resolvesOnce({ Messages: [note("1")] })
      .resolves({});
    const notify = jest.fn(() => Promise.resolve());
    expect(await redrive(notify)).toMatchObject({ sent: 1, left: 0, messages: [] });
    expect(notify).toHaveBeenCalledWith(LOST);
    expect(sqs.commandCalls(DeleteMessageCommand)).toHaveLength(1);
  });

  it("keeps the note where they can't be told, and says why once", async () => {
    sqs.on(ReceiveMessageCommand).resolves({ Messages: [note("1")] });
    const { progress, ...counts } = await redrive(() => Promise.reject(new Error("the stream has them no more")));
    expect(counts).toMatchObject({ sent: 0, left: 1 });
    expect(progress).toEqual(["1: left: the stream has them no more"]);
    expect(sqs.commandCalls(DeleteMessageCommand)).toHaveLength(0);
  });
});

describe("reading changes again", () => {
  const output = setupHandler("pipelines", {
    PIPELINE_NAME: "jobOrder",
    PIPELINE_CONFIG: JSON.stringify({ key: "/id", version: "/v", slack: "/almanac/slack/orders" }),
    NOTIFICATIONS_TABLE: "notifications",
    SEND_FUNCTION: "send",
  });
  const pages = (...all: readonly (readonly number[])[]) => {
    streams.on(GetShardIteratorCommand).resolves({ ShardIterator: "0" });
    streams.on(GetRecordsCommand).callsFake(({ ShardIterator }: { readonly ShardIterator: string }) => ({
      Records: (all[Number(ShardIterator)] ?? []).map(change),
      NextShardIterator: String(Number(ShardIterator) + 1),
    }));
  };
  const read = async () =>
    (await readChanges(new DynamoDBStreamsClient(), LOST)).map(({ dynamodb }) => dynamodb?.SequenceNumber);

  it("takes those from the first to the last, over pages with nothing in them", async () => {
    pages([100, 150], [], [], [200], [300, 301]);
    expect(await read()).toEqual(["100", "150", "200", "300"]);
    expect(streams.commandCalls(GetShardIteratorCommand)[0]?.args[0].input).toMatchObject({
      ShardIteratorType: "AT_SEQUENCE_NUMBER",
      SequenceNumber: "100",
    });
  });

  it("takes no part of them for all", async () => {
    pages([100, 150]);
    await expect(read()).rejects.toMatchObject({ name: "ChangesGoneError" });
  });

  it("hands them to the reader of the stream as Lambda would", async () => {
    const dynamodb = mockClient(DynamoDBClient);
    const lambda = mockClient(LambdaClient);
    dynamodb.on(BatchWriteItemCommand).resolves({});
    lambda.on(InvokeCommand).resolves({});
    pages([100], [300]);
    await notify(streamEvent(await readChanges(new DynamoDBStreamsClient(), LOST)), lambdaContext());
    expect(output.lines()).toContainEqual(
      expect.objectContaining({ message: "queueing notifications", changes: 2, notifications: 2 }),
    );
    const written = JSON.stringify(dynamodb.commandCalls(BatchWriteItemCommand).map(({ args: [{ input }] }) => input));
    for (const number of ["100", "300"]) expect(written).toContain(`#jobOrder#${number.padStart(40, "0")}`);
    expect(lambda.calls()).toHaveLength(1);
  });
});
