import {
  BatchExecuteStatementCommand,
  BatchGetItemCommand,
  ConditionalCheckFailedException,
  DeleteItemCommand,
  DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  QueryCommand,
  UpdateItemCommand,
  type BatchStatementErrorCodeEnum,
} from "@aws-sdk/client-dynamodb";
import { mockClient } from "aws-sdk-client-mock";

import { rowKey, timerRow } from "../../../../functions/timers/storage/timer-row";
import { TimerChangedError, timerTable, type Advance } from "../../../../functions/timers/storage/timer-table";
import { sdkJson } from "../../../support/sdk-json";
import { storedTimer } from "../../../support/timers";
import { virtualClock } from "../../../support/virtual-clock";

const TABLE = "almanac-test-timers";
const timer = storedTimer();
const row = timerRow(timer, undefined);
const indexKey = { slot: "shard0#every#3600", dueMs: 300_000 };
const conditionFailed = new ConditionalCheckFailedException({
  message: "The conditional request failed",
  $metadata: {},
});

const dynamodb = mockClient(DynamoDBClient);
beforeEach(() => dynamodb.reset());
const table = () => timerTable(sdkJson(), TABLE, { clock: virtualClock(), random: () => 0.5 });

describe("the table of timers", () => {
  it("reads a timer strongly consistently, or undefined", async () => {
    dynamodb.on(GetItemCommand).resolvesOnce({ Item: row }).resolves({});
    expect([await table().get(timer), await table().get(timer)]).toEqual([timer, undefined]);
    expect(dynamodb.commandCalls(GetItemCommand)[0]?.args[0].input).toEqual({
      TableName: TABLE,
      Key: rowKey("periodic#tea"),
      ConsistentRead: true,
    });
  });

  describe("reads many", () => {
    const requests = () =>
      dynamodb
        .commandCalls(BatchGetItemCommand)
        .map(({ args: [{ input }] }) => input.RequestItems?.[TABLE]?.Keys?.map(({ timer }) => timer?.S));

    it("up to a hundred per call, without duplicates", async () => {
      dynamodb.on(BatchGetItemCommand).resolves({});
      const ids = Array.from({ length: 150 }, (_, index) => storedTimer({ id: `t${index}` }));
      expect(await table().getMany([...ids, ...ids])).toEqual({ timers: [], corrupt: [] });
      expect(requests().map((keys) => keys?.length)).toEqual([100, 50]);
      expect(dynamodb.commandCalls(BatchGetItemCommand)[0]?.args[0].input).toMatchObject({
        RequestItems: { [TABLE]: { ConsistentRead: true } },
      });
    });

    it("and retries unprocessed keys", async () => {
      const Keys = [rowKey("oneshot#egg")];
      const egg = storedTimer({ kind: "oneshot", id: "egg", schedule: { kind: "once", at: 5 } });
      dynamodb
        .on(BatchGetItemCommand)
        .resolvesOnce({ Responses: { [TABLE]: [row] }, UnprocessedKeys: { [TABLE]: { Keys } } })
        .resolves({ Responses: { [TABLE]: [timerRow(egg, undefined)] } });
      expect(await table().getMany([timer, egg])).toEqual({ timers: [timer, egg], corrupt: [] });
      expect(requests()).toEqual([["periodic#tea", "oneshot#egg"], ["oneshot#egg"]]);
    });

    it("and fails when some cannot be read: they must not count as deleted", async () => {
      const Keys = [rowKey("periodic#tea")];
      dynamodb.on(BatchGetItemCommand).resolves({ UnprocessedKeys: { [TABLE]: { Keys } } });
      await expect(table().getMany([timer])).rejects.toThrow("1 timers could not be read");
    });
  });

  describe("lists", () => {
    const queries = () => dynamodb.commandCalls(QueryCommand).map(({ args: [{ input }] }) => input);
    const broken = { ...rowKey("periodic#broken") };

    it("one kind by prefix, page by page, and a row that cannot be read", async () => {
      dynamodb.on(QueryCommand).resolves({ Items: [row, broken], LastEvaluatedKey: rowKey("periodic#broken") });
      const partition = { kind: "periodic", partition: 3, prefix: "t" } as const;
      expect(await table().list(partition, 7, { sort: "periodic#a" })).toEqual({
        timers: [timer],
        keys: [{ sort: "periodic#tea" }],
        corrupt: [{ kind: "periodic", id: "broken", error: expect.any(Error) as unknown }],
        next: { sort: "periodic#broken" },
      });
      expect(queries()).toMatchObject([
        {
          Limit: 7,
          ConsistentRead: true,
          ExclusiveStartKey: rowKey("periodic#a"),
          ExpressionAttributeValues: { ":partition": { S: "periodic#3" }, ":prefix": { S: "periodic#t" } },
        },
      ]);
    });

    it("a slot of the index by due time", async () => {
      const egg = storedTimer({ kind: "oneshot", id: "egg", schedule: { kind: "once", at: 5 } });
      dynamodb.on(QueryCommand).resolves({ Items: [timerRow(egg, { slot: "shard0#once", dueMs: 5 })] });
      const slot = { slot: "shard0#once", from: 3, to: 9 };
      expect(await table().list(slot, 7, { sort: "oneshot#a", dueMs: 4 })).toEqual({
        timers: [egg],
        keys: [{ sort: "oneshot#egg", dueMs: 5 }],
        corrupt: [],
      });
      expect(queries()).toMatchObject([
        {
          IndexName: "due",
          ExclusiveStartKey: { ...rowKey("oneshot#a"), slot: { S: "shard0#once" }, dueMs: { N: "4" } },
          ExpressionAttributeValues: { ":slot": { S: "shard0#once" }, ":from": { N: "3" }, ":to": { N: "9" } },
        },
      ]);
    });
  });

  it.each([
    ["any version", undefined, undefined],
    ["nothing", null, "attribute_not_exists(#key)"],
    ["one version", "v0", "#version = :version"],
  ])("puts a timer that may replace %s", async (_, replaces, condition) => {
    dynamodb.on(PutItemCommand).resolves({});
    await table().put(timer, indexKey, replaces);
    const { Item, ConditionExpression } = dynamodb.commandCalls(PutItemCommand)[0]?.args[0].input ?? {};
    expect([Item, ConditionExpression]).toEqual([timerRow(timer, indexKey), condition]);
  });

  it.each([
    [null, "the timer already exists"],
    ["v0", "the timer does not have this version"],
  ])("reports that a put lost a race: %j", async (replaces, message) => {
    dynamodb.on(PutItemCommand).rejects(conditionFailed);
    await expect(table().put(timer, indexKey, replaces)).rejects.toEqual(new TimerChangedError(message));
  });

  describe("advances timers", () => {
    const advance = (id: string, changed: Partial<Advance> = {}): Advance => {
      const subject = storedTimer({ id });
      return { timer: { ...subject, enqueuedUntil: 9 }, indexKey, previous: 5, ...changed };
    };
    const responses = (...codes: readonly (BatchStatementErrorCodeEnum | undefined)[]) => ({
      Responses: codes.map((Code) => (Code === undefined ? {} : { Error: { Code, Message: "because" } })),
    });
    const statements = () =>
      dynamodb.commandCalls(BatchExecuteStatementCommand).map(({ args: [{ input }] }) => input.Statements ?? []);

    it("with the known version and enqueuedUntil, to their next index keys, or out of the index", async () => {
      dynamodb.on(BatchExecuteStatementCommand).resolves(responses(undefined, undefined));
      const counted = advance("tea", { timer: { ...timer, enqueuedUntil: 9, firesLeft: 2 } });
      expect(await table().advance([counted, advance("egg", { indexKey: undefined })])).toEqual([]);
      const key = Object.values(rowKey("periodic#tea"));
      expect(statements()[0]).toEqual([
        {
          Statement:
            `UPDATE "${TABLE}" SET "enqueuedUntil" = ? SET "firesLeft" = ? SET "slot" = ? SET "dueMs" = ? ` +
            `WHERE "partition" = ? AND "timer" = ? AND "version" = ? AND "enqueuedUntil" = ?`,
          Parameters: [
            { N: "9" },
            { N: "2" },
            { S: "shard0#every#3600" },
            { N: "300000" },
            ...key,
            { S: "v1" },
            { N: "5" },
          ],
        },
        {
          Statement:
            `UPDATE "${TABLE}" SET "enqueuedUntil" = ? REMOVE "slot" REMOVE "dueMs" ` +
            `WHERE "partition" = ? AND "timer" = ? AND "version" = ? AND "enqueuedUntil" = ?`,
          Parameters: [{ N: "9" }, ...Object.values(rowKey("periodic#egg")), { S: "v1" }, { N: "5" }],
        },
      ]);
    });

    it("in batches of 25, and returns those that have changed concurrently", async () => {
      const all = Array.from({ length: 30 }, (_, index) => advance(`t${index}`));
      dynamodb
        .on(BatchExecuteStatementCommand)
        .resolvesOnce(responses(undefined, "ConditionalCheckFailed", ...Array.from({ length: 23 }, () => undefined)))
        .resolves(responses(...Array.from({ length: 5 }, () => undefined)));
      expect(await table().advance(all)).toEqual([all[1]]);
      expect(statements().map(({ length }) => length)).toEqual([25, 5]);
    });

    it("and sends those again that were throttled", async () => {
      dynamodb
        .on(BatchExecuteStatementCommand)
        .resolvesOnce(responses("ThrottlingError", undefined, "ProvisionedThroughputExceeded"))
        .resolves(responses(undefined, undefined));
      expect(await table().advance(["a", "b", "c"].map((id) => advance(id)))).toEqual([]);
      expect(statements().map((batch) => batch.map(({ Parameters }) => Parameters?.[4]))).toEqual([
        [{ S: "periodic#a" }, { S: "periodic#b" }, { S: "periodic#c" }],
        [{ S: "periodic#a" }, { S: "periodic#c" }],
      ]);
    });

    it.each(["InternalServerError", "RequestLimitExceeded", "TransactionConflict"] as const)(
      "and sends those again that have failed for a moment: %s",
      async (code) => {
        dynamodb
          .on(BatchExecuteStatementCommand)
          .resolvesOnce(responses(undefined, code))
          .resolves(responses(undefined));
        expect(await table().advance(["a", "b"].map((id) => advance(id)))).toEqual([]);
        expect(statements().map(({ length }) => length)).toEqual([2, 1]);
      },
    );

    it("and fails when some cannot be saved", async () => {
      dynamodb.on(BatchExecuteStatementCommand).resolves(responses(undefined, "ValidationError"));
      const failure = table().advance([advance("tea"), advance("egg")]);
      await expect(failure).rejects.toMatchObject({ cause: { message: "ValidationError: because" } });
    });
  });

  it("deletes by id", async () => {
    dynamodb.on(DeleteItemCommand).resolves({});
    await table().delete(timer);
    expect(dynamodb.commandCalls(DeleteItemCommand)[0]?.args[0].input).toEqual({
      TableName: TABLE,
      Key: rowKey("periodic#tea"),
    });
    await table().delete(timer, "v1");
    // One that does not exist is deleted already, perhaps by an earlier attempt.
    expect(dynamodb.commandCalls(DeleteItemCommand)[1]?.args[0].input).toMatchObject({
      ConditionExpression: "attribute_not_exists(#version) OR #version = :version",
    });
  });

  it("creates a shard's cursor once, and keeps an existing one", async () => {
    dynamodb.on(PutItemCommand).rejects(conditionFailed);
    const one = table();
    await one.ensureCursor("shard0", 5);
    await one.ensureCursor("shard0", 6);
    expect(dynamodb.commandCalls(PutItemCommand)).toHaveLength(1);
    expect(dynamodb.commandCalls(PutItemCommand)[0]?.args[0].input).toMatchObject({
      Item: { ...rowKey("cursor#shard0"), cursor: { N: "5" } },
      ConditionExpression: "attribute_not_exists(#key)",
    });
  });

  it("retries a cursor that it could not create", async () => {
    dynamodb.on(PutItemCommand).rejectsOnce(new Error("no network")).resolves({});
    const one = table();
    await expect(one.ensureCursor("shard0", 5)).rejects.toThrow("no network");
    await one.ensureCursor("shard0", 5);
    expect(dynamodb.commandCalls(PutItemCommand)).toHaveLength(2);
  });

  describe("saves the largest shard count", () => {
    it("and returns the largest ever", async () => {
      dynamodb.on(GetItemCommand).resolves({ Item: { maxShards: { N: "8" } } });
      expect(await table().recordShardCount(4)).toBe(8);
      expect(dynamodb.commandCalls(UpdateItemCommand)).toEqual([]);
    });

    it.each([[{}], [{ Item: { maxShards: { N: "2" } } }]])("and replaces it by a larger one: %j", async (known) => {
      dynamodb.on(GetItemCommand).resolves(known).on(UpdateItemCommand).resolves({});
      expect(await table().recordShardCount(4)).toBe(4);
      expect(dynamodb.commandCalls(UpdateItemCommand)[0]?.args[0].input).toMatchObject({
        ConditionExpression: "attribute_not_exists(#maxShards) OR #maxShards < :count",
        ExpressionAttributeValues: { ":count": { N: "4" } },
      });
    });

    it("and tolerates a concurrent update", async () => {
      dynamodb.on(GetItemCommand).resolves({}).on(UpdateItemCommand).rejects(conditionFailed);
      expect(await table().recordShardCount(4)).toBe(4);
    });
  });

  it("passes on any other error of DynamoDB", async () => {
    const throttled = Object.assign(new Error("slow down"), { name: "ThrottlingException" });
    dynamodb.on(PutItemCommand).rejects(throttled).on(BatchExecuteStatementCommand).rejects(throttled);
    await expect(table().put(timer, indexKey, "v1")).rejects.toThrow(throttled);
    await expect(table().advance([{ timer, indexKey, previous: 5 }])).rejects.toMatchObject({ cause: throttled });
  });
});
