import { InvokeCommand, LambdaClient } from "@aws-sdk/client-lambda";
import { DeleteMessageCommand, ReceiveMessageCommand, SQSClient, type Message } from "@aws-sdk/client-sqs";
import { mockClient } from "aws-sdk-client-mock";
import { readDeadLetter, redriveInvocations } from "../../../../scripts/features/redrive/invocations";

const FUNCTION = "arn:aws:lambda:eu-central-1:123456789012:function:almanac-staging-heartbeats-check";
const failed = (id: string) => ({
  MessageId: id,
  ReceiptHandle: `receipt-${id}`,
  Body: JSON.stringify({ requestContext: { functionArn: `${FUNCTION}:$LATEST` }, requestPayload: { id } }),
});

describe("a dead letter", () => {
  it("is Lambda's record of an invocation that failed", () => {
    expect(readDeadLetter(failed("1"))).toEqual({ functionArn: FUNCTION, event: { id: "1" } });
  });

  it("is an event that EventBridge could not hand over", () => {
    const message = {
      Body: '{"id":"2"}',
      MessageAttributes: { TARGET_ARN: { DataType: "String", StringValue: FUNCTION } },
    };
    expect(readDeadLetter(message)).toEqual({ functionArn: FUNCTION, event: { id: "2" } });
  });

  it.each(["", "not JSON", '{"id":"3"}'])("is nothing else: %j", (Body) => {
    expect(readDeadLetter({ Body })).toBeUndefined();
  });
});

describe("redriving", () => {
  const sqs = mockClient(SQSClient);
  const lambda = mockClient(LambdaClient);
  beforeEach(() => {
    sqs.reset();
    lambda.reset();
  });
  const STARTED_AT = 1_000;
  const sentAt = (time: number) => ({ Attributes: { SentTimestamp: String(time) } });
  /** What the queue answers with, one receive after the other, and then nothing. */
  const answers = (...receives: readonly Message[][]) => {
    receives.reduce((on, Messages) => on.resolvesOnce({ Messages }), sqs.on(ReceiveMessageCommand)).resolves({});
  };
  const redrive = () =>
    redriveInvocations("queue", {
      sqs: new SQSClient(),
      lambda: new LambdaClient(),
      now: () => STARTED_AT,
      onProgress: () => undefined,
    });
  const payloads = () =>
    lambda
      .commandCalls(InvokeCommand)
      .map(({ args: [{ input }] }) => Buffer.from(input.Payload as Uint8Array).toString());

  it("sends each event back once, and then deletes it, though SQS now and then sees nothing", async () => {
    answers([failed("1"), failed("2")], [], [failed("3")]);
    await expect(redrive()).resolves.toEqual({ sent: 3, left: 0 });
    expect(payloads()).toEqual(['{"id":"1"}', '{"id":"2"}', '{"id":"3"}']);
    expect(sqs.commandCalls(DeleteMessageCommand)).toHaveLength(3);
  });

  it("leaves what has failed again meanwhile: it comes to an end", async () => {
    sqs.on(ReceiveMessageCommand).resolves({ Messages: [{ ...failed("again"), ...sentAt(STARTED_AT + 1) }] });
    await expect(redrive()).resolves.toEqual({ sent: 0, left: 1 });
    expect(payloads()).toEqual([]);
  });

  it("keeps what Lambda does not take", async () => {
    answers([failed("1")]);
    lambda.on(InvokeCommand).rejects(new Error("throttled"));
    await expect(redrive()).rejects.toThrow("throttled");
    expect(sqs.commandCalls(DeleteMessageCommand)).toHaveLength(0);
  });

  it("keeps what nobody understands, and says how many", async () => {
    answers([{ MessageId: "1", Body: "?" }]);
    await expect(redrive()).resolves.toEqual({ sent: 0, left: 1 });
    expect(sqs.commandCalls(DeleteMessageCommand)).toHaveLength(0);
  });
});
