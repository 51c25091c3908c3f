import { IncompleteAnswerError, sqsSender } from "../../../../functions/timers/queue/sqs-sender";
import { fire } from "../../../support/timers";

const QUEUE = "https://sqs.eu-central-1.amazonaws.com/123456789012/fires";

function setUp(answer: unknown) {
  const asked: [target: string, body: unknown][] = [];
  const call = (target: string, body: string) => {
    asked.push([target, JSON.parse(body)]);
    return Promise.resolve(JSON.stringify(answer));
  };
  return { send: sqsSender({ call, close: () => undefined }, QUEUE), asked };
}

const entries = (count: number) => Array.from({ length: count }, () => ({ fire: fire(), delaySeconds: 7 }));
const taken = (...ids: readonly number[]) =>
  ids.map((id) => ({ Id: String(id), MessageId: "m", MD5OfMessageBody: "0" }));

describe("a batch of fires on its way to SQS", () => {
  it("has the timer's data as its body, to the letter, and all that it is about in attributes", async () => {
    const { send, asked } = setUp({ Successful: taken(0) });
    expect(await send(entries(1))).toEqual([]);
    const text = (StringValue: string) => ({ DataType: "String", StringValue });
    expect(asked).toEqual([
      [
        "AmazonSQS.SendMessageBatch",
        {
          QueueUrl: QUEUE,
          Entries: [
            {
              Id: "0",
              MessageBody: '{"order":7}',
              DelaySeconds: 7,
              MessageAttributes: {
                timerKind: text("periodic"),
                timerId: text("tea"),
                timerVersion: text("v1"),
                shardId: text("shard0"),
                dueAt: text("2026-11-21T07:05:00.000Z"),
                fireId: text("periodic#tea#v1#2026-11-21T07:05:00.000Z"),
              },
            },
          ],
        },
      ],
    ]);
  });

  it.each([
    [{ SenderFault: false, Code: "InternalError", Message: "later" }, false, "InternalError: later"],
    [{ SenderFault: true, Code: "InvalidMessageContents" }, true, "InvalidMessageContents: "],
    // SQS holds whoever is throttled for the one to blame.
    [{ SenderFault: true, Code: "RequestThrottled", Message: "slow down" }, false, "RequestThrottled: slow down"],
    [{ SenderFault: true, Code: "KmsThrottled" }, false, "KmsThrottled: "],
  ])("tells what was not taken, and whether it ever will be: %j", async (failure, refused, reason) => {
    const { send } = setUp({ Successful: taken(0, 2), Failed: [{ Id: "1", ...failure }] });
    expect(await send(entries(3))).toEqual([{ index: 1, refused, reason }]);
  });

  it.each([{}, { Successful: taken(0) }, { Successful: taken(0, 1, 2) }])(
    "takes no answer about others for one: %j",
    async (answer) => {
      await expect(setUp(answer).send(entries(2))).rejects.toThrow(IncompleteAnswerError);
    },
  );

  it("fails where the request does", async () => {
    const call = () => Promise.reject(new Error("no network"));
    await expect(sqsSender({ call, close: () => undefined }, QUEUE)(entries(1))).rejects.toThrow("no network");
  });
});
