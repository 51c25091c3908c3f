import { BatchWriteItemCommand, DynamoDBClient, QueryCommand, UpdateItemCommand } from "@aws-sdk/client-dynamodb";
import { mockClient } from "aws-sdk-client-mock";
import {
  notificationsTable,
  webhookLeases,
  webhookQueue,
} from "../../../../functions/pipelines/slack/notifications-table";
import type { QueuedNotification, QueueItem } from "../../../../functions/pipelines/slack/slack-sender";
import { systemClock } from "../../../../functions/shared/clock";

describe("notifications on their way into the queue", () => {
  it("go in waves, in which each key is once", async () => {
    const client = new DynamoDBClient({});
    const dynamodb = mockClient(client);
    dynamodb.on(BatchWriteItemCommand).resolves({});
    const queued = ["a", "b", "a", "a", "b"].map((key, position): QueuedNotification => ({
      pipeline: "c",
      position: String(position),
      notification: { pipeline: "c", key, kind: "new", receivedAt: "", fields: [] },
    }));
    await notificationsTable(client, "table", { clock: systemClock, random: Math.random }).add(queued);
    const waves = dynamodb
      .commandCalls(BatchWriteItemCommand)
      .map(({ args: [{ input }] }) =>
        input.RequestItems?.["table"]?.map(({ PutRequest }) => PutRequest?.Item?.["position"]?.S),
      );
    expect(waves).toEqual([["0", "1"], ["2", "4"], ["3"]]);
  });
});

describe("a queue", () => {
  it("is read consistently, page by page, so that a sender sees what was queued before its lease ended", async () => {
    const client = new DynamoDBClient({});
    const item = (position: string) => ({ position: { S: position }, notification: { S: "no JSON" } });
    const dynamodb = mockClient(client);
    dynamodb
      .on(QueryCommand)
      .resolvesOnce({ Items: [item("1")], LastEvaluatedKey: item("1") })
      .resolvesOnce({ Items: [item("2")] });
    const table = notificationsTable(client, "table", { clock: systemClock, random: Math.random });
    expect((await table.read("a", 5)).map(({ pipeline, position }) => [pipeline, position])).toEqual([
      ["a", "1"],
      ["a", "2"],
    ]);
    const queries = dynamodb.commandCalls(QueryCommand).map(({ args: [{ input }] }) => input);
    expect(queries.map(({ ConsistentRead, Limit }) => [ConsistentRead, Limit])).toEqual([
      [true, 5],
      [true, 4],
    ]);
  });
});

describe("a notification that was set aside", () => {
  it("goes back to its position in the queue, as it was", async () => {
    const client = new DynamoDBClient({});
    const dynamodb = mockClient(client);
    dynamodb.on(BatchWriteItemCommand).resolves({});
    const content = { position: { S: "7" }, notification: { S: "{}" }, more: { N: "1" } };
    const item = { queue: { S: "set-aside w" }, ...content, fault: { S: "no key" } };
    dynamodb.on(QueryCommand).resolves({ Items: [item] });
    const queue = notificationsTable(client, "table", { clock: systemClock, random: Math.random });
    expect(await queue.readSetAside("w", 1)).toMatchObject([{ position: "7", fault: "no key", item: content }]);
    await queue.restore({ pipeline: "w", position: "7" });
    expect(dynamodb.commandCalls(BatchWriteItemCommand).map(({ args: [{ input }] }) => input.RequestItems)).toEqual([
      { table: [{ PutRequest: { Item: { queue: { S: "w" }, ...content } } }] },
      { table: [{ DeleteRequest: { Key: { queue: { S: "set-aside w" }, position: { S: "7" } } } }] },
    ]);
  });
});

describe("the queue of a webhook", () => {
  const table = () => {
    const items: QueueItem[] = ["a 2", "b 1", "a 4", "c 0", "b 3"].map((place) => {
      const [pipeline = "", position = ""] = place.split(" ");
      return { pipeline, position, fault: "f" };
    });
    const read = (pipeline: string, limit: number) => {
      const own = items.filter((item) => item.pipeline === pipeline);
      return Promise.resolve(own.sort((a, b) => Number(a.position) - Number(b.position)).slice(0, limit));
    };
    const [remove, setAside] = [jest.fn(() => Promise.resolve()), jest.fn(() => Promise.resolve())];
    return { read, remove, setAside };
  };

  it("has the notifications of its pipelines, in order", async () => {
    const pipelines = new Map([["w", ["a", "b"]]]);
    const queue = webhookQueue(table(), (webhook) => pipelines.get(webhook) ?? []);
    const read = async (webhook: string, limit: number) =>
      (await queue.read(webhook, limit)).map(({ pipeline, position }) => `${pipeline} ${position}`);
    expect(await read("w", Infinity)).toEqual(["b 1", "a 2", "b 3", "a 4"]);
    expect(await read("w", 3)).toEqual(["b 1", "a 2", "b 3"]);
    expect(await read("other", 3)).toEqual([]);
    pipelines.set("other", ["c", "b"]);
    expect(await read("other", 3)).toEqual(["c 0", "b 1", "b 3"]);
  });

  it("removes and sets aside an item where it is, also when its notification says otherwise", async () => {
    const stored = table();
    const queue = webhookQueue(stored, () => ["a", "b"]);
    const [first, second] = await queue.read("w", 2);
    if (first === undefined || second === undefined) throw new Error("too few");
    await queue.remove("w", [first]);
    await queue.setAside("w", { ...second, fault: "f" });
    expect(stored.remove).toHaveBeenCalledWith([first]);
    expect(stored.setAside).toHaveBeenCalledWith({ ...second, fault: "f" });
  });
});

describe("the lease of a webhook", () => {
  it("has the state that its owners share, also when it was changed by hand", async () => {
    const client = new DynamoDBClient({});
    const dynamodb = mockClient(client);
    const Attributes = { nextMessageAt: { N: "5" }, failures: { N: "2" }, rejections: { S: "x" } };
    dynamodb.on(UpdateItemCommand).resolves({ Attributes });
    const leases = webhookLeases(client, "table");
    expect(await leases.acquire("w", { owner: "me", now: 1, until: 9 })).toEqual({
      nextMessageAt: 5,
      failures: 2,
      rejections: 0,
    });
    expect(await leases.renew("w", { owner: "me", until: 9 }, { nextMessageAt: 7, failures: 3, rejections: 1 })).toBe(
      true,
    );
    const [, renewed] = dynamodb.commandCalls(UpdateItemCommand).map(({ args: [{ input }] }) => input);
    expect(renewed).toMatchObject({
      Key: { queue: { S: "lease w" } },
      UpdateExpression: expect.stringMatching(
        /^SET nextMessageAt = :next, failures = :failures, rejections = :rejections, /,
      ) as unknown,
      ExpressionAttributeValues: { ":next": { N: "7" }, ":failures": { N: "3" }, ":rejections": { N: "1" } },
    });
  });
});
