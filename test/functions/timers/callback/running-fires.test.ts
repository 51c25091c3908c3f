import { DynamoDBClient, UpdateItemCommand } from "@aws-sdk/client-dynamodb";
import { mockClient } from "aws-sdk-client-mock";
import type { Fire } from "../../../../functions/timers/schedule/timer";
import { runningFires } from "../../../../functions/timers/callback/running-fires";

const fire: Fire = {
  kind: "periodic",
  id: "tea",
  version: "v1",
  shard: "shard0",
  due: 0,
  data: "{}",
  fireId: "periodic#tea#v1#1970-01-01T00:00:00.000Z",
};

it("a running fire that cannot be ended does not fail its callback: the lease expires", async () => {
  const dynamodb = mockClient(DynamoDBClient);
  dynamodb.on(UpdateItemCommand).rejects(new Error("no network"));
  const running = runningFires(new DynamoDBClient(), "claims");
  await expect(running.end(fire, "message")).resolves.toBeUndefined();
  await expect(running.begin(fire, { owner: "message", now: 0, until: 1 })).rejects.toThrow("no network");
});

it("a running fire ends its own lease only", async () => {
  const dynamodb = mockClient(DynamoDBClient);
  dynamodb.on(UpdateItemCommand).resolves({});
  await runningFires(new DynamoDBClient(), "claims").end(fire, "message");
  expect(dynamodb.commandCalls(UpdateItemCommand)[0]?.args[0].input).toMatchObject({
    Key: { fireId: { S: "running#periodic#tea" } },
    ConditionExpression: "leaseOwner = :owner",
    ExpressionAttributeValues: { ":owner": { S: "message" } },
  });
});
