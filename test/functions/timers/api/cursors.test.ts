import { BatchGetItemCommand, DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { mockClient } from "aws-sdk-client-mock";

import { cursorReader } from "../../../../functions/timers/api/cursors";
import { rowKey } from "../../../../functions/timers/storage/timer-row";
import { cursorOf } from "../../../../functions/timers/storage/shard-cursor";
import { readCursors } from "../../../../functions/timers/storage/cursors";
import { sdkJson } from "../../../support/sdk-json";
import { virtualClock } from "../../../support/virtual-clock";

const TABLE = "almanac-test-timers";
const NOW = 1_000_000;

const dynamodb = mockClient(DynamoDBClient);
beforeEach(() => dynamodb.reset());
const cursor = (shard: string, at: number) => ({ ...rowKey(`cursor#${shard}`), cursor: { N: String(at) } });
const requests = () =>
  dynamodb
    .commandCalls(BatchGetItemCommand)
    .map(({ args: [{ input }] }) => input.RequestItems?.[TABLE]?.Keys?.map(({ timer }) => timer?.S));

const services = { clock: virtualClock(), random: () => 0.5 };
const reader = () => cursorReader((shards) => readCursors(sdkJson(), TABLE, shards, services));

describe("cursors", () => {
  it("are cached while they are ahead of now", async () => {
    dynamodb
      .on(BatchGetItemCommand)
      .resolves({ Responses: { [TABLE]: [cursor("shard0", NOW + 5), cursor("shard1", NOW - 5)] } });
    const cursors = reader();
    const shards = new Set(["shard0", "shard1"]);
    for (const now of [NOW, NOW, NOW + 6])
      expect((await cursors.get(shards, now)).get("shard0")).toEqual({ cursor: NOW + 5 });
    expect(requests()).toEqual([
      ["cursor#shard0", "cursor#shard1"],
      ["cursor#shard1"],
      ["cursor#shard0", "cursor#shard1"],
    ]);
  });

  it("are cached while they are ahead of now for all callbacks", async () => {
    const behind = { S: '{"billing":{"cursor":' + String(NOW + 2) + ',"position":{"range":"s"}}}' };
    dynamodb.on(BatchGetItemCommand).resolves({ Responses: { [TABLE]: [{ ...cursor("shard0", NOW + 5), behind }] } });
    const cursors = reader();
    for (const now of [NOW, NOW + 2, NOW + 3]) {
      const read = await cursors.get(new Set(["shard0"]), now);
      const timer = { shard: "shard0", options: { callback: "billing" } };
      expect([cursorOf({ shard: "shard0" }, read), cursorOf(timer, read)]).toEqual([NOW + 5, NOW + 2]);
    }
    expect(requests()).toHaveLength(2);
  });

  it("are absent for shards without a cursor", async () => {
    dynamodb.on(BatchGetItemCommand).resolves({ Responses: { [TABLE]: [] } });
    const cursors = reader();
    expect((await cursors.get(new Set(["shard9"]), NOW)).get("shard9")).toBeUndefined();
  });

  it("cause a 429 when DynamoDB leaves keys unprocessed", async () => {
    const Keys = [rowKey("cursor#shard0")];
    dynamodb.on(BatchGetItemCommand).resolves({ Responses: {}, UnprocessedKeys: { [TABLE]: { Keys } } });
    const cursors = reader();
    await expect(cursors.get(new Set(["shard0"]), NOW)).rejects.toMatchObject({ status: 429 });
  });

  it("are read a hundred at a time", async () => {
    dynamodb.on(BatchGetItemCommand).resolves({ Responses: {} });
    const shards = new Set(Array.from({ length: 250 }, (_, shard) => `shard${shard}`));
    await reader().get(shards, NOW);
    expect(requests().map((keys) => keys?.length)).toEqual([100, 100, 50]);
  });
});
