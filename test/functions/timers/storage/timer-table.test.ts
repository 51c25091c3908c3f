import {
  BatchGetItemCommand,
  ConditionalCheckFailedException,
  DeleteItemCommand,
  DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  ScanCommand,
  UpdateItemCommand,
} from "@aws-sdk/client-dynamodb";
import { mockClient } from "aws-sdk-client-mock";

import { timerRow } from "../../../../functions/timers/storage/timer-row";
import { TimerChangedError, timerTable } from "../../../../functions/timers/storage/timer-table";
import { storedTimer } from "../../../support/timers";
import { virtualClock } from "../../../support/virtual-clock";

const TABLE = "almanac-test-timers";
const timer = storedTimer();
const row = timerRow(timer, undefined);
const place = { slot: "shard0#every#3600", order: 300_000 };
const lost = new ConditionalCheckFailedException({ message: "The conditional request failed", $metadata: {} });

const dynamodb = mockClient(DynamoDBClient);
beforeEach(() => dynamodb.reset());
const table = () => timerTable(new DynamoDBClient(), TABLE, { clock: virtualClock(), random: () => 0.5 });

describe("the table of timers", () => {
  it("reads a timer strongly consistent, or nothing", async () => {
    dynamodb.on(GetItemCommand).resolvesOnce({ Item: row }).resolves({});
    expect([await table().get(timer), await table().get(timer)]).toEqual([timer, undefined]);
    expect(dynamodb.commandCalls(GetItemCommand)[0]?.args[0].input).toEqual({
      TableName: TABLE,
      Key: { timer: { S: "periodic#tea" } },
      ConsistentRead: true,
    });
  });

  describe("reads many", () => {
    const requests = () =>
      dynamodb
        .commandCalls(BatchGetItemCommand)
        .map(({ args: [{ input }] }) => input.RequestItems?.[TABLE]?.Keys?.map(({ timer }) => timer?.S));

    it("of up to a hundred a call, each once, however often it is asked for", async () => {
      dynamodb.on(BatchGetItemCommand).resolves({});
      const ids = Array.from({ length: 150 }, (_, index) => storedTimer({ id: `t${index}` }));
      expect(await table().getMany([...ids, ...ids])).toEqual([]);
      expect(requests().map((keys) => keys?.length)).toEqual([100, 50]);
      expect(dynamodb.commandCalls(BatchGetItemCommand)[0]?.args[0].input).toMatchObject({
        RequestItems: { [TABLE]: { ConsistentRead: true } },
      });
    });

    it("and asks again for what DynamoDB left unprocessed", async () => {
      const Keys = [{ timer: { S: "oneshot#egg" } }];
      const egg = storedTimer({ kind: "oneshot", id: "egg", schedule: { kind: "once", at: 5 } });
      dynamodb
        .on(BatchGetItemCommand)
        .resolvesOnce({ Responses: { [TABLE]: [row] }, UnprocessedKeys: { [TABLE]: { Keys } } })
        .resolves({ Responses: { [TABLE]: [timerRow(egg, undefined)] } });
      expect(await table().getMany([timer, egg])).toEqual([timer, egg]);
      expect(requests()).toEqual([["periodic#tea", "oneshot#egg"], ["oneshot#egg"]]);
    });

    it("and fails where some stay unread: a timer that is not known must not pass for deleted", async () => {
      const Keys = [{ timer: { S: "periodic#tea" } }];
      dynamodb.on(BatchGetItemCommand).resolves({ UnprocessedKeys: { [TABLE]: { Keys } } });
      await expect(table().getMany([timer])).rejects.toThrow("1 timers were left unread");
    });
  });

  it("lists one kind, page by page", async () => {
    dynamodb.on(ScanCommand).resolves({ Items: [row], LastEvaluatedKey: { timer: { S: "cursor#shard0" } } });
    expect(await table().list("periodic", 7, "periodic#a")).toEqual({ timers: [timer], next: "cursor#shard0" });
    expect(dynamodb.commandCalls(ScanCommand)[0]?.args[0].input).toMatchObject({
      Limit: 7,
      ExclusiveStartKey: { timer: { S: "periodic#a" } },
      ExpressionAttributeValues: { ":kind": { S: "periodic#" } },
    });
  });

  it.each([
    ["whatever is there", undefined, undefined],
    ["nothing", null, "attribute_not_exists(#key)"],
    ["one version", "v0", "#version = :version"],
  ])("puts a timer that may replace %s", async (_, replaces, condition) => {
    dynamodb.on(PutItemCommand).resolves({});
    await table().put(timer, place, replaces);
    const { Item, ConditionExpression } = dynamodb.commandCalls(PutItemCommand)[0]?.args[0].input ?? {};
    expect([Item, ConditionExpression]).toEqual([timerRow(timer, place), condition]);
  });

  it.each([
    [null, 'there is a periodic timer "tea" already'],
    ["v0", 'the periodic timer "tea" is not of version "v0"'],
  ])("tells that a put has lost its race: %j", async (replaces, message) => {
    dynamodb.on(PutItemCommand).rejects(lost);
    await expect(table().put(timer, place, replaces)).rejects.toEqual(new TimerChangedError(message));
  });

  describe("moves a timer", () => {
    it("of the version and the reach that are known, to its next place", async () => {
      dynamodb.on(UpdateItemCommand).resolves({});
      await table().move({ ...timer, through: 9, firesLeft: 2 }, place, 5);
      expect(dynamodb.commandCalls(UpdateItemCommand)[0]?.args[0].input).toEqual({
        TableName: TABLE,
        Key: { timer: { S: "periodic#tea" } },
        UpdateExpression: "SET #through = :through, #firesLeft = :firesLeft, #slot = :slot, #order = :order",
        ConditionExpression: "#version = :version AND #through = :before",
        ExpressionAttributeNames: {
          "#through": "through",
          "#firesLeft": "firesLeft",
          "#slot": "slot",
          "#order": "order",
          "#version": "version",
        },
        ExpressionAttributeValues: {
          ":through": { N: "9" },
          ":firesLeft": { N: "2" },
          ":slot": { S: "shard0#every#3600" },
          ":order": { N: "300000" },
          ":version": { S: "v1" },
          ":before": { N: "5" },
        },
      });
    });

    it("out of the index where nothing is left of it", async () => {
      dynamodb.on(UpdateItemCommand).resolves({});
      await table().move(timer, undefined, 5);
      expect(dynamodb.commandCalls(UpdateItemCommand)[0]?.args[0].input).toMatchObject({
        UpdateExpression: "SET #through = :through REMOVE #slot, #order",
      });
    });

    it("and tells that it was changed meanwhile", async () => {
      dynamodb.on(UpdateItemCommand).rejects(lost);
      await expect(table().move(timer, place, 5)).rejects.toThrow(TimerChangedError);
    });
  });

  it("deletes by id", async () => {
    dynamodb.on(DeleteItemCommand).resolves({});
    await table().delete(timer);
    expect(dynamodb.commandCalls(DeleteItemCommand)[0]?.args[0].input).toEqual({
      TableName: TABLE,
      Key: { timer: { S: "periodic#tea" } },
    });
  });

  it("makes a shard's cursor once, and leaves one that is there", async () => {
    dynamodb.on(PutItemCommand).rejects(lost);
    const one = table();
    await one.ensureCursor("shard0", 5);
    await one.ensureCursor("shard0", 6);
    expect(dynamodb.commandCalls(PutItemCommand)).toHaveLength(1);
    expect(dynamodb.commandCalls(PutItemCommand)[0]?.args[0].input).toMatchObject({
      Item: { timer: { S: "cursor#shard0" }, cursor: { N: "5" } },
      ConditionExpression: "attribute_not_exists(#key)",
    });
  });

  it("asks again for a cursor that it could not make", async () => {
    dynamodb.on(PutItemCommand).rejectsOnce(new Error("no network")).resolves({});
    const one = table();
    await expect(one.ensureCursor("shard0", 5)).rejects.toThrow("no network");
    await one.ensureCursor("shard0", 5);
    expect(dynamodb.commandCalls(PutItemCommand)).toHaveLength(2);
  });

  describe("remembers the largest number of shards", () => {
    it("that there ever was", async () => {
      dynamodb.on(GetItemCommand).resolves({ Item: { largest: { N: "8" } } });
      expect(await table().rememberShards(4)).toBe(8);
      expect(dynamodb.commandCalls(UpdateItemCommand)).toEqual([]);
    });

    it.each([[{}], [{ Item: { largest: { N: "2" } } }]])("and notes a larger one: %j", async (known) => {
      dynamodb.on(GetItemCommand).resolves(known).on(UpdateItemCommand).resolves({});
      expect(await table().rememberShards(4)).toBe(4);
      expect(dynamodb.commandCalls(UpdateItemCommand)[0]?.args[0].input).toMatchObject({
        ConditionExpression: "attribute_not_exists(#largest) OR #largest < :count",
        ExpressionAttributeValues: { ":count": { N: "4" } },
      });
    });

    it("and bears that somebody was faster", async () => {
      dynamodb.on(GetItemCommand).resolves({}).on(UpdateItemCommand).rejects(lost);
      expect(await table().rememberShards(4)).toBe(4);
    });
  });

  it("passes on what else DynamoDB refuses", async () => {
    const throttled = Object.assign(new Error("slow down"), { name: "ThrottlingException" });
    dynamodb.on(PutItemCommand).rejects(throttled).on(UpdateItemCommand).rejects(throttled);
    await expect(table().put(timer, place, "v1")).rejects.toThrow(throttled);
    await expect(table().move(timer, place, 5)).rejects.toThrow(throttled);
  });
});
