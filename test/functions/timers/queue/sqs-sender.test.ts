import { AwsJsonError } from "../../../../functions/shared/aws/aws-json";
import { deadLetterSender, IncompleteResponseError, sqsSender } from "../../../../functions/timers/queue/sqs-sender";
import { fire } from "../../../support/timers";
import fc from "../../../support/fast-check";

const QUEUE = "https://sqs.eu-central-1.amazonaws.com/123456789012/fires";

function setUp(response: unknown) {
  const requests: [target: string, body: unknown][] = [];
  const call = (target: string, body: string) => {
    requests.push([target, JSON.parse(body)]);
    return Promise.resolve(JSON.stringify(response));
  };
  return { send: sqsSender({ call, close: () => undefined }, { default: { queueUrl: QUEUE } }), requests };
}

const entries = (count: number) => Array.from({ length: count }, () => ({ fire: fire(), delaySeconds: 7 }));
const successful = (...ids: readonly number[]) =>
  ids.map((id) => ({ Id: String(id), MessageId: "m", MD5OfMessageBody: "0" }));

describe("a batch of fires sent to SQS", () => {
  it("has the timer's data unchanged as its body, and the rest as attributes", async () => {
    const { send, requests } = setUp({ Successful: successful(0) });
    expect(await send(entries(1), Infinity, "default")).toEqual([]);
    const text = (StringValue: string) => ({ DataType: "String", StringValue });
    expect(requests).toEqual([
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
    // SQS reports throttling as a fault of the sender.
    [{ SenderFault: true, Code: "RequestThrottled", Message: "slow down" }, false, "RequestThrottled: slow down"],
    [{ SenderFault: true, Code: "KmsThrottled" }, false, "KmsThrottled: "],
    // What an administrator mends: no fire is lost meanwhile.
    [{ SenderFault: true, Code: "KmsAccessDenied" }, false, "KmsAccessDenied: ", true],
    [{ SenderFault: true, Code: "KMS.DisabledException" }, false, "KMS.DisabledException: ", true],
    [
      { SenderFault: true, Code: "AWS.SimpleQueueService.NonExistentQueue" },
      false,
      "AWS.SimpleQueueService.NonExistentQueue: ",
      true,
    ],
    [{ SenderFault: true, Code: "InvalidSecurity" }, false, "InvalidSecurity: ", true],
    [{ SenderFault: true, Code: "InvalidParameterValue" }, true, "InvalidParameterValue: "],
  ])(
    "reports failed entries, and whether they are rejected, or the queue refuses all: %j",
    async (failure, isRejected, reason, isRefused = false) => {
      const { send } = setUp({ Successful: successful(0, 2), Failed: [{ Id: "1", ...failure }] });
      expect(await send(entries(3), Infinity, "default")).toEqual([{ index: 1, isRejected, isRefused, reason }]);
    },
  );

  it.each([
    ["AccessDenied", 403, true],
    ["QueueDoesNotExist", 400, true],
    ["KmsAccessDenied", 400, true],
    ["RequestThrottled", 400, false],
    ["KmsThrottled", 400, false],
    ["InternalFailure", 500, false],
    ["UnknownError", 429, false],
  ])("tells a queue that refuses from one that cannot answer now: %s, %i", async (name, status, refuses) => {
    const call = () => Promise.reject(new AwsJsonError(name, "no", status));
    const send = sqsSender({ call, close: () => undefined }, { billing: { queueUrl: QUEUE } });
    await expect(send(entries(1), Infinity, "billing")).rejects.toMatchObject(
      refuses ? { name: "QueueRefusesError", callback: "billing" } : { name },
    );
  });

  it("keeps the fires of a callback that is not configured any more, as those of a queue that refuses", async () => {
    const sent = setUp({ Successful: successful(0) }).send(entries(1), Infinity, "billing");
    await expect(sent).rejects.toMatchObject({ name: "QueueRefusesError", callback: "billing" });
  });

  it("names a dead-letter queue as what it is", async () => {
    const call = () => Promise.reject(new AwsJsonError("KmsAccessDenied", "no", 400));
    const send = deadLetterSender({ call, close: () => undefined }, QUEUE);
    await expect(send(fire(), Infinity)).rejects.toThrow("the dead-letter queue refuses messages: KmsAccessDenied: no");
  });

  const failure = { Id: "1", SenderFault: false, Code: "InternalError" };
  it.each([
    {},
    { Successful: successful(0) },
    { Successful: successful(0, 1, 2) },
    { Successful: successful(0, 1), Failed: [failure] },
  ])("rejects a response that does not cover every entry: %j", async (response) => {
    await expect(setUp(response).send(entries(2), Infinity, "default")).rejects.toThrow(IncompleteResponseError);
  });

  it("is JSON, whatever a row contains", async () => {
    const text = fc.oneof(
      fc.string(),
      fc.string({ unit: "grapheme" }),
      fc.constantFrom('"', "\\", "\u2028", "a:b.c-d_E"),
    );
    const hostile = fc.record({ id: text, version: text, shard: text, fireId: text, data: text });
    await fc.assert(
      fc.asyncProperty(hostile, async (fields) => {
        const { send, requests } = setUp({ Successful: successful(0), Failed: [] });
        await send([{ fire: fire(fields), delaySeconds: 0 }], Infinity, "default");
        const values = {
          timerId: fields.id,
          timerVersion: fields.version,
          shardId: fields.shard,
          fireId: fields.fireId,
        };
        expect(requests).toMatchObject([
          [
            "AmazonSQS.SendMessageBatch",
            {
              Entries: [
                {
                  MessageBody: fields.data,
                  MessageAttributes: Object.fromEntries(
                    Object.entries(values).map(([name, StringValue]) => [name, { DataType: "String", StringValue }]),
                  ),
                },
              ],
            },
          ],
        ]);
      }),
    );
  });

  it.each([{ Successful: [7, 8] }, { Successful: "no" }, [], null, { Successful: successful(0, 1), Failed: 7 }])(
    "rejects what is no response: %j",
    async (response) => {
      const result = setUp(response).send(entries(3), Infinity, "default");
      await expect(result).rejects.toThrow();
    },
  );

  it("fails when the request fails", async () => {
    const call = () => Promise.reject(new Error("no network"));
    await expect(
      sqsSender({ call, close: () => undefined }, { default: { queueUrl: QUEUE } })(entries(1), Infinity, "default"),
    ).rejects.toThrow("no network");
  });
});
