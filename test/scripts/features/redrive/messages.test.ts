import { DeleteMessageCommand, ReceiveMessageCommand, SendMessageCommand, SQSClient } from "@aws-sdk/client-sqs";
import { mockClient } from "aws-sdk-client-mock";
import { queuesOf, redriveMessages } from "../../../../scripts/features/redrive/messages";

const QUEUE = "https://sqs.eu-central-1.amazonaws.com/123456789012/almanac-staging-timers-fires";
const queue = { queueUrl: QUEUE, deadLetterQueueUrl: `${QUEUE}-dead-letters` };
const dead = {
  MessageId: "1",
  ReceiptHandle: "receipt-1",
  Body: '{"order":7}',
  MessageAttributes: { timerId: { DataType: "String", StringValue: "tea" } },
};

describe("queues with dead letters", () => {
  it("are found among a feature's outputs, by their roles", () => {
    const outputs = {
      fires_queue_url: queue.queueUrl,
      fires_dead_letter_queue_url: queue.deadLetterQueueUrl,
      dead_letter_queue_url: "of invocations",
      lonely_dead_letter_queue_url: "of no queue",
      table_name: "timers",
    };
    expect(queuesOf(outputs)).toEqual([queue]);
  });
});

describe("redriving messages", () => {
  const sqs = mockClient(SQSClient);
  const progress: string[] = [];
  beforeEach(() => {
    sqs.reset();
    progress.length = 0;
  });
  const redrive = () =>
    redriveMessages(queue, { sqs: new SQSClient(), now: () => 1_000, onProgress: (line) => progress.push(line) });

  it("puts each back into its queue as it was, and deletes it then", async () => {
    sqs
      .on(ReceiveMessageCommand)
      .resolvesOnce({ Messages: [dead] })
      .resolves({});
    await expect(redrive()).resolves.toEqual({ sent: 1, left: 0 });
    expect(sqs.commandCalls(ReceiveMessageCommand)[0]?.args[0].input.QueueUrl).toBe(queue.deadLetterQueueUrl);
    expect(sqs.commandCalls(SendMessageCommand).map(({ args: [{ input }] }) => input)).toEqual([
      { QueueUrl: QUEUE, MessageBody: dead.Body, MessageAttributes: dead.MessageAttributes },
    ]);
    expect(sqs.commandCalls(DeleteMessageCommand)).toHaveLength(1);
    expect(progress).toEqual(["1: sent back to almanac-staging-timers-fires"]);
  });

  it("keeps what its queue does not take", async () => {
    sqs.on(ReceiveMessageCommand).resolves({ Messages: [dead] });
    sqs.on(SendMessageCommand).rejects(new Error("throttled"));
    await expect(redrive()).rejects.toThrow("throttled");
    expect(sqs.commandCalls(DeleteMessageCommand)).toHaveLength(0);
  });

  it("comes to an end though they fail again meanwhile", async () => {
    sqs.on(ReceiveMessageCommand).resolves({ Messages: [{ ...dead, Attributes: { SentTimestamp: "1001" } }] });
    await expect(redrive()).resolves.toEqual({ sent: 0, left: 1 });
    expect(sqs.commandCalls(SendMessageCommand)).toEqual([]);
  });
});
