import {
  BatchGetItemCommand,
  BatchWriteItemCommand,
  ConditionalCheckFailedException,
  DeleteItemCommand,
  DynamoDBClient,
  PutItemCommand,
  UpdateItemCommand,
} from "@aws-sdk/client-dynamodb";
import { ChangeMessageVisibilityCommand, SendMessageBatchCommand, SQSClient } from "@aws-sdk/client-sqs";
import { mockClient } from "aws-sdk-client-mock";

import { onTimer, type OnTimerOptions, type TimerHandler } from "../../../functions/timers/on-timer";
import type { StoredTimer, TimerOptions } from "../../../functions/timers/schedule/timer";
import { timerRow } from "../../../functions/timers/storage/timer-row";
import { sdkJson } from "../../support/sdk-json";
import { lambdaContext, setupHandler } from "../../support/lambda";
import { storedTimer } from "../../support/timers";

jest.mock("../../../functions/shared/aws/clients/aws-json", () => ({ createAwsJsonClient: () => sdkJson() }));

const TABLE = "almanac-test-timers";
const QUEUE = "https://sqs.eu-central-1.amazonaws.com/123456789012/fires";
const DUE = Date.parse("2026-11-21T07:05:00Z");

const dynamodb = mockClient(DynamoDBClient);
const sqs = mockClient(SQSClient);

const output = setupHandler("timers", {
  TIMERS_TABLE: TABLE,
  FIRES_QUEUE_URL: QUEUE,
  FIRES_DEAD_LETTER_QUEUE_URL: `${QUEUE}-dlq`,
  CLAIMS_TABLE: "almanac-test-timers-claims",
  HISTORY_TABLE: "almanac-test-timers-history",
  HISTORY: "false",
});
beforeEach(() => {
  jest.spyOn(Date, "now").mockReturnValue(DUE + 40);
  dynamodb.reset();
  sqs.reset();
  dynamodb.on(BatchGetItemCommand).resolves({ Responses: { [TABLE]: [timerRow(storedTimer(), undefined)] } });
  sqs.on(ChangeMessageVisibilityCommand).resolves({});
});

