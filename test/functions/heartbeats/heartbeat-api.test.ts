import { ConditionalCheckFailedException, DynamoDBClient, UpdateItemCommand } from "@aws-sdk/client-dynamodb";
import { GetObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { mockClient } from "aws-sdk-client-mock";

import { GetParameterCommand, SSMClient } from "@aws-sdk/client-ssm";
import { handler } from "../../../functions/heartbeats/heartbeat-api";
import { pingKey } from "../../../functions/heartbeats/monitors/record-heartbeat";
import { lambdaContext, setupHandler } from "../../support/lambda";

const SECRET = "0123456789abcdef0123456789abcdef";
const NOW = Date.parse("2026-11-21T06:55:00Z");

describe("the heartbeat API", () => {
  const s3 = mockClient(S3Client);
  const dynamodb = mockClient(DynamoDBClient);
  const ssm = mockClient(SSMClient);

  const output = setupHandler("heartbeats", {
    STATE_TABLE: "almanac-test-heartbeats-state",
    CONFIGURATION_BUCKET: "almanac-test-configuration",
    PING_SECRET_PARAMETER: "/almanac/ping",
  });
  beforeEach(() => {
    jest.spyOn(Date, "now").mockReturnValue(NOW);
    const settings = JSON.stringify({ cronMonitors: [{ name: "backup", everySeconds: 3_600, graceSeconds: 60 }] });
    s3.reset();
    s3.on(GetObjectCommand, { Bucket: "almanac-test-configuration", Key: "monitors.json" }).callsFake(() => ({
      Body: { transformToString: () => Promise.resolve(settings) },
    }));
    ssm.reset();
    ssm
      .on(GetParameterCommand, { Name: "/almanac/ping", WithDecryption: true })
      .resolves({ Parameter: { Value: SECRET } });
    dynamodb.reset();
    dynamodb.on(UpdateItemCommand).resolves({});
  });

  const post = async (name: string | undefined, fields: object = {}) => {
    const event = {
      httpMethod: "POST",
      resource: "/heartbeats/{name}",
      pathParameters: name === undefined ? null : { name },
      body: null,
      requestContext: { requestId: "request-1" },
      ...fields,
    };
    const { statusCode, body } = await handler(event, lambdaContext());
    return [statusCode, JSON.parse(body) as unknown] as const;
  };

  it("records a heartbeat, and returns when the next one is expected", async () => {
    expect(await post("backup")).toEqual([
      200,
      {
        monitor: "backup",
        event: "success",
        receivedAt: "2026-11-21T06:55:00.000Z",
        expectedBefore: "2026-11-21T07:56:00.000Z",
      },
    ]);
    expect(dynamodb.commandCalls(UpdateItemCommand).map(({ args }) => args[0].input)).toEqual([
      expect.objectContaining({
        TableName: "almanac-test-heartbeats-state",
        Key: { monitor: { S: "cron/backup" }, item: { S: "heartbeat" } },
        ConditionExpression: "attribute_not_exists(heartbeatAt) OR heartbeatAt < :at",
        ExpressionAttributeValues: { ":at": { N: String(NOW) } },
      }),
    ]);
  });

  it("takes a start, a failure and an exit code, and keeps no log of a start", async () => {
    const report = async (event: string, body: object) => {
      const [status] = await post(undefined, {
        resource: "/heartbeats/{name}/{event}",
        pathParameters: { name: "backup", event },
        body: JSON.stringify(body),
      });
      return status;
    };
    const details = { log: "disk full", durationMs: 1_200 };
    expect([await report("start", details), await report("fail", details), await report("0", details)]).toEqual([
      200, 200, 200,
    ]);
    const stored = dynamodb
      .commandCalls(UpdateItemCommand)
      .map(({ args: [{ input }] }) => Object.keys(input.ExpressionAttributeValues ?? {}).sort());
    expect(stored).toEqual([[":at"], [":at", ":durationMs", ":log"], [":at", ":durationMs", ":exitCode", ":log"]]);
    expect(await report("finish", {})).toBe(400);
  });

  it("takes no parameters in a report's URL, which would be lost, and minds none in a ping's", async () => {
    const queryStringParameters = { durationMs: "1200" };
    const message = "query: has no parameters";
    expect(await post("backup", { queryStringParameters })).toEqual([400, { error: "BadRequest", message }]);
    expect(dynamodb.commandCalls(UpdateItemCommand)).toEqual([]);
    expect(await ping(pingKey("backup", SECRET), { queryStringParameters })).toMatchObject([200, {}]);
  });

  it("says when the next one is expected after a success only", async () => {
    const answer = async (event: string) =>
      (await post(undefined, { resource: "/heartbeats/{name}/{event}", pathParameters: { name: "backup", event } }))[1];
    expect(await answer("0")).toHaveProperty("expectedBefore");
    for (const event of ["start", "fail", "7"]) expect(await answer(event)).not.toHaveProperty("expectedBefore");
  });

  const ping = (key: string, fields: object = {}) =>
    post(undefined, { httpMethod: "GET", resource: "/ping/{key}", pathParameters: { key }, ...fields });

  it("takes a ping, whose body is the output, and whose key is in no log", async () => {
    const key = pingKey("backup", SECRET);
    expect(await ping(key)).toEqual([200, expect.objectContaining({ monitor: "backup", event: "success" })]);
    const failed = {
      httpMethod: "POST",
      resource: "/ping/{key}/{event}",
      pathParameters: { key, event: "2" },
      body: "{not JSON",
    };
    expect(await ping(key, failed)).toEqual([200, expect.objectContaining({ event: "fail" })]);
    expect(dynamodb.commandCalls(UpdateItemCommand).at(-1)?.args[0].input.ExpressionAttributeValues).toMatchObject({
      ":log": { S: "{not JSON" },
      ":exitCode": { N: "2" },
    });
    expect(JSON.stringify(output.lines())).not.toContain(key.slice(7));
  });

  it("has no pings where no secret is configured", async () => {
    process.env["PING_SECRET_PARAMETER"] = "";
    let withoutPings = handler;
    jest.isolateModules(() => {
      const path = "../../../functions/heartbeats/heartbeat-api";
      withoutPings = jest.requireActual<{ readonly handler: typeof handler }>(path).handler;
    });
    const key = pingKey("backup", SECRET);
    const event = { httpMethod: "GET", resource: "/ping/{key}", pathParameters: { key }, body: null };
    const requestContext = { requestId: "request-1" };
    expect(await withoutPings({ ...event, requestContext }, lambdaContext())).toMatchObject({ statusCode: 404 });
    expect(dynamodb.commandCalls(UpdateItemCommand)).toEqual([]);
  });

  it("answers the same to a wrong key and an unknown job, and stores nothing", async () => {
    const wrong = [
      pingKey("backup", SECRET.toUpperCase()),
      pingKey("backup", SECRET).slice(0, -1),
      "backup",
      "restore.x",
    ];
    for (const key of wrong)
      expect(await ping(key)).toEqual([404, { error: "NotFound", message: "there is no job with this key" }]);
    expect(dynamodb.commandCalls(UpdateItemCommand)).toEqual([]);
  });

  it("accepts a duplicate heartbeat, and one that a later one overtook", async () => {
    dynamodb.on(UpdateItemCommand).rejects(new ConditionalCheckFailedException({ message: "no", $metadata: {} }));
    expect((await post("backup"))[0]).toBe(200);
  });

  it("answers 404 for an unknown cron monitor, and stores nothing", async () => {
    expect(await post("restore")).toEqual([
      404,
      { error: "NotFound", message: "there is no cron monitor with this name" },
    ]);
    expect(dynamodb.commandCalls(UpdateItemCommand)).toEqual([]);
  });

  it.each<[string, string | undefined, object, RegExp]>([
    ["without a name", undefined, {}, /^path.name: /],
    ["with a body that is not JSON", "backup", { body: "{" }, /^body: is not JSON/],
    ["with a body that is no object", "backup", { body: "7" }, /^body: /],
  ])("refuses a request %s, saying where and why", async (_name, name, fields, message) => {
    expect(await post(name, fields)).toEqual([
      400,
      { error: "BadRequest", message: expect.stringMatching(message) as unknown },
    ]);
  });

  it("answers 500 for an internal error, with details in the log only", async () => {
    dynamodb.on(UpdateItemCommand).rejects(new Error("no such table"));
    const [status, body] = await post("backup");
    expect(status).toBe(500);
    expect(JSON.stringify(body)).not.toContain("table");
    expect(output.lines()).toContainEqual(
      expect.objectContaining({ level: "ERROR", message: "request failed", requestId: "request-1" }),
    );
  });
});
