import { BatchGetItemCommand, DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { mockClient } from "aws-sdk-client-mock";

import { cursorReader } from "../../../functions/timers/cursors";

const TABLE = "almanac-test-timers";
const NOW = 1_000_000;

const dynamodb = mockClient(DynamoDBClient);
beforeEach(() => dynamodb.reset());
const cursor = (shard: string, at: number) => ({ timer: { S: `cursor#${shard}` }, cursor: { N: String(at) } });
const asked = () =>
  dynamodb
    .commandCalls(BatchGetItemCommand)
    .map(({ args: [{ input }] }) => input.RequestItems?.[TABLE]?.Keys?.map(({ timer }) => timer?.S));

describe("cursors", () => {
  it("are read once as long as they are ahead of now", async () => {
    dynamodb
      .on(BatchGetItemCommand)
      .resolves({ Responses: { [TABLE]: [cursor("shard0", NOW + 5), cursor("shard1", NOW - 5)] } });
    const cursors = cursorReader(new DynamoDBClient(), TABLE);
    const shards = new Set(["shard0", "shard1"]);
    for (const now of [NOW, NOW, NOW + 6]) expect((await cursors.of(shards, now)).get("shard0")).toBe(NOW + 5);
    expect(asked()).toEqual([
      ["cursor#shard0", "cursor#shard1"],
      ["cursor#shard1"],
      ["cursor#shard0", "cursor#shard1"],
    ]);
  });

  it("are not there for shards that have none", async () => {
    dynamodb.on(BatchGetItemCommand).resolves({ Responses: { [TABLE]: [] } });
    const cursors = cursorReader(new DynamoDBClient(), TABLE);
    expect((await cursors.of(new Set(["shard9"]), NOW)).get("shard9")).toBeUndefined();
  });
});
