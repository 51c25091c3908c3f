import { CountingDynamoDB, sizeOf } from "../../../scripts/dev/bench/heartbeats/processes/counting-dynamodb";

const item = (sort: string, bytes: number) => ({
  monitor: { S: "site" },
  item: { S: sort },
  text: { S: "x".repeat(bytes) },
});
const put = (Item: object) => ({ TableName: "states", Item });
const key = (sort: string) => ({ monitor: { S: "site" }, item: { S: sort } });

describe("the bench's DynamoDB", () => {
  it("counts bytes of names and values as DynamoDB does", () => {
    expect(sizeOf({ a: { S: "äb" } })).toBe(4);
    expect(sizeOf({ a: { N: "-1234.5" } })).toBe(5);
    expect(sizeOf({ a: { M: { ok: { BOOL: true } } } })).toBe(8);
    expect(sizeOf({ a: { L: [{ S: "x" }, { NULL: true }] } })).toBe(8);
  });

  it("charges a write by its kilobytes, the larger of before and after, twice in a transaction", () => {
    const dynamodb = new CountingDynamoDB();
    dynamodb.answer("DynamoDB_20120810.PutItem", put(item("a", 1_500)));
    expect(dynamodb.writeUnits).toBe(2);
    dynamodb.answer("DynamoDB_20120810.PutItem", put(item("a", 10)));
    expect(dynamodb.writeUnits).toBe(4);
    dynamodb.answer("DynamoDB_20120810.TransactWriteItems", { TransactItems: [{ Put: put(item("b", 10)) }] });
    expect(dynamodb.writeUnits).toBe(6);
  });

  it("charges a read by four kilobytes, half if eventually consistent, a query by the sum of its items", () => {
    const dynamodb = new CountingDynamoDB();
    dynamodb.preload("states", item("hour#1", 3_000));
    dynamodb.preload("states", item("hour#2", 3_000));
    dynamodb.answer("DynamoDB_20120810.GetItem", { TableName: "states", Key: key("hour#1"), ConsistentRead: true });
    expect(dynamodb.readUnits).toBe(1);
    dynamodb.answer("DynamoDB_20120810.BatchGetItem", {
      RequestItems: { states: { Keys: [key("hour#1"), key("c")] } },
    });
    expect(dynamodb.readUnits).toBe(2);
    const values = { ":monitor": { S: "site" }, ":from": { S: "hour#1" }, ":to": { S: "hour#~" } };
    const found = dynamodb.answer("DynamoDB_20120810.Query", {
      TableName: "states",
      ExpressionAttributeValues: values,
    });
    expect(found).toEqual({ Items: [item("hour#1", 3_000), item("hour#2", 3_000)] });
    expect(dynamodb.readUnits).toBe(3);
  });
});
