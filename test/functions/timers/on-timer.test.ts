import {
  BatchGetItemCommand,
  ConditionalCheckFailedException,
  DeleteItemCommand,
  DynamoDBClient,
  UpdateItemCommand,
} from "@aws-sdk/client-dynamodb";
import { ChangeMessageVisibilityCommand, SQSClient } from "@aws-sdk/client-sqs";
import { mockClient } from "aws-sdk-client-mock";

import { onTimer, type OnTimerOptions, type TimerHandler } from "../../../functions/timers/on-timer";
import { timerRow } from "../../../functions/timers/storage/timer-row";
import { lambdaContext, setupHandler } from "../../support/lambda";
import { storedTimer } from "../../support/timers";

const TABLE = "almanac-test-timers";
const QUEUE = "https://sqs.eu-central-1.amazonaws.com/123456789012/fires";
const DUE = Date.parse("2026-11-21T07:05:00Z");

const dynamodb = mockClient(DynamoDBClient);
const sqs = mockClient(SQSClient);

const output = setupHandler("timers", { TIMERS_TABLE: TABLE, FIRES_QUEUE: QUEUE });
beforeEach(() => {
  jest.spyOn(Date, "now").mockReturnValue(DUE + 40);
  dynamodb.reset();
  sqs.reset();
  dynamodb.on(BatchGetItemCommand).resolves({ Responses: { [TABLE]: [timerRow(storedTimer(), undefined)] } });
  sqs.on(ChangeMessageVisibilityCommand).resolves({});
});

/** A record as Lambda hands it over: of a fire of the timer `tea`, unless something of it is said. */
function record(messageId: string, told: Readonly<Record<string, string>> = {}, fields: object = {}) {
  const attributes = {
    timerKind: "periodic",
    timerId: "tea",
    timerVersion: "v1",
    shardId: "shard0",
    dueAt: "2026-11-21T07:05:00.000Z",
    fireId: "periodic#tea#v1#2026-11-21T07:05:00.000Z",
    ...told,
  };
  return {
    messageId,
    receiptHandle: `receipt-${messageId}`,
    body: '{"order":12345678901234567890}',
    attributes: { ApproximateReceiveCount: "1", SentTimestamp: "1" },
    messageAttributes: Object.fromEntries(
      Object.entries(attributes).map(([name, stringValue]) => [name, { stringValue, dataType: "String" }]),
    ),
    eventSource: "aws:sqs",
    ...fields,
  };
}

const someHandler = () => jest.fn<ReturnType<TimerHandler>, Parameters<TimerHandler>>();
const deliver = (handler: TimerHandler, records: readonly object[], options?: OnTimerOptions) =>
  onTimer(handler, options)({ Records: records }, lambdaContext());
const again = (...ids: readonly string[]) => ({
  batchItemFailures: ids.map((itemIdentifier) => ({ itemIdentifier })),
});
const putOff = () =>
  sqs
    .commandCalls(ChangeMessageVisibilityCommand)
    .map(({ args: [{ input }] }) => [input.ReceiptHandle, input.VisibilityTimeout]);

