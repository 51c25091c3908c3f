import { DeleteMessageCommand, ReceiveMessageCommand, SendMessageCommand, SQSClient } from "@aws-sdk/client-sqs";
import { mockClient } from "aws-sdk-client-mock";
import { redriveMessages } from "../../../scripts/redrive/messages";

const JOBS = "https://sqs.eu-central-1.amazonaws.com/123456789012/almanac-staging-exports-jobs";

describe("redriving messages", () => {
  const sqs = mockClient(SQSClient);
  beforeEach(() => {
    sqs.reset();
    const Messages = [{ MessageId: "1", ReceiptHandle: "receipt-1", Body: '{"application":"shop"}' }];
    sqs.on(ReceiveMessageCommand).resolvesOnce({ Messages }).resolves({});
  });
  const redrive = () =>
    redriveMessages("dead-letters", JOBS, { sqs: new SQSClient(), now: () => 0, onProgress: () => undefined });

  it("sends each one back to its queue as it was, and then deletes it", async () => {
    await expect(redrive()).resolves.toEqual({ sent: 1, left: 0 });
    expect(sqs.commandCalls(SendMessageCommand).map(({ args: [{ input }] }) => input)).toEqual([
      { QueueUrl: JOBS, MessageBody: '{"application":"shop"}', MessageAttributes: undefined },
    ]);
    expect(sqs.commandCalls(DeleteMessageCommand)[0]?.args[0].input.ReceiptHandle).toBe("receipt-1");
  });

  it("keeps what the queue does not take", async () => {
    sqs.on(SendMessageCommand).rejects(new Error("throttled"));
    await expect(redrive()).rejects.toThrow("throttled");
    expect(sqs.commandCalls(DeleteMessageCommand)).toEqual([]);
  });
});
