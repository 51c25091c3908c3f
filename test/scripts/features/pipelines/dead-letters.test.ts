import { DeleteMessageCommand, ReceiveMessageCommand, SQSClient } from "@aws-sdk/client-sqs";
import { mockClient } from "aws-sdk-client-mock";
import {
  describeLetter,
  describeList,
  errorsOf,
  listDeadLetters,
} from "../../../../scripts/features/pipelines/dead-letters";
import { redriveDeadLetters } from "../../../../scripts/features/redrive/dead-letters";

const sqs = mockClient(SQSClient);
beforeEach(() => sqs.reset());

const message = (id: string, Body: string) => ({
  MessageId: id,
  ReceiptHandle: `receipt-${id}`,
  Body,
  Attributes: { SentTimestamp: "1795248000000" },
});

describe("the dead letters of a pipeline", () => {
  const list = () =>
    listDeadLetters({
      sqs: new SQSClient({}),
      deadLetterQueueUrl: "dlq",
      notifications: {
        pipeline: "jobOrder",
        table: {
          readSetAside: () =>
            Promise.resolve([
              {
                position: "2026-11-20T00:00:00.000Z#jobOrder#1",
                fault: "key: is missing",
                item: { notification: { S: "{}" } },
              },
            ]),
        },
      },
    });

  it("are messages, changes and notifications, the oldest first, each with its body and cause", async () => {
    const changes = {
      requestContext: { condition: "RetryAttemptsExhausted" },
      DDBStreamBatchInfo: { shardId: "shard-1", startSequenceNumber: "1", endSequenceNumber: "2" },
    };
    sqs
      .on(ReceiveMessageCommand)
      .resolvesOnce({ Messages: [message("m-1", "{ poison\u001b[31m"), message("m-2", JSON.stringify(changes))] })
      .resolves({});
    const letters = await list();
    expect(letters.map(({ kind }) => kind)).toEqual(["notification", "message", "changes"]);
    expect(describeList(letters)).toContain("2026-11-20T00:00:00.000Z#jobOrder#1  key: is missing");
    const [, poison, lost] = letters;
    if (poison === undefined || lost === undefined) throw new Error("too few");
    const lines = ['{"messageId":"m-1","error":{"name":"MalformedMessageError","message":"is not JSON"}}', "START"];
    const shown = describeLetter(poison, errorsOf(lines));
    expect(shown).toContain("cause: MalformedMessageError: is not JSON");
    expect(shown).toContain("{ poison");
    expect(shown).not.toContain("\u001b");
    expect(describeLetter(lost, [])).toContain("shard-1");
  });

  it("go back one by one: the others stay", async () => {
    sqs
      .on(ReceiveMessageCommand)
      .resolvesOnce({ Messages: [message("m-1", "a")] })
      .resolvesOnce({ Messages: [message("m-2", "b")] })
      .resolves({});
    const sent: string[] = [];
    const result = await redriveDeadLetters(
      "dlq",
      ({ MessageId = "" }) => ({ to: "queue", send: () => Promise.resolve(sent.push(MessageId)) }),
      { sqs: new SQSClient({}), now: () => 1_800_000_000_000, onProgress: () => undefined, only: "m-2" },
    );
    expect([result, sent]).toEqual([{ sent: 1, left: 0 }, ["m-2"]]);
    expect(sqs.commandCalls(DeleteMessageCommand)).toHaveLength(1);
  });
});