describe("a callback made by onTimer", () => {
  it("is told all about the fire, its data parsed and to the letter", async () => {
    const handler = someHandler();
    expect(await deliver(handler, [record("1")])).toEqual(again());
    expect(handler.mock.calls).toEqual([
      [
        {
          kind: "periodic",
          id: "tea",
          fireId: "periodic#tea#v1#2026-11-21T07:05:00.000Z",
          version: "v1",
          shard: "shard0",
          due: new Date(DUE),
          data: { order: 12345678901234567000 },
          text: '{"order":12345678901234567890}',
        },
        { logger: expect.anything() as unknown },
      ],
    ]);
    expect(output.lines()).toContainEqual(expect.objectContaining({ fired: 1 }));
    expect(output.lines()).toContainEqual(expect.objectContaining({ late: 40 }));
  });

  it("is not called where the timer is deleted, replaced or disabled; the message is done with", async () => {
    const stored = timerRow(storedTimer({ version: "v2" }), undefined);
    const disabled = timerRow(storedTimer({ id: "milk", enabled: false }), undefined);
    dynamodb.on(BatchGetItemCommand).resolves({ Responses: { [TABLE]: [stored, disabled] } });
    const handler = someHandler();
    const records = [record("1"), record("2", { timerId: "gone" }), record("3", { timerId: "milk" })];
    expect(await deliver(handler, records)).toEqual(again());
    expect(handler).not.toHaveBeenCalled();
    expect(output.lines()).toContainEqual(expect.objectContaining({ fenced: [1, 1, 1] }));
  });

  it.each<[string, object]>([
    ["no attributes", { messageAttributes: {} }],
    ["another kind", record("2", { timerKind: "weekly" })],
    ["no due time", record("2", { dueAt: "soon" })],
    ["no body", { body: undefined }],
  ])("fails a message that is no fire, alone: %s", async (_, fields) => {
    const handler = someHandler();
    expect(await deliver(handler, [record("1"), { ...record("2"), ...fields }])).toEqual(again("2"));
    expect(handler).toHaveBeenCalledTimes(1);
    expect(output.lines()).toContainEqual(expect.objectContaining({ message: "not a fire", messageId: "2" }));
    // Neither its data nor anything else of it goes into the log.
    expect(JSON.stringify(output.lines())).not.toContain("12345678901234567890");
  });

  it("has what it throws come again, alone, and later each time", async () => {
    const handler: TimerHandler = ({ id }) => {
      if (id !== "tea") throw new Error("no milk");
    };
    const milk = timerRow(storedTimer({ id: "milk" }), undefined);
    const tea = timerRow(storedTimer(), undefined);
    dynamodb.on(BatchGetItemCommand).resolves({ Responses: { [TABLE]: [tea, milk] } });
    const received = (ApproximateReceiveCount: string) => ({ attributes: { ApproximateReceiveCount } });
    const records = [
      record("1"),
      record("2", { timerId: "milk" }, received("1")),
      record("3", { timerId: "milk" }, received("4")),
    ];
    const { batchItemFailures } = await deliver(handler, records);
    expect(batchItemFailures.map(({ itemIdentifier }) => itemIdentifier).sort()).toEqual(["2", "3"]);
    expect(putOff().sort()).toEqual([
      ["receipt-2", 2],
      ["receipt-3", 16],
    ]);
  });

  it("has data that is not JSON come again, as any failure", async () => {
    expect(await deliver(() => undefined, [record("1", {}, { body: "{" })])).toEqual(again("1"));
  });

  it("has all of it come again where the fence can't be asked", async () => {
    dynamodb.on(BatchGetItemCommand).rejects(new Error("no network"));
    const handler = someHandler();
    expect(await deliver(handler, [record("1"), record("2")])).toEqual(again("1", "2"));
    expect(handler).not.toHaveBeenCalled();
  });

  it("gives back what comes long before its time", async () => {
    jest.spyOn(Date, "now").mockReturnValue(DUE - 90_500);
    const handler = someHandler();
    expect(await deliver(handler, [record("1")])).toEqual(again("1"));
    expect([handler.mock.calls.length, putOff()]).toEqual([0, [["receipt-1", 90]]]);
  });

  it("is the next delivery's affair where a message can't be put off", async () => {
    sqs.on(ChangeMessageVisibilityCommand).rejects(new Error("no network"));
    const failing: TimerHandler = () => Promise.reject(new Error("no milk"));
    expect(await deliver(failing, [record("1")])).toEqual(again("1"));
  });

  it("fails as a whole on what is no event of a queue", async () => {
    await expect(onTimer(() => undefined)({ id: "a tick" }, lambdaContext())).rejects.toThrow("Records");
  });
});

describe("a callback that asks for exactly-once", () => {
  const lost = (Item: NonNullable<ConditionalCheckFailedException["Item"]>) =>
    new ConditionalCheckFailedException({ message: "no", $metadata: {}, Item });
  const updates = () =>
    dynamodb.commandCalls(UpdateItemCommand).map(({ args: [{ input }] }) => input.UpdateExpression?.split(" =")[0]);
  const exactlyOnce = { exactlyOnce: true };

  it("claims the fire, is given its completion, and notes that it is done", async () => {
    dynamodb.on(UpdateItemCommand).resolves({});
    const handler = someHandler();
    expect(await deliver(handler, [record("1")], exactlyOnce)).toEqual(again());
    expect(updates()).toEqual(["SET leaseOwner", "SET #done"]);
    expect(handler.mock.calls[0]?.[1].completion?.Update).toMatchObject({
      TableName: TABLE,
      Key: { timer: { S: "claim#periodic#tea#v1#2026-11-21T07:05:00.000Z" } },
    });
  });

  it("is not called for what is done", async () => {
    dynamodb.on(UpdateItemCommand).rejects(lost({ done: { BOOL: true } }));
    const handler = someHandler();
    expect(await deliver(handler, [record("1")], exactlyOnce)).toEqual(again());
    expect(handler).not.toHaveBeenCalled();
    expect(output.lines()).toContainEqual(expect.objectContaining({ duplicates: 1 }));
  });

  it("looks again at what somebody else has claimed, once that claim is over", async () => {
    dynamodb.on(UpdateItemCommand).rejects(lost({ leaseUntil: { N: String(DUE + 40 + 20_000) } }));
    const handler = someHandler();
    expect(await deliver(handler, [record("1")], exactlyOnce)).toEqual(again("1"));
    expect([handler.mock.calls.length, putOff()]).toEqual([0, [["receipt-1", 21]]]);
  });

  it("gives its claim back where it fails", async () => {
    dynamodb.on(UpdateItemCommand).resolves({}).on(DeleteItemCommand).resolves({});
    const failing: TimerHandler = () => Promise.reject(new Error("no milk"));
    expect(await deliver(failing, [record("1")], exactlyOnce)).toEqual(again("1"));
    expect(updates()).toEqual(["SET leaseOwner"]);
    expect(dynamodb.commandCalls(DeleteItemCommand)).toHaveLength(1);
  });
});