/** A record of Lambda's SQS event, by default a fire of the timer `tea`. */
function record(messageId: string, changed: Readonly<Record<string, string>> = {}, fields: object = {}) {
  const attributes = {
    timerKind: "periodic",
    timerId: "tea",
    timerVersion: "v1",
    shardId: "shard0",
    dueAt: "2026-11-21T07:05:00.000Z",
    fireId: "periodic#tea#v1#2026-11-21T07:05:00.000Z",
    ...changed,
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
const failed = (...ids: readonly string[]) => ({
  batchItemFailures: ids.map((itemIdentifier) => ({ itemIdentifier })),
});
const visibilityChanges = () =>
  sqs
    .commandCalls(ChangeMessageVisibilityCommand)
    .map(({ args: [{ input }] }) => [input.ReceiptHandle, input.VisibilityTimeout]);

describe("a callback made by onTimer", () => {
  it("receives the fire, with its data parsed and as text", async () => {
    const handler = someHandler();
    expect(await deliver(handler, [record("1")])).toEqual(failed());
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
    expect(output.lines()).toContainEqual(expect.objectContaining({ lateness: 40 }));
  });

  it("is not called when the timer is deleted, replaced or disabled; the message is deleted", async () => {
    const stored = timerRow(storedTimer({ version: "v2" }), undefined);
    const disabled = timerRow(storedTimer({ id: "milk", enabled: false }), undefined);
    dynamodb.on(BatchGetItemCommand).resolves({ Responses: { [TABLE]: [stored, disabled] } });
    const handler = someHandler();
    const records = [record("1"), record("2", { timerId: "gone" }), record("3", { timerId: "milk" })];
    expect(await deliver(handler, records)).toEqual(failed());
    expect(handler).not.toHaveBeenCalled();
    expect(output.lines()).toContainEqual(expect.objectContaining({ fenced: [1, 1, 1] }));
  });

  it("is called for fires that were enqueued before the timer moved to another callback, and for no later ones", async () => {
    const moved = [
      { version: "v0", until: DUE - 1 },
      { version: "v1", until: DUE },
    ];
    const stored = timerRow(storedTimer({ version: "v2", options: { callback: "billing" }, moved }), undefined);
    dynamodb.on(BatchGetItemCommand).resolves({ Responses: { [TABLE]: [stored] } });
    const handler = someHandler();
    const before = record("1");
    const byRequest = record("2", { timerVersion: "v0", fireId: "periodic#tea#v0#now-2026#x" });
    const later = record("3", { timerVersion: "v0" });
    expect(await deliver(handler, [before, byRequest, later])).toEqual(failed());
    expect(handler.mock.calls.map(([{ fireId }]) => fireId)).toEqual([
      "periodic#tea#v1#2026-11-21T07:05:00.000Z",
      "periodic#tea#v0#now-2026#x",
    ]);
    expect(output.lines()).toContainEqual(expect.objectContaining({ fenced: 1 }));
  });

  it.each<[string, object]>([
    ["no attributes", { messageAttributes: {} }],
    ["another kind", record("2", { timerKind: "weekly" })],
    ["no due time", record("2", { dueAt: "soon" })],
    ["no body", { body: undefined }],
  ])("fails only the invalid message: %s", async (_, fields) => {
    const handler = someHandler();
    expect(await deliver(handler, [record("1"), { ...record("2"), ...fields }])).toEqual(failed("2"));
    expect(handler).toHaveBeenCalledTimes(1);
    expect(output.lines()).toContainEqual(expect.objectContaining({ message: "invalid message", messageId: "2" }));
    // The log does not contain the message.
    expect(JSON.stringify(output.lines())).not.toContain("12345678901234567890");
  });

  it("retries only the failed fires, with growing delays", async () => {
    const handler: TimerHandler = ({ id }) => {
      if (id === "tea") return;
      const endless = new Error("no milk");
      endless.cause = endless;
      throw endless;
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
    expect(visibilityChanges().sort()).toEqual([
      ["receipt-2", 2],
      ["receipt-3", 16],
    ]);
  });

  it("retries a fire whose data is not JSON", async () => {
    expect(await deliver(() => undefined, [record("1", {}, { body: "{" })])).toEqual(failed("1"));
  });

  it("retries all fires when the timers cannot be read", async () => {
    dynamodb.on(BatchGetItemCommand).rejects(new Error("no network"));
    const handler = someHandler();
    expect(await deliver(handler, [record("1"), record("2")])).toEqual(failed("1", "2"));
    expect(handler).not.toHaveBeenCalled();
  });

  it("delays the redelivery of a fire that is early", async () => {
    jest.spyOn(Date, "now").mockReturnValue(DUE - 90_500);
    const handler = someHandler();
    expect(await deliver(handler, [record("1")])).toEqual(failed("1"));
    expect([handler.mock.calls.length, visibilityChanges()]).toEqual([0, [["receipt-1", 90]]]);
  });

  it("still fails the message when its visibility cannot be changed", async () => {
    sqs.on(ChangeMessageVisibilityCommand).rejects(new Error("no network"));
    const failing: TimerHandler = () => Promise.reject(new Error("no milk"));
    expect(await deliver(failing, [record("1")])).toEqual(failed("1"));
  });

  it("fails on an event that is not from SQS", async () => {
    await expect(onTimer(() => undefined)({ id: "a tick" }, lambdaContext())).rejects.toThrow("Records");
  });
});

describe("a callback of a timer with options", () => {
  const stored = (options: TimerOptions, fields: Partial<StoredTimer> = {}) => {
    const row = timerRow(storedTimer({ options, ...fields }), undefined);
    dynamodb.on(BatchGetItemCommand).resolves({ Responses: { [TABLE]: [row] } });
  };
  const received = (count: number) => ({ attributes: { ApproximateReceiveCount: String(count) } });
  const failing: TimerHandler = () => Promise.reject(new Error("no milk"));
  const running = (fireId: string, owner: string) =>
    new ConditionalCheckFailedException({
      message: "no",
      $metadata: {},
      Item: { running: { S: fireId }, leaseOwner: { S: owner }, leaseUntil: { N: String(DUE + 40 + 20_000) } },
    });
  const deadLetters = () =>
    sqs.commandCalls(SendMessageBatchCommand).map(({ args: [{ input }] }) => [input.QueueUrl, input.Entries?.[0]]);
  beforeEach(() => {
    sqs.on(SendMessageBatchCommand).resolves({ Successful: [{ Id: "0", MessageId: "m", MD5OfMessageBody: "0" }] });
    dynamodb.on(BatchWriteItemCommand).resolves({}).on(PutItemCommand).resolves({}).on(UpdateItemCommand).resolves({});
  });

  it("sends a fire to the dead letters after the last attempt of its retry, unchanged", async () => {
    stored({ maxAttempts: 3 });
    const handler = jest.fn(failing);
    expect(await deliver(handler, [record("1", {}, received(2))])).toEqual(failed("1"));
    expect(deadLetters()).toEqual([]);
    expect(await deliver(handler, [record("1", {}, received(3))])).toEqual(failed());
    expect(handler).toHaveBeenCalledTimes(2);
    expect(deadLetters()).toMatchObject([
      [
        `${QUEUE}-dlq`,
        {
          MessageBody: '{"order":12345678901234567890}',
          MessageAttributes: { fireId: { StringValue: "periodic#tea#v1#2026-11-21T07:05:00.000Z" } },
        },
      ],
    ]);
  });

  it("gives up after eight attempts by default, also when the attempts did not end", async () => {
    expect(await deliver(failing, [record("1", {}, received(7))])).toEqual(failed("1"));
    expect(await deliver(failing, [record("1", {}, received(8))])).toEqual(failed());
    const handler = someHandler();
    expect(await deliver(handler, [record("1", {}, received(9))])).toEqual(failed());
    expect([handler.mock.calls.length, deadLetters().length]).toEqual([0, 2]);
  });

  it("retries a fire that the dead letters did not take", async () => {
    sqs.on(SendMessageBatchCommand).rejects(new Error("no network"));
    expect(await deliver(failing, [record("1", {}, received(8))])).toEqual(failed("1"));
  });

  it("is attempted until its maxAgeSeconds, inclusive", async () => {
    jest.spyOn(Date, "now").mockReturnValue(DUE + 1_000);
    stored({ maxAgeSeconds: 5 });
    expect(await deliver(failing, [record("1", {}, received(2))])).toEqual(failed("1"));
    jest.spyOn(Date, "now").mockReturnValue(DUE + 1_001);
    expect(await deliver(failing, [record("1", {}, received(2))])).toEqual(failed());
  });

  it("gives up when the next attempt would be too old", async () => {
    stored({ maxAgeSeconds: 5 });
    expect(await deliver(failing, [record("1", {}, received(2))])).toEqual(failed("1"));
    expect(await deliver(failing, [record("1", {}, received(3))])).toEqual(failed());
    expect(deadLetters()).toHaveLength(1);
  });

  it.each<[TimerOptions, number, number]>([
    [{ catchUp: 60 }, 60_000, 1],
    [{ catchUp: 60 }, 60_001, 0],
    [{ catchUp: "latest" }, 3_599_999, 1],
    [{ catchUp: "latest" }, 3_600_000, 0],
    [{}, 86_400_000, 1],
  ])("with %j is called for a fire that is %i ms late: %i times", async (options, late, calls) => {
    stored(options);
    jest.spyOn(Date, "now").mockReturnValue(DUE + late);
    const handler = someHandler();
    expect(await deliver(handler, [record("1")])).toEqual(failed());
    expect(handler).toHaveBeenCalledTimes(calls);
    if (calls === 0) expect(output.lines()).toContainEqual(expect.objectContaining({ dropped: 1 }));
  });

  it("with overlap skip is not called while another fire runs, and releases the timer when it ends", async () => {
    stored({ overlap: "skip", history: true });
    const handler = someHandler();
    expect(await deliver(handler, [record("1")])).toEqual(failed());
    expect(
      dynamodb.commandCalls(UpdateItemCommand).map(({ args: [{ input }] }) => [input.Key, input.UpdateExpression]),
    ).toEqual([
      [
        { fireId: { S: "running#periodic#tea" } },
        "SET leaseOwner = :owner, leaseUntil = :until, #running = :fire, #ttl = :ttl",
      ],
      [{ fireId: { S: "running#periodic#tea" } }, "REMOVE leaseOwner, leaseUntil"],
    ]);
    dynamodb.on(UpdateItemCommand).rejects(running("periodic#tea#v1#2026-11-21T06:05:00.000Z", "run.1"));
    expect(await deliver(handler, [record("2")])).toEqual(failed());
    expect(output.lines()).toContainEqual(expect.objectContaining({ skipped: 1 }));
    dynamodb.on(UpdateItemCommand).rejects(running("periodic#tea#v1#2026-11-21T07:05:00.000Z", "run.1"));
    expect(await deliver(handler, [record("3")])).toEqual(failed());
    expect(output.lines()).toContainEqual(expect.objectContaining({ duplicates: 1 }));
    expect(handler).toHaveBeenCalledTimes(1);
    const outcomes = dynamodb.commandCalls(PutItemCommand).map(({ args: [{ input }] }) => input.Item?.["outcome"]);
    expect(outcomes).toEqual([{ S: "skipped" }]);
  });

  it("with overlap skip has its lease for longer than it may run, whatever other clocks say", async () => {
    stored({ overlap: "skip" });
    await deliver(someHandler(), [record("1")]);
    const until = dynamodb.commandCalls(UpdateItemCommand)[0]?.args[0].input.ExpressionAttributeValues?.[":until"]?.N;
    expect(Number(until)).toBe(Date.now() + lambdaContext().getRemainingTimeInMillis() + 6_000);
  });

  it("with overlap skip comes back when its own earlier attempt has ended: nothing says that it has succeeded", async () => {
    stored({ overlap: "skip" });
    dynamodb.on(UpdateItemCommand).rejects(running("periodic#tea#v1#2026-11-21T07:05:00.000Z", "run.1"));
    const handler = someHandler();
    expect(await deliver(handler, [record("1", {}, received(2))])).toEqual(failed("1"));
    expect([handler.mock.calls.length, visibilityChanges()]).toEqual([0, [["receipt-1", 21]]]);
  });

  it("with overlap skip is no dead letter before its lease is released: a redrive would be taken for a duplicate", async () => {
    stored({ overlap: "skip", maxAttempts: 1 });
    dynamodb.on(UpdateItemCommand).resolvesOnce({}).rejects(new Error("throttled"));
    expect(await deliver(failing, [record("1")])).toEqual(failed("1"));
    const seconds = Math.ceil(lambdaContext().getRemainingTimeInMillis() / 1_000) + 6 + 1;
    expect([deadLetters(), visibilityChanges()]).toEqual([[], [["receipt-1", seconds]]]);
    dynamodb.on(UpdateItemCommand).resolves({});
    expect(await deliver(failing, [record("1", {}, received(2))])).toEqual(failed());
    expect(deadLetters()).toHaveLength(1);
  });

  it.each([
    ["run.1", 0],
    ["run.2", 1],
  ])("with overlap skip, whose lease cannot be read, and is that of %s: %i dead letters", async (owner, letters) => {
    stored({ overlap: "skip", maxAttempts: 1 });
    dynamodb
      .on(UpdateItemCommand)
      .rejectsOnce(new Error("throttled"))
      .rejects(running("periodic#tea#v1#2026-11-21T07:05:00.000Z", owner));
    expect(await deliver(failing, [record("1", {}, received(9))])).toEqual(letters === 0 ? failed("1") : failed());
    expect([deadLetters().length, visibilityChanges().length]).toEqual([letters, 1 - letters]);
  });

  it("with overlap skip is a dead letter after its last attempt, also while another fire runs", async () => {
    stored({ overlap: "skip" });
    dynamodb.on(UpdateItemCommand).rejects(running("periodic#tea#v1#2026-11-21T08:05:00.000Z", "run.2"));
    expect(await deliver(someHandler(), [record("1", {}, received(9))])).toEqual(failed());
    expect(deadLetters()).toHaveLength(1);
  });

  it("does not retry a fire that is older than its maxAgeSeconds", async () => {
    stored({ maxAgeSeconds: 60 });
    jest.spyOn(Date, "now").mockReturnValue(DUE + 60_001);
    const handler = someHandler();
    expect(await deliver(handler, [record("1", {}, received(2))])).toEqual(failed());
    expect([handler.mock.calls.length, deadLetters().length]).toEqual([0, 1]);
    // A redrive.
    expect(await deliver(handler, [record("2", {}, received(1))])).toEqual(failed());
    expect(handler).toHaveBeenCalledTimes(1);
  });

  it("is called for a fire by request although the timer is paused", async () => {
    stored({}, { enabled: false });
    const handler = someHandler();
    const byRequest = { fireId: "periodic#tea#v1#now-key" };
    expect(await deliver(handler, [record("1"), record("2", byRequest)])).toEqual(failed());
    expect(handler.mock.calls.map(([{ fireId }]) => fireId)).toEqual(["periodic#tea#v1#now-key"]);
  });

  it("records what was observed: all that succeeded in one call, others without replacing a success", async () => {
    const history: TimerOptions = { history: true };
    const rows = ["tea", "milk"].map((id) => timerRow(storedTimer({ id, options: history }), undefined));
    dynamodb.on(BatchGetItemCommand).resolves({ Responses: { [TABLE]: rows } });
    const handler: TimerHandler = ({ id }) => {
      if (id === "milk") throw new Error("no milk");
    };
    const milk = { timerId: "milk", fireId: "periodic#milk#v1#2026-11-21T07:05:00.000Z" };
    await deliver(handler, [record("1"), record("2", {}), record("3", milk, received(2))]);
    const written = dynamodb.commandCalls(BatchWriteItemCommand).map(({ args: [{ input }] }) => input.RequestItems);
    expect(written).toMatchObject([
      {
        "almanac-test-timers-history": [
          {
            PutRequest: {
              Item: {
                timer: { S: "periodic#tea" },
                fire: { S: "2026-11-21T07:05:00.000Z#v1#2026-11-21T07:05:00.000Z" },
                outcome: { S: "succeeded" },
                attempts: { N: "1" },
                dueMs: { N: String(DUE) },
                firedMs: { N: String(DUE + 40) },
              },
            },
          },
        ],
      },
    ]);
    expect(dynamodb.commandCalls(PutItemCommand)[0]?.args[0].input).toMatchObject({
      Item: { timer: { S: "periodic#milk" }, outcome: { S: "failed" }, attempts: { N: "2" } },
      ConditionExpression: "attribute_not_exists(#outcome) OR #outcome <> :succeeded",
    });
  });

  it("succeeds although the history cannot be written", async () => {
    stored({ history: true });
    dynamodb.on(BatchWriteItemCommand).rejects(new Error("no network"));
    expect(await deliver(someHandler(), [record("1")])).toEqual(failed());
    expect(output.lines()).toContainEqual(
      expect.objectContaining({ message: "fires are missing in the history", fires: 1 }),
    );
  });

  it("records nothing by default: a fire costs no write", async () => {
    await deliver(someHandler(), [record("1")]);
    expect(
      [BatchWriteItemCommand, PutItemCommand].map((command) => dynamodb.commandCalls(command as never).length),
    ).toEqual([0, 0]);
  });
});

describe("a callback with exactlyOnce", () => {
  const conditionFailed = (Item: NonNullable<ConditionalCheckFailedException["Item"]>) =>
    new ConditionalCheckFailedException({ message: "no", $metadata: {}, Item });
  const updates = () =>
    dynamodb.commandCalls(UpdateItemCommand).map(({ args: [{ input }] }) => input.UpdateExpression?.split(" =")[0]);
  const exactlyOnce = { exactlyOnce: true };

  it("claims the fire, passes its completion to the handler, and completes it", async () => {
    dynamodb.on(UpdateItemCommand).resolves({});
    const handler = someHandler();
    expect(await deliver(handler, [record("1")], exactlyOnce)).toEqual(failed());
    expect(updates()).toEqual(["SET leaseOwner", "SET #completed"]);
    expect(handler.mock.calls[0]?.[1].completion?.Update).toMatchObject({
      TableName: "almanac-test-timers-claims",
      Key: { fireId: { S: "periodic#tea#v1#2026-11-21T07:05:00.000Z" } },
    });
  });

  it("is not called for a completed fire", async () => {
    dynamodb.on(UpdateItemCommand).rejects(conditionFailed({ completed: { BOOL: true } }));
    const handler = someHandler();
    expect(await deliver(handler, [record("1")], exactlyOnce)).toEqual(failed());
    expect(handler).not.toHaveBeenCalled();
    expect(output.lines()).toContainEqual(expect.objectContaining({ duplicates: 1 }));
  });

  it("is not called for a completed fire after its last attempt, which is no dead letter", async () => {
    dynamodb.on(UpdateItemCommand).rejects(conditionFailed({ completed: { BOOL: true } }));
    const handler = someHandler();
    const second = record("2", {}, { attributes: { ApproximateReceiveCount: "9" } });
    expect(await deliver(handler, [second], exactlyOnce)).toEqual(failed());
    expect([handler.mock.calls.length, sqs.commandCalls(SendMessageBatchCommand).length]).toEqual([0, 0]);
  });

  it("is not called once more after attempts that did not end, and releases its claim", async () => {
    dynamodb.on(UpdateItemCommand).resolves({}).on(DeleteItemCommand).resolves({});
    sqs.on(SendMessageBatchCommand).resolves({ Successful: [{ Id: "0", MessageId: "m", MD5OfMessageBody: "0" }] });
    const handler = someHandler();
    const spent = record("2", {}, { attributes: { ApproximateReceiveCount: "9" } });
    expect(await deliver(handler, [spent], exactlyOnce)).toEqual(failed());
    expect([handler.mock.calls.length, sqs.commandCalls(SendMessageBatchCommand).length]).toEqual([0, 1]);
    expect(dynamodb.commandCalls(DeleteItemCommand)).toHaveLength(1);
  });

  it("has its claim for longer than it may run, whatever other clocks say", async () => {
    dynamodb.on(UpdateItemCommand).resolves({});
    await deliver(someHandler(), [record("1")], exactlyOnce);
    const until = dynamodb.commandCalls(UpdateItemCommand)[0]?.args[0].input.ExpressionAttributeValues?.[":until"]?.N;
    expect(Number(until)).toBe(DUE + 40 + lambdaContext().getRemainingTimeInMillis() + 6_000);
  });

  it("redelivers a fire that is in progress once its claim expires", async () => {
    dynamodb.on(UpdateItemCommand).rejects(conditionFailed({ leaseUntil: { N: String(DUE + 40 + 20_000) } }));
    const handler = someHandler();
    expect(await deliver(handler, [record("1")], exactlyOnce)).toEqual(failed("1"));
    expect([handler.mock.calls.length, visibilityChanges()]).toEqual([0, [["receipt-1", 21]]]);
  });

  it("releases its claim when it fails", async () => {
    dynamodb.on(UpdateItemCommand).resolves({}).on(DeleteItemCommand).resolves({});
    const failing: TimerHandler = () => Promise.reject(new Error("no milk"));
    expect(await deliver(failing, [record("1")], exactlyOnce)).toEqual(failed("1"));
    expect(updates()).toEqual(["SET leaseOwner"]);
    expect(dynamodb.commandCalls(DeleteItemCommand)).toHaveLength(1);
  });
});
