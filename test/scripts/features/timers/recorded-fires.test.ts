import { DynamoDBClient, QueryCommand } from "@aws-sdk/client-dynamodb";
import { marshall } from "@aws-sdk/util-dynamodb";
import { mockClient } from "aws-sdk-client-mock";
import { describeFires } from "../../../../scripts/features/timers/describe";
import { recordedFires } from "../../../../scripts/features/timers/recorded-fires";

const dynamodb = mockClient(DynamoDBClient);
beforeEach(() => dynamodb.reset());

const recorded = (version: string, minute: string, lateMs: number) => {
  const fireId = `periodic#tea#${version}#2026-11-21T${minute}:00.000Z`;
  const [dueAt, firedAt] = [`2026-11-21T${minute}:00.000Z`, `2026-11-21T${minute}:00.${lateMs}Z`];
  return marshall({ timer: "periodic#tea", fireId, dueAt, firedAt, lateMs, data: '{"order":7}', ttl: 1 });
};

describe("the fires of a timer", () => {
  it("are all that was recorded, page by page, of whatever version, the latest first", async () => {
    const LastEvaluatedKey = { timer: { S: "periodic#tea" } };
    dynamodb
      .on(QueryCommand)
      .resolvesOnce({ Items: [recorded("v9", "07:15", 120), recorded("v9", "07:30", 110)], LastEvaluatedKey })
      .resolves({ Items: [recorded("va", "07:00", 130)] });
    const fires = await recordedFires(new DynamoDBClient(), { table: "recorded", kind: "periodic", id: "tea" });
    expect(describeFires(fires)).toMatchInlineSnapshot(`
     "                     due                     fired  late (ms)  data
     2026-11-21T07:30:00.000Z  2026-11-21T07:30:00.110Z        110  {"order":7}
     2026-11-21T07:15:00.000Z  2026-11-21T07:15:00.120Z        120  {"order":7}
     2026-11-21T07:00:00.000Z  2026-11-21T07:00:00.130Z        130  {"order":7}"
    `);
    expect(dynamodb.commandCalls(QueryCommand)[0]?.args[0].input).toMatchObject({
      TableName: "recorded",
      ExpressionAttributeValues: { ":timer": { S: "periodic#tea" } },
    });
  });
});
