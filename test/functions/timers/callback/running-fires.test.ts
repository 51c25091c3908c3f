import { ConditionalCheckFailedException, DynamoDBClient, UpdateItemCommand } from "@aws-sdk/client-dynamodb";
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

const dynamodb = mockClient(DynamoDBClient);
const running = runningFires(new DynamoDBClient(), "claims");
const heldBy = (Item: NonNullable<ConditionalCheckFailedException["Item"]>) =>
  new ConditionalCheckFailedException({ message: "no", $metadata: {}, Item });
beforeEach(() => dynamodb.reset());

it("a lease that cannot be acquired or released rejects: it may be there", async () => {
  dynamodb.on(UpdateItemCommand).rejects(new Error("no network"));
  await expect(running.begin(fire, { owner: "run.message", now: 0, until: 1 })).rejects.toThrow("no network");
  await expect(running.end(fire, "run.message")).rejects.toThrow("no network");
});

it("a running fire ends its own lease only", async () => {
  dynamodb.on(UpdateItemCommand).resolves({});
  await running.end(fire, "run.message");
  expect(dynamodb.commandCalls(UpdateItemCommand)[0]?.args[0].input).toMatchObject({
    Key: { fireId: { S: "running#periodic#tea" } },
    ConditionExpression: "leaseOwner = :owner",
    ExpressionAttributeValues: { ":owner": { S: "run.message" } },
  });
  dynamodb.on(UpdateItemCommand).rejects(heldBy({}));
  await expect(running.end(fire, "run.message")).resolves.toBeUndefined();
  dynamodb.on(UpdateItemCommand).rejects(heldBy({ leaseOwner: { S: "run.2" }, leaseUntil: { N: "8" } }));
  await expect(running.end(fire, "run.message")).resolves.toEqual({ owner: "run.2", until: 8 });
});

it("says which fire has the lease, who owns it, and until when", async () => {
  const request = { owner: "run.message", now: 5, until: 10 };
  const item = { running: { S: "other" }, leaseOwner: { S: "run.2" }, leaseUntil: { N: "8" } };
  dynamodb.on(UpdateItemCommand).rejects(heldBy(item));
  expect(await running.begin(fire, request)).toEqual({ outcome: "held", fireId: "other", owner: "run.2", until: 8 });
  dynamodb.on(UpdateItemCommand).rejects(heldBy({}));
  expect(await running.begin(fire, request)).toEqual({ outcome: "held", fireId: "", owner: "", until: 5 });
});
