import {
  ChangeMessageVisibilityCommand,
  DeleteMessageCommand,
  GetQueueAttributesCommand,
  ReceiveMessageCommand,
  SendMessageCommand,
  SQSClient,
} from "@aws-sdk/client-sqs";
import { mockClient } from "aws-sdk-client-mock";
import { readDeadLetters } from "../../../../scripts/features/redrive/dead-letters";
import { describeDeadLetters, summary } from "../../../../scripts/features/redrive/describe-dead-letters";
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
  const redrive = (only?: string) =>
    redriveMessages(queue, {
      sqs: new SQSClient(),
      now: () => 1_000,
      onProgress: (line) => progress.push(line),
      ...(only !== undefined && { only }),
    });

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

  const other = { ...dead, MessageId: "2", ReceiptHandle: "receipt-2" };
  const shown = () => sqs.commandCalls(ChangeMessageVisibilityCommand).map(({ args: [{ input }] }) => input);
  const visible = { QueueUrl: queue.deadLetterQueueUrl, ReceiptHandle: "receipt-2", VisibilityTimeout: 0 };

  it("of one leaves the others visible: the next redrive finds them", async () => {
    sqs
      .on(ReceiveMessageCommand)
      .resolvesOnce({ Messages: [other] })
      .resolvesOnce({ Messages: [dead] })
      .resolves({});
    await expect(redrive("1")).resolves.toEqual({ sent: 1, left: 0 });
    expect(shown()).toEqual([visible]);
  });

  it("of one that its queue does not take leaves the others visible as well", async () => {
    sqs
      .on(ReceiveMessageCommand)
      .resolvesOnce({ Messages: [other] })
      .resolves({ Messages: [dead] });
    sqs.on(SendMessageCommand).rejects(new Error("throttled"));
    await expect(redrive("1")).rejects.toThrow("throttled");
    expect(shown()).toEqual([visible]);
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

describe("dead letters", () => {
  const sqs = mockClient(SQSClient);
  const sent = (time: string) => ({ Attributes: { SentTimestamp: String(Date.parse(time)) } });
  const invocation = {
    MessageId: "2",
    Body: JSON.stringify({
      requestContext: { condition: "RetriesExhausted", functionArn: "arn:aws:lambda:eu-central-1:1:function:check" },
      requestPayload: { time: "2026-11-26T07:00:00Z" },
      responsePayload: { errorMessage: "throttled\u001b[31m" },
    }),
    ...sent("2026-11-26T07:00:05Z"),
  };

  it("are read once each, and stay in the queue", async () => {
    sqs.reset();
    sqs
      .on(ReceiveMessageCommand)
      .resolvesOnce({ Messages: [dead, invocation] })
      .resolvesOnce({ Messages: [dead] })
      .resolves({});
    await expect(readDeadLetters("queue", new SQSClient())).resolves.toEqual([dead, invocation]);
    expect(sqs.commandCalls(DeleteMessageCommand)).toHaveLength(0);
  });

  it("that another reader has received are waited for, and those received are visible at once", async () => {
    sqs.reset();
    sqs
      .on(ReceiveMessageCommand)
      .resolvesOnce({ Messages: [dead] })
      .resolvesOnce({})
      .resolvesOnce({})
      .resolvesOnce({})
      // The other one has shown it again.
      .resolvesOnce({ Messages: [invocation] })
      .resolves({});
    sqs
      .on(GetQueueAttributesCommand)
      .resolves({ Attributes: { ApproximateNumberOfMessages: "0", ApproximateNumberOfMessagesNotVisible: "2" } });
    await expect(readDeadLetters("queue", new SQSClient())).resolves.toEqual([dead, invocation]);
    expect(sqs.commandCalls(ChangeMessageVisibilityCommand)[0]?.args[0].input).toEqual({
      ...{ QueueUrl: "queue", ReceiptHandle: "receipt-1", VisibilityTimeout: 0 },
    });
  });

  it("say when, why and what", () => {
    const undelivered = {
      MessageId: "3",
      Body: "{}",
      MessageAttributes: { ERROR_MESSAGE: { DataType: "String", StringValue: "no permission" } },
      ...sent("2026-11-26T07:00:01Z"),
    };
    expect(describeDeadLetters([invocation, undelivered])).toBe(
      [
        "2026-11-26T07:00:01.000Z  3",
        "  no permission",
        "  {}",
        "2026-11-26T07:00:05.000Z  2",
        "  throttled",
        '  {"time":"2026-11-26T07:00:00Z"}',
      ].join("\n"),
    );
    expect(describeDeadLetters([])).toBe("No dead letters.");
    expect(summary({ ...dead, ...sent("2026-11-26T07:00:00Z") })).toMatchObject({ error: undefined, body: dead.Body });
  });
});
